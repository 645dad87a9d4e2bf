/** The server's pen: all that the server writes into a conversation goes through here, under the right client id, and notes its event. */
import * as Y from 'yjs'
import { botLabel } from '../../shared/bot-label.ts'
import type { ConversationEvent } from '../../shared/conversation/event.ts'
import { openRoots, reactionKey } from '../../shared/conversation/document.ts'
import type { ConversationRoots, DraftPart } from '../../shared/conversation/document.ts'
import { isFinished } from '../../shared/conversation/read.ts'
import { SCHEMA_VERSION } from '../../shared/conversation/schema.ts'
import type { DraftHead, Member, Message, MessagePart, Run, SettableMeta, SourcePart, Summary } from '../../shared/conversation/schema.ts'
import { parseRequestId, parseUserId } from '../../shared/ids.ts'
import type { DraftId, MessageId, RequestId, RunId } from '../../shared/ids.ts'
import type { LedgerEntry, ServerIds } from '../log/port.ts'
import type { MessageIndex } from './message-index.ts'
import type { ConversationWriter } from './port.ts'

export class TransactionWriter implements ConversationWriter {
  readonly doc: Y.Doc
  readonly roots: ConversationRoots
  readonly messages: MessageIndex
  readonly events: ConversationEvent[] = []
  readonly #taken = new Map<RequestId, LedgerEntry>()
  readonly openedRuns: RunId[] = []
  readonly closedRuns: RunId[] = []
  readonly #ids: ServerIds

  /** Lives for one transaction of this document. */
  constructor(doc: Y.Doc, ids: ServerIds, messages: MessageIndex) {
    this.doc = doc
    this.roots = openRoots(doc)
    this.messages = messages
    this.#ids = ids
  }

  get ledger(): LedgerEntry[] {
    return [...this.#taken.values()]
  }

  noteTaken(entry: LedgerEntry): void {
    this.#taken.set(entry.requestId, entry)
  }

  /** What became of a request that this very transaction took. */
  takenHere(id: RequestId): LedgerEntry | undefined {
    return this.#taken.get(id)
  }

  /** First of all inside the transaction: a new document says which schema it has. */
  begin(): void {
    if (this.roots.meta.get('schema') === undefined) this.roots.meta.set('schema', SCHEMA_VERSION)
  }

  appendMessage(message: Message): void {
    this.doc.clientID = this.#ids.message
    try {
      this.roots.messages.push([message])
    } finally {
      this.doc.clientID = this.#ids.transient
    }
    this.messages.add(message)
    const { runId } = message.metadata
    this.events.push({ type: 'message.sent', messageId: message.id, ...runId && { runId } })
  }

  /** Takes the message out and keeps what threads need of it. */
  redactMessage(message: Message, by: string, at: number): void {
    const index = this.roots.messages.toArray().findIndex(({ id }) => id === message.id)
    this.roots.messages.delete(index)
    this.#dropSummaries(index)
    const { parentId, draftId } = message.metadata
    this.roots.redactions.set(message.id, { parentId, by, at, ...draftId && { draftId } })
    this.messages.remove(message.id)
    this.#forgetContent(message)
    this.events.push({ type: 'message.redacted', messageId: message.id })
  }

  /** The ledger must not tell what the message said, not even to somebody who guesses it. */
  #forgetContent({ id, role, metadata: { authorId, acceptedAt: at } }: Message): void {
    const [requestId, principal] = [parseRequestId(id), parseUserId(authorId)]
    if (role === 'user' && requestId && principal) this.noteTaken({ requestId, outcome: { status: 'accepted' }, principal, at })
  }

