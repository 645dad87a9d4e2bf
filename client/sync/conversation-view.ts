/** Puts together what a person sees of a conversation, and keeps it the same until something changes. */
import type { DocumentReader } from './document-reader.ts'
import { latestOf, showGlance } from './latest.ts'
import type { Glance, Latest } from './latest.ts'
import { isOpen, isSend } from './own-request.ts'
import type { Author, OwnRequest } from './own-request.ts'
import { readPeople } from './people.ts'
import { showDrafts, showMessages, showMeta, showReactions } from './show.ts'
import type { SyncedDocument } from './synced-document.ts'
import type { ConversationView, ViewMessage } from './view.ts'
import { alternativesRoot } from '../../shared/conversation/branch.ts'
import type { BranchChoice } from '../../shared/conversation/branch.ts'
import { isFinished } from '../../shared/conversation/read.ts'
import type { Message, Request, Run } from '../../shared/conversation/schema.ts'
import type { MessageId } from '../../shared/ids.ts'

export interface ViewSources {
  document: () => SyncedDocument
  /** Of the current document: it may be replaced. */
  reader: () => DocumentReader
  own: () => readonly OwnRequest[]
  author: () => Author
}

export class ConversationViews {
  readonly #sources: ViewSources
  #view: ConversationView | null = null
  /** Root of the alternatives → the one that this person wants to see. */
  #choice: BranchChoice = new Map()
  #messages: { key: readonly unknown[], shown: ViewMessage[] } = { key: [], shown: [] }
  /** Shown until the document is read. */
  #glance: Glance | null = null

  constructor(sources: ViewSources) {
    this.#sources = sources
  }

  /** The same object until something changes. */
  get current(): ConversationView {
    this.#view ??= this.#show()
    return this.#view
  }

  /** The end of the conversation as it is kept for the next time. */
  get latest(): Latest {
    const reader = this.#sources.reader()
    return latestOf(this.#showMessages(), reader.meta(), reader.reactions())
  }

  /** {@link latest} says something else than when this was another list. */
  get latestKey(): readonly unknown[] {
    const reader = this.#sources.reader()
    return [reader.messages(), reader.redactions(), reader.meta(), reader.reactions(), this.#choice]
  }

  changed(): void {
    this.#view = null
  }

  /** What was kept for this time; without effect once the document is read. */
  glance(glance: Glance | null): void {
    this.#glance = glance
  }

  /** @param chosen null: the newest */
  choose(messageId: MessageId, chosen: MessageId | null): void {
    const message = this.find(messageId)
    if (!message) return
    const messages = this.#sources.reader().messages()
    const root = alternativesRoot(message, new Map(messages.map(sealed => [sealed.id as string, sealed])))
    const others = [...this.#choice].filter(([key]) => key !== root)
    this.#choice = new Map(chosen === null ? others : [...others, [root, chosen]])
    this.#sources.document().touch()
  }

  find(id: MessageId): Message | undefined {
    return this.current.messages.find(({ message }) => message.id === id)?.message ??
      this.#sources.reader().messages().find(message => message.id === id)
  }

  /**
   * What a new message follows: what the edited message follows, or else the last message shown that the server did not refuse and that
   * stays: what follows a reply of which another version is being written would be hidden with it when that is there.
   */
  parentFor(replaces: MessageId | undefined): MessageId | null {
    const replaced = replaces && this.find(replaces)
    if (replaced) return replaced.metadata.parentId
    const { messages, runs, wanted } = this.current
    const going = replacedSoon(runs, wanted)
    let parent: MessageId | null = null
    for (const { message, alternatives, delivery } of messages) {
      if (delivery.state === 'refused') continue
      if (alternatives.some(id => going.has(id)) || going.has(message.metadata.parentId)) going.add(message.id)
      else parent = message.id
    }
    return parent
  }

  #show(): ConversationView {
    const document = this.#sources.document()
    const reader = this.#sources.reader()
    const own = this.#sources.own()
    const author = this.#sources.author()
    if (document.loaded) this.#glance = null
    const shown = {
      ...showMeta(reader.meta(), own),
      members: reader.members(),
      messages: this.#showMessages(),
      earlier: 0,
      summaries: reader.summaries(),
      drafts: showDrafts(reader.drafts(), own),
      runs: reader.runs(),
      reactions: showReactions(reader.reactions(), own, author),
      people: readPeople(document.awareness.getStates(), document.doc.clientID),
      connection: document.connection,
      closedBy: document.closedBy,
      interruption: document.interruption,
      synced: document.synced,
      loaded: document.loaded,
      role: document.role,
      wanted: own.filter(entry => isOpen(entry) && !isSend(entry)).map(({ request }) => request),
      pending: own.filter(isOpen).length,
      refused: own.filter(entry => entry.refusal && !isSend(entry)),
      storageProblem: document.storageProblem
    }
    return this.#glance ? { ...shown, ...showGlance(this.#glance, own, author) } : shown
  }

  /** A long conversation is not put together again for every letter of a streaming reply. */
  #showMessages(): ViewMessage[] {
    const { messages, redactions, isSealed } = this.#sources.reader()
    const own = this.#sources.own()
    const author = this.#sources.author()
    const key = [messages(), redactions(), own, author.id, this.#choice]
    if (key.some((part, i) => part !== this.#messages.key[i])) {
      const choice = this.#choice
      const sources = { sealed: messages(), isSealed, own, author, choice, takenOut: redactions(), before: this.#messages.shown }
      this.#messages = { key, shown: showMessages(sources) }
    }
    return this.#messages.shown
  }
}

/** Ids of messages that have, or will have when this device's requests are taken, another version being written. */
const replacedSoon = (runs: readonly Run[], wanted: readonly Request[]): Set<string | null> => new Set([
  ...runs.flatMap(run => !isFinished(run) && run.replaces ? [run.replaces] : []),
  ...wanted.flatMap(request => request.type === 'regenerate' || request.type === 'retry' || request.type === 'continue' ? [request.messageId] : [])
])
