/**
 * What a conversation on this device consists of, put together: the document, and built on it the outbox of this device's requests, the
 * shared drafts, the view, its end that is kept for the next time, and what goes on from earlier lives of the document.
 */
import { CarryOver } from './carry-over.ts'
import type { ConversationOptions } from './conversation-options.ts'
import { ConversationViews } from './conversation-view.ts'
import type { DocumentHooks } from './document-options.ts'
import { createReader } from './document-reader.ts'
import type { DocumentReader } from './document-reader.ts'
import { LatestKeeper } from './latest-keeper.ts'
import type { Glance } from './latest.ts'
import { askServer } from './outcome.ts'
import { Outbox } from './outbox.ts'
import { OwnIds } from './own-ids.ts'
import { isAuthor } from './own-request.ts'
import type { Author, OwnRequest } from './own-request.ts'
import type { Presence } from './people.ts'
import { SharedDrafts } from './shared-drafts.ts'
import { SyncedDocument } from './synced-document.ts'
import type { SharedOutbox } from './tabs/shared-document.ts'
import { lastVisible } from '../../shared/conversation/branch.ts'
import type { Request } from '../../shared/conversation/schema.ts'
import { proposeSend } from '../../shared/conversation/write.ts'
import { errorTable } from '../../shared/errors.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import type { MessageId, RequestId } from '../../shared/ids.ts'

export class ConversationParts {
  readonly document: SyncedDocument
  readonly outbox: Outbox
  readonly drafts: SharedDrafts
  readonly views: ConversationViews
  readonly carryOver: CarryOver
  readonly #options: ConversationOptions
  readonly #latest: LatestKeeper
  readonly #ids: OwnIds
  #reader: DocumentReader
  #isClosed = false

  constructor(options: ConversationOptions) {
    this.#options = options
    this.views = new ConversationViews({
      document: () => this.document,
      reader: () => this.#reader,
      own: () => this.outbox.all,
      author: () => this.#author
    })
    this.#latest = new LatestKeeper({ store: options.store, views: this.views, isStored: () => this.document.isStored })
    this.carryOver = new CarryOver({ document: () => this.document, drafts: () => this.drafts, whyGone: () => this.document.forgotten })
    // Before the document, so that it is read first.
    const glance = options.glance?.() ?? Promise.resolve(null)
    this.document = new SyncedDocument(options, this.#hooks())
    const { now, random } = this.document.surroundings
    this.#ids = new OwnIds(now, random)
    this.#reader = this.#read()
    this.outbox = this.#createOutbox()
    this.drafts = this.#createDrafts()
    const presence: Presence = { user: { id: options.userId, name: options.userName }, typing: false }
    this.document.setPresence({ ...presence })
    if (options.store.keepLatest) this.document.subscribe(() => this.#latest.keep())
    void this.#showGlance(glance)
  }

  /**
   * Resolves when it is stored on this device, or the server has answered it.
   * @param refused why it is kept with its text, and never proposed
   */
  async ask(request: Request, refused: OwnRequest['refusal'] = null): Promise<RequestId> {
    const id = this.#ids.next() as RequestId
    await this.outbox.add(id, request, refused)
    return id
  }

  close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true
      this.outbox.close()
      this.#latest.keep()
    }
    return this.document.close()
  }

  #hooks(): DocumentHooks {
    return {
      changed: () => this.views.changed(),
      loaded: (outbox, writers, gone) => {
        this.#latest.owned()
        this.drafts.know(writers)
        this.outbox.load(outbox, gone)
        this.#noteIds()
      },
      replaced: () => {
        this.#reader = this.#read()
        this.drafts.attach()
        this.outbox.replaced()
      },
      met: (epoch, continues) => this.outbox.met(epoch, continues),
      gone: code => {
        this.outbox.giveUp(code)
        if (this.document.hasUnsaved) void this.drafts.giveUp(this.document.doc, code)
        void this.carryOver.run()
      },
      synced: () => {
        this.outbox.arrived()
        this.outbox.proposeMissing()
        this.outbox.askAboutOthers()
        void this.carryOver.run()
      },
      saved: () => this.carryOver.letGo(),
      keptMore: () => {
        this.#latest.scrub()
        void this.carryOver.run()
      },
      holdsOwn: () => this.document.forgotten === null && this.drafts.holdsOwn(),
      result: (id, outcome) => this.outbox.answered(id, outcome),
      outbox: this.#shareOutbox()
    }
  }

  #createOutbox(): Outbox {
    const { document } = this
    const { after } = document.surroundings
    const { store, outcomeOf = askServer(this.#options, after) } = this.#options
    return new Outbox({
      store,
      doc: () => document.doc,
      isSealed: id => this.#reader.isSealed(id),
      lastMessage: () => lastVisible([...this.#reader.messages()])?.id ?? null,
      isOnline: () => document.connection === 'online',
      isSynced: () => document.synced,
      holdUntil: noted => document.holdUntil(noted),
      outcomeOf,
      changed: () => document.touch(),
      after
    })
  }

  #createDrafts(): SharedDrafts {
    const { document } = this
    return new SharedDrafts({
      doc: () => document.doc,
      awareness: () => document.awareness,
      loaded: () => document.loaded,
      userId: () => this.#author.id,
      isOwn: id => isAuthor(this.#author, id),
      role: () => document.role,
      own: () => this.outbox.all,
      now: document.surroundings.now,
      newId: this.#ids.next,
      noteWriter: clientId => void this.#options.store.noteWriter?.(clientId),
      keep: (text, parentId, code) => this.#keep(text, parentId, code)
    })
  }

  /** For the person's other tabs. The document is made first and shares an outbox that is built on it. */
  #shareOutbox(): SharedOutbox {
    return {
      all: () => this.outbox.all,
      mirrorAll: entries => {
        this.outbox.mirrorAll(entries)
        this.#noteIds()
      },
      mirror: (put, gone) => {
        this.outbox.mirror(put, gone)
        this.#noteIds()
      },
      takeIn: () => this.outbox.takeIn(),
      adopt: entry => this.outbox.adopt(entry),
      forget: id => this.outbox.forget(id),
      know: writers => this.drafts.know(writers)
    }
  }

  get #author(): Author {
    const { userId, userName, aliases } = this.#options
    return { id: this.document.hello?.userId ?? userId, name: userName, ...aliases && { aliases } }
  }

  #noteIds(): void {
    this.#ids.follow(this.outbox.all.map(({ id }) => id))
  }

  /** Words that cannot be sent: they stand among the messages, as refused, until the person discards or resends them. */
  async #keep(text: string, parentId: MessageId | null, code: ErrorCode): Promise<void> {
    const request = proposeSend({ parts: [{ type: 'text', text }], parentId }, this.document.surroundings.now())
    await this.ask(request, { code, reason: errorTable[code].message })
  }

  #read(): DocumentReader {
    const reader = createReader(this.document.doc, () => this.outbox.settle())
    this.#latest.attach(this.document.doc)
    return reader
  }

  async #showGlance(reading: Promise<Glance | null>): Promise<void> {
    const glance = await reading
    if (!glance) return
    this.#latest.found(glance.latest)
    if (this.document.loaded) return
    this.views.glance(glance)
    this.document.touch()
  }
}
