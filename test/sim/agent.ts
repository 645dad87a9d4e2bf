/** An agent that says a text which follows from the conversation, word by word on the virtual clock. */
import { SkeinError } from '../../shared/errors.ts'
import type { AgentId } from '../../shared/ids.ts'
import { wait } from '../../shared/timers.ts'
import type { Timers } from '../../shared/timers.ts'
import type { Agent, AgentChunk, AgentContext } from '../../server/agents/port.ts'

export const talker = 'talker' as AgentId
export const forgetful = 'forgetful' as AgentId

/** @param onInterruption what becomes of a reply that a crash ended: this agent goes on with it, or it ends there */
export const createTalker = (id: AgentId, onInterruption: Agent['onInterruption'], timers: Timers): Agent => ({
  id,
  name: id,
  description: 'For simulations.',
  isLanguageModel: false,
  onInterruption,
  async *reply({ messages, already }: AgentContext, signal: AbortSignal): AsyncIterable<AgentChunk> {
    const said = messages.length
    const words = Array.from({ length: 3 + said % 9 }, (_, i) => `word${i} `)
    const rest = words.join('').slice(already.length)
    for (const word of rest.match(/\S+\s*/g) ?? []) {
      await wait(timers, 20 + said * 7 % 60, signal)
      if (signal.aborted) return
      yield { type: 'text', text: word }
    }
    if (said % 7 === 6) throw new SkeinError('agent-failed', 'made to fail')
    yield { type: 'finish', finishReason: 'stop', model: id }
  }
})
