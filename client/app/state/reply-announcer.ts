/** Which sentence a screen reader hears when a reply has come in whole; none for what was there on opening, none per token. */
import { textOf } from '../../../shared/conversation/read.ts'
import type { ConversationView } from '../../sync/view.ts'
import { replyEnding } from './reply-ending.ts'

const LONGEST = 400

export class ReplyAnnouncer {
  #last: string | null = null
  #begun = false

  /** @returns the sentence, or null when nothing new is to be said */
  next(view: Pick<ConversationView, 'messages' | 'loaded' | 'synced'>, agentName: (id: string) => string): string | null {
    const last = view.messages.findLast(({ message }) => message.role === 'assistant')?.message
    const isNew = this.#begun && last !== undefined && last.id !== this.#last
    this.#last = last?.id ?? null
    // Until the server's part is here, what appears is old.
    this.#begun ||= view.loaded && view.synced
    if (!isNew) return null
    const text = textOf(last.parts)
    const { agentId, bot, authorName } = last.metadata
    const name = bot && authorName ? authorName : agentId ? agentName(agentId) : 'Assistant'
    const ending = replyEnding(last)
    if (ending && text.trim() === '') return `${name} did not reply: ${ending.reason}`
    const said = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
    return `${name} replied: ${said}${ending ? `${/[.!?…]\s*$/.test(said) ? '' : '.'} ${ending.reason}` : ''}`
  }
}
