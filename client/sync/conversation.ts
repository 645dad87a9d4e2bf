/**
 * One conversation on this device, as a user interface needs it: a view to show, a signal when it changed, and what a person can do.
 * Everything works offline: what is asked for is kept on this device, shown at once, and carried to the server when it can be reached.
 */
import type { Awareness } from 'y-protocols/awareness'
import type * as Y from 'yjs'
import type { ConversationOptions, SendOptions } from './conversation-options.ts'
import { ConversationParts } from './conversation-parts.ts'
import type { ConversationViews } from './conversation-view.ts'
import type { Outbox } from './outbox.ts'
import { isSend } from './own-request.ts'
import type { SharedDrafts } from './shared-drafts.ts'
import type { SyncedDocument } from './synced-document.ts'
import type { ConversationView } from './view.ts'
import { readMessages, readSummaries } from '../../shared/conversation/read.ts'
import type { Request, SettableMeta } from '../../shared/conversation/schema.ts'
import { usageOf } from '../../shared/conversation/usage.ts'
import type { ConversationUsage } from '../../shared/conversation/usage.ts'
import { proposeContinue, proposeReact, proposeRedact, proposeRegenerate, proposeRetry, proposeSend, proposeSetMeta, proposeStop } from '../../shared/conversation/write.ts'
import { SkeinError } from '../../shared/errors.ts'
import type { AgentId, DraftId, MessageId, RequestId, RunId } from '../../shared/ids.ts'
import type { Role } from '../../shared/wire/frame.ts'

export type { ConversationOptions, SendOptions }

export const openConversation = (options: ConversationOptions): Conversation => new Conversation(options)

export class Conversation {
  /** The local store is read. Never rejects. */
  readonly ready: Promise<void>
  readonly #parts: ConversationParts
  readonly #document: SyncedDocument
  readonly #outbox: Outbox
  readonly #drafts: SharedDrafts
  readonly #views: ConversationViews

  constructor(options: ConversationOptions) {
    const parts = new ConversationParts(options)
    this.#parts = parts
    this.#document = parts.document
    this.#outbox = parts.outbox
    this.#drafts = parts.drafts
    this.#views = parts.views
    this.ready = parts.document.ready
  }

  /** For users of the engine. Replaced by another one when the server's lineage changes; do not keep it. */
  get doc(): Y.Doc {
    return this.#document.doc
  }

  get awareness(): Awareness {
    return this.#document.awareness
  }

  /** Something that was written here, letters in a draft too, is not on the server's disk, or may not be. */
  get hasUnsaved(): boolean {
    return this.#document.hasUnsaved
  }

  /** What this person may do here, as the server said last; it changes while the conversation is open, and {@link subscribe} tells. */
  get role(): Role | null {
    return this.#document.role
  }

  /** The same object until something changes. */
  view(): ConversationView {
    return this.#views.current
  }

  /** Called after the view changed, once per tick (or frame, by the given scheduler). Returns how to stop. */
  subscribe(listener: () => void): () => void {
    return this.#document.subscribe(listener)
  }