  /** Those that may tell what stood at this place, or whose last message is gone. */
  #dropSummaries(index: number): void {
    const { messages, summaries } = this.roots
    if (summaries.size === 0) return
    const before = new Set(messages.toArray().slice(0, index).map(({ id }) => id))
    for (const [id, { through }] of [...summaries]) if (!before.has(through)) summaries.delete(id)
  }

  addSummary(id: string, summary: Summary): void {
    if (this.roots.summaries.has(id)) return
    this.roots.summaries.set(id, summary)
    this.events.push({ type: 'context.summarised', messageId: summary.through })
  }

  renameAuthor(ids: readonly string[], name: string): void {
    const { messages, members, runs } = this.roots
    for (const [i, message] of messages.toArray().entries()) {
      const { authorId, authorName, bot } = message.metadata
      const isBots = bot !== undefined && ids.includes(bot.of.id)
      const called = isBots ? botLabel(NAMELESS, name) : name
      if ((!isBots && !ids.includes(authorId)) || authorName === called) continue
      const nameless = isBots && { bot: { ...bot, name: NAMELESS, of: { ...bot.of, name } } }
      const renamed = { ...message, metadata: { ...message.metadata, authorName: called, ...nameless } }
      messages.delete(i)
      messages.insert(i, [renamed])
      this.messages.replace(renamed)
      // They may tell the old name.
      this.#dropSummaries(0)
    }
    for (const [id, run] of [...runs]) {
      if (run.bot && ids.includes(run.bot.of.id)) runs.set(id, { ...run, bot: { ...run.bot, name: NAMELESS, of: { ...run.bot.of, name } } })
    }
    for (const id of ids) if (members.has(id)) members.delete(id)
  }

  isKnownMessage(id: MessageId): boolean {
    return this.messages.get(id) !== undefined || this.roots.redactions.has(id)
  }

  openDraft(id: DraftId, head: DraftHead, parts: readonly MessagePart[]): void {
    const list = new Y.Array<DraftPart>()
    const draft = new Y.Map<DraftHead | Y.Array<DraftPart>>()
    draft.set('head', head)
    draft.set('parts', list)
    this.roots.drafts.set(id, draft)
    for (const part of parts) {
      if ((part.type === 'text' || part.type === 'reasoning') && typeof part.text === 'string') list.push([draftPart(part.type, part.text)])
      else if (part.type === 'source-url') list.push([sourceOf(part)])
    }
    this.events.push({ type: 'draft.opened', draftId: id })
  }

  appendToDraft(id: DraftId, type: 'text' | 'reasoning', text: string): void {
    const parts = this.roots.drafts.get(id)?.get('parts')
    if (!(parts instanceof Y.Array)) return
    const last = parts.length > 0 ? parts.get(parts.length - 1) : null
    const body = last?.get('type') === type ? last.get('text') : null
    if (body instanceof Y.Text) body.insert(body.length, text)
    else parts.push([draftPart(type, text)])
  }

  addSource(id: DraftId, source: SourcePart): void {
    const parts = this.roots.drafts.get(id)?.get('parts')
    if (parts instanceof Y.Array) parts.push([sourceOf(source)])
  }

  dropDraft(id: DraftId): void {
    if (!this.roots.drafts.has(id)) return
    this.roots.drafts.delete(id)
    this.events.push({ type: 'draft.dropped', draftId: id })
  }

  setRun(run: Run): void {
    const before = this.roots.runs.get(run.id)
    if (before === undefined) {
      for (const [id, other] of this.roots.runs) if (isFinished(other)) this.roots.runs.delete(id)
      this.openedRuns.push(run.id)
      this.events.push({ type: 'run.created', runId: run.id, agentId: run.agentId, messageId: run.messageId })
    }
    this.roots.runs.set(run.id, run)
    if (isFinished(run)) this.closedRuns.push(run.id)
    if (before !== undefined) this.events.push({ type: 'run.changed', runId: run.id, state: run.state, attempt: run.attempt })
  }

  setMeta(key: SettableMeta, value: string): void {
    this.roots.meta.set(key, value)
    this.events.push({ type: 'meta.set', key })
  }

  setReaction(messageId: MessageId, userId: string, kind: string, on: boolean, at: number): void {
    const key = reactionKey(messageId, userId, kind)
    if (on) this.roots.reactions.set(key, at)
    else this.roots.reactions.delete(key)
    this.events.push({ type: 'reaction.set', messageId, kind, on })
  }

  /** For display; the directory is what counts. */
  setMember(userId: string, member: Member): void {
    const before = this.roots.members.get(userId)
    if (before?.name === member.name && before.role === member.role) return
    this.roots.members.set(userId, member)
    this.events.push({ type: 'member.set', userId })
  }

  setMembers(members: ReadonlyMap<string, Member>): void {
    for (const userId of [...this.roots.members.keys()]) {
      if (members.has(userId)) continue
      this.roots.members.delete(userId)
      this.events.push({ type: 'member.left', userId })
    }
    for (const [userId, { name, role }] of members) this.setMember(userId, { name, role })
  }

  /** Empties one place of the clients' outbox. */
  removeRequest(key: string): void {
    this.roots.requests.delete(key)
  }
}

/** What the bots of somebody who is no more are called: their names may tell whose they were. */
const NAMELESS = 'Deleted bot'

const sourceOf = (source: Record<string, unknown>): DraftPart =>
  new Y.Map(Object.entries(source).filter((field): field is [string, string] => typeof field[1] === 'string'))

const draftPart = (type: 'text' | 'reasoning', text: string): DraftPart => {
  const part: DraftPart = new Y.Map()
  part.set('type', type)
  part.set('text', new Y.Text(text))
  return part
}
