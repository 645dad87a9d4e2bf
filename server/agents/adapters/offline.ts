/** The built-in agent: rules instead of a language model, so that a server without a model, a key or a network can be tried at once. */
import { SkeinError } from '../../../shared/errors.ts'
import type { AgentId } from '../../../shared/ids.ts'
import type { Agent, AgentChunk, AgentContext } from '../port.ts'
import { wait } from '../../../shared/timers.ts'
import type { Timers } from '../../../shared/timers.ts'
import { composeReply } from './offline-rules.ts'

export interface OfflineAgentOptions {
  timers: Timers
  /** Pace of the words; 0: all at once. */
  msPerToken?: number
  /** The names of the language models that answer on this server; none when left out. */
  models?: readonly string[]
}

const ID = 'skein-offline' as AgentId

export const createOfflineAgent = ({ timers, msPerToken = 15, models = [] }: OfflineAgentOptions): Agent => ({
  id: ID,
  name: 'Skein offline agent',
  description: 'Built into Skein: answers by fixed rules, without a network. It is not a language model.',
  isLanguageModel: false,
  onInterruption: 'continue',
  async *reply({ messages, already }: AgentContext, signal: AbortSignal): AsyncIterable<AgentChunk> {
    const { text, slowness, fails } = composeReply(messages, models)
    for (const word of restOf(text, already).match(/\s*\S+|\s+$/g) ?? []) {
      if (msPerToken > 0) await wait(timers, msPerToken * slowness, signal)
      if (signal.aborted) return
      yield { type: 'text', text: word }
    }
    if (fails) throw new SkeinError('agent-failed', fails)
    yield { type: 'finish', finishReason: 'stop', model: ID }
  }
})

/** The same context gives the same text, so going on after an interruption is skipping what was seen. New rules may say it differently. */
const restOf = (text: string, already: string): string =>
  text.startsWith(already) ? text.slice(already.length) : `\n\n*(I was interrupted and begin again.)*\n\n${text}`
