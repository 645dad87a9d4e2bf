/** Sealed messages by id, kept beside the document so that taking a request does not read the whole array. */
import type { Message } from '../../shared/conversation/schema.ts'
import type { ConversationSummary } from '../../shared/conversation/event.ts'
import { shorten, textOf } from '../../shared/conversation/read.ts'

const PREVIEW_LENGTH = 140

export class MessageIndex {
  readonly #byId = new Map<string, Message>()
  #last: Message | undefined

  constructor(messages: Iterable<Message>) {
    for (const message of messages) this.add(message)
  }

  get count(): number {
    return this.#byId.size
  }

  values(): Iterable<Message> {
    return this.#byId.values()
  }

  get(id: string): Message | undefined {
    return this.#byId.get(id)
  }

  add(message: Message): void {
    this.#byId.set(message.id, message)
    this.#last = message
  }

  /** The same message, told otherwise. */
  replace(message: Message): void {
    this.#byId.set(message.id, message)
    if (this.#last?.id === message.id) this.#last = message
  }

  remove(id: string): void {
    this.#byId.delete(id)
    if (this.#last?.id === id) this.#last = [...this.#byId.values()].at(-1)
  }

  /** @param fallbackTime `updatedAt` of a conversation without messages */
  summary(title: string, fallbackTime: number): ConversationSummary {
    const last = this.#last
    return {
      title,
      preview: last ? shorten(textOf(last.parts), PREVIEW_LENGTH) : '',
      messageCount: this.count,
      updatedAt: last?.metadata.acceptedAt ?? fallbackTime
    }
  }
}
