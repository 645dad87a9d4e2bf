/** An agent that says what the test tells it to, when it tells it to. */
import type { Agent, AgentChunk, AgentContext, Usage } from '../../server/agents/port.ts'
import type { AgentId } from '../../shared/ids.ts'

export interface Reply {
  readonly context: AgentContext
  readonly signal: AbortSignal
  say(text: string): void
  think(text: string): void
  source(url: string): void
  finish(usage?: Usage): void
  fail(error: unknown): void
  /** Ends without `finish`. */
  end(): void
  /** Chunks that the driver has not asked for yet. */
  readonly unread: number
}

export class ScriptedAgent implements Agent {
  readonly id: AgentId
  readonly name = 'Scripted'
  readonly description = 'For tests.'
  readonly isLanguageModel = false
  readonly onInterruption: 'continue' | 'seal'
  /** Tokens that it reads at once; undefined: nobody knows. */
  contextTokens?: number
  /** One per attempt, and per summary. */
  readonly replies: Reply[] = []
  /** An agent that ends by itself when it is aborted, as it should; false: it goes on waiting. */
  honoursAbort = true

  constructor(onInterruption: 'continue' | 'seal' = 'seal', id = 'scripted') {
    this.id = id as AgentId
    this.onInterruption = onInterruption
  }

  get reply1(): Reply {
    const reply = this.replies[0]
    if (!reply) throw new Error('the agent was not asked')
    return reply
  }

  async *reply(context: AgentContext, signal: AbortSignal): AsyncIterable<AgentChunk> {
    const queue: (() => AgentChunk | null)[] = []
    let wake: () => void = () => {}
    const give = (entry: () => AgentChunk | null): void => {
      queue.push(entry)
      wake()
    }
    this.replies.push({
      context,
      signal,
      say: text => give(() => ({ type: 'text', text })),
      think: text => give(() => ({ type: 'reasoning', text })),
      source: url => give(() => ({ type: 'source-url', sourceId: url, url })),
      finish: (usage = { totalTokens: 3 }) => give(() => ({ type: 'finish', finishReason: 'stop', model: 'scripted-1', usage })),
      fail: error => give(() => { throw error }),
      end: () => give(() => null),
      get unread() {
        return queue.length
      }
    })
    signal.addEventListener('abort', () => wake())
    for (;;) {
      while (queue.length === 0) {
        if (signal.aborted && this.honoursAbort) return
        await new Promise<void>(resolve => { wake = resolve })
      }
      const chunk = queue.shift()!()
      if (chunk === null) return
      yield chunk
    }
  }
}