  /**
   * Says something. It is shown at once, and the promise resolves when it is stored on this device (or, where that fails, when the
   * server has it). What the server then says of it stands in the view.
   */
  send(text: string, { to, replaces, parentId, mode, context }: SendOptions = {}): Promise<RequestId> {
    const parent = parentId === undefined ? this.#views.parentFor(replaces) : parentId
    if (replaces) this.#views.choose(replaces, null)
    return this.#ask(proposeSend({
      parts: [{ type: 'text', text }],
      parentId: parent,
      ...replaces && { replaces },
      ...to && { to },
      ...mode && { mode },
      ...context && { context }
    }, this.#now()))
  }

  /**
   * Opens a draft that all members write in at the same time; it stands in the view and has one empty text.
   * @throws SkeinError `viewer`
   */
  openDraft(): DraftId {
    return this.#drafts.open(this.#views.parentFor(undefined))
  }

  /**
   * For editors to bind to; null when there is no such draft (any more), or it is an agent's. What is typed into it after the draft is
   * gone is not lost either: bind to the {@link successorOf} then.
   */
  draftText(id: DraftId): Y.Text | null {
    return this.#drafts.text(id)
  }

  /** The draft in which this person's letters go on that the message sent from this one does not hold; null when there are none. */
  successorOf(id: DraftId): DraftId | null {
    return this.#drafts.successor(id)
  }

  /**
   * Discards a draft that this person opened. What others typed in it comes back to them as drafts of their own.
   * @throws SkeinError `target-unknown`, `viewer`, `not-author`; nothing is written then
   */
  dropDraft(id: DraftId): void {
    this.#drafts.drop(id)
  }

  /**
   * Says what stands in a shared draft, as this person sees it now; the draft goes when the server takes it, and is hidden here till then.
   * @throws SkeinError (as a rejection) `target-unknown`, `viewer`, `message-empty`; nothing is written then
   */
  async sendDraft(id: DraftId, { to, parentId, mode, context }: Omit<SendOptions, 'replaces'> = {}): Promise<RequestId> {
    const parts = this.#drafts.send(id)
    const parent = parentId === undefined ? this.#views.parentFor(undefined) : parentId
    const fields = { parts, parentId: parent, drops: id, ...to && { to }, ...mode && { mode }, ...context && { context } }
    return this.#ask(proposeSend(fields, this.#now()))
  }

  redact(id: MessageId): Promise<RequestId> {
    return this.#ask(proposeRedact(id, this.#now()))
  }

  stop(runId: RunId): Promise<RequestId> {
    return this.#ask(proposeStop(runId, this.#now()))
  }

  /** @param messageId a reply, for an alternative to it, or a person's message, for one more reply to it */
  regenerate(messageId: MessageId, agentId?: AgentId): Promise<RequestId> {
    this.#views.choose(messageId, null)
    return this.#ask(proposeRegenerate(messageId, this.#now(), agentId))
  }

  /** Asks the agent of a reply that did not end well once more; the new reply takes its place. */
  retry(replyId: MessageId): Promise<RequestId> {
    this.#views.choose(replyId, null)
    return this.#ask(proposeRetry(replyId, this.#now()))
  }

  /** Asks the agent of a reply that broke off to go on with it; the new reply begins with what was said, and takes its place. */
  continue(replyId: MessageId): Promise<RequestId> {
    this.#views.choose(replyId, null)
    return this.#ask(proposeContinue(replyId, this.#now()))
  }

  setMeta(key: SettableMeta, value: string): Promise<RequestId> {
    return this.#ask(proposeSetMeta(key, value, this.#now()))
  }

  react(messageId: MessageId, kind: string, on: boolean): Promise<RequestId> {
    return this.#ask(proposeReact(messageId, kind, on, this.#now()))
  }

  /**
   * Asks again for what was refused, under a new id and after what is now the last message.
   * @throws SkeinError `target-unknown` when there is no such refused request (any more)
   */
  async resend(id: RequestId): Promise<RequestId> {
    if (!this.#document.loaded) await this.ready
    const entry = this.#outbox.get(id)
    if (!entry?.refusal) throw new SkeinError('target-unknown', 'This was sent or discarded already, so nothing was sent again.')
    const { request } = entry
    const createdAt = this.#now()
    const parentId = isSend(entry) ? this.#views.parentFor(entry.request.message.replaces) : null
    const again: Request = isSend(entry)
      ? { ...entry.request, createdAt, message: { ...entry.request.message, parentId } }
      : { ...request, createdAt }
    // The old one goes when the new one is safe: a crash between leaves both, never none.
    const newId = await this.#ask(again)
    await this.#outbox.discard(id)
    return newId
  }

  /** Takes a request back: a refused one is forgotten, one that the server has not seen is cancelled. */
  async discard(id: RequestId): Promise<void> {
    if (!this.#document.loaded) await this.ready
    await this.#outbox.discard(id)
  }

  /** Shows this one of several versions of a message, as long as this page is open and nobody asks here for yet another version. */
  choose(messageId: MessageId): void {
    this.#views.choose(messageId, messageId)
  }

  /** What all replies took that stand in the conversation, those of other branches included, and summaries. Reads every message. */
  usage(): ConversationUsage {
    return usageOf(readMessages(this.doc), readSummaries(this.doc))
  }

  setTyping(typing: boolean): void {
    this.#document.setPresence({ typing })
  }

  connect(): void {
    this.#document.connect()
  }

  disconnect(): void {
    this.#document.disconnect()
  }

  /** Earlier lives of the document that were kept on this device when the server was met were looked through. */
  get carriedOver(): Promise<void> {
    return this.#parts.carryOver.done
  }

  /** It was closed, and everything is let go of. */
  get closed(): Promise<void> {
    return this.#document.closed
  }

  /** Disconnects, writes what is still queued for the local store, and lets go of everything. */
  close(): Promise<void> {
    return this.#parts.close()
  }

  #ask(request: Request): Promise<RequestId> {
    return this.#parts.ask(request)
  }

  #now(): number {
    return this.#document.surroundings.now()
  }
}
