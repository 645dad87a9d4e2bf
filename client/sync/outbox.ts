/**
 * The requests of this device: each stands in the document's `requests`, from where the connection carries it, and in the device's
 * store, from where it is proposed again under the same id until the server has answered. A refused one stays with its text until the
 * person resends or discards it.
 */
import { followWhatIsThere, isAstray, mayBeAstray } from './astray.ts'
import type { OutboxOptions } from './outbox-options.ts'
import { OutboxEntries } from './outbox-entries.ts'
import { OutcomeQuestions } from './outcome-questions.ts'
import { carriesText, isKept, isOpen, isSend, isTooLarge, missingRequests, wasAskedElsewhere, whenLeft } from './own-request.ts'
import type { OwnRequest } from './own-request.ts'
import type { OutboxEntry } from './view.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { request as requestSchema } from '../../shared/conversation/schema.ts'
import type { Request } from '../../shared/conversation/schema.ts'
import { putRequest } from '../../shared/conversation/write.ts'
import { errorTable } from '../../shared/errors.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import { parseRequestId } from '../../shared/ids.ts'
import type { RequestId } from '../../shared/ids.ts'
import type { RequestOutcome } from '../../shared/wire/frame.ts'

const isNowhere = ({ askedIn }: OwnRequest): boolean => askedIn === null || askedIn === undefined

export class Outbox {
  readonly #options: OutboxOptions
  readonly #entries: OutboxEntries
  /** Lineage of the server that the document is in sync with, or was; null: none was met. */
  #epoch: string | null = null
  /** Lineages of which that server knows all that they took. */
  #continues: readonly string[] = []
  readonly #questions: OutcomeQuestions

  constructor(options: OutboxOptions) {
    this.#options = options
    this.#entries = new OutboxEntries(options.store, options.changed)
    this.#questions = new OutcomeQuestions({ ...options, askAgain: () => this.askAboutOthers() })
  }

  /** In the order in which they were made; the same array until something changes. */
  get all(): readonly OwnRequest[] {
    return this.#entries.all
  }

  get(id: RequestId): OwnRequest | undefined {
    return this.#entries.get(id)
  }

  /**
   * Shows and proposes it at once. Resolves when it is stored on this device or the server has answered it, whichever comes first.
   * @param refused why it is kept with its text, and never proposed
   */
  add(id: RequestId, request: Request, refused: OwnRequest['refusal'] = null): Promise<void> {
    const safe = this.#entries.whenSafe(id)
    const refusal = refused ?? (isTooLarge(request) ? { code: 'message-too-long' as const, reason: errorTable['message-too-long'].message } : null)
    this.#entries.set({ id, request, stored: false, refusal, accepted: false, askedIn: this.#options.isOnline() ? this.#epoch : null })
    if (!refusal) putRequest(this.#options.doc(), id, request)
    void this.#entries.store(id)
    return safe
  }

  /**
   * After the local store was read, each time this tab begins to own it. What lies in the document alone is taken in too: its entry
   * could not be stored; and what another tab showed and did not live to store is stored.
   * @param gone what was let go of lately, by whichever tab: this one may have been stopped meanwhile, and still show it
   */
  load(stored: readonly OutboxEntry[], gone: readonly string[] = []): void {
    const { requests } = openRoots(this.#options.doc())
    for (const id of gone) {
      this.#entries.drop(id as RequestId)
      requests.delete(id)
    }
    const known = new Set(stored.map(({ id }) => id))
    for (const entry of this.all) {
      if (known.has(entry.id) && !entry.stored) this.#entries.set({ ...entry, stored: true })
      if (isKept(entry) && (!known.has(entry.id) || this.#entries.isAwaited(entry.id))) void this.#entries.store(entry.id)
    }
    for (const entry of stored) {
      if (this.#entries.isGone(entry.id)) void this.#entries.unstore(entry.id)
      else if (!this.#entries.has(entry.id) && isRequest(entry.request)) this.#entries.set({ ...entry, stored: true, accepted: false })
    }
    for (const entry of this.#inTheDocumentAlone()) {
      this.#entries.set({ ...entry, stored: true })
      void this.#entries.store(entry.id)
    }
    this.settle()
    this.proposeMissing()
  }

  /**
   * A server of this lineage was met, and is about to get what the document holds: from now on its outcome may be unknown here.
   * @param continues lineages of which it knows all that they took: what was sent to them may be sent to it again
   */
  met(epoch: string, continues: readonly string[] = []): void {
    const { requests } = openRoots(this.#options.doc())
    this.#epoch = epoch
    this.#continues = continues
    this.#questions.begin()
    this.#sendTo(epoch, this.all.filter(entry => isOpen(entry) && entry.askedIn && continues.includes(entry.askedIn)))
    this.#sendTo(epoch, this.all.filter(entry => isOpen(entry) && isNowhere(entry) && requests.has(entry.id)))
  }

  /** Another document took the place of the old one; which lineage it is of is not known yet. */
  replaced(): void {
    this.#epoch = null
    this.settle()
    for (const entry of this.all.filter(isOpen)) {
      const left = whenLeft(entry)
      if (left === entry) continue
      this.#entries.set({ ...entry, ...left })
      void this.#entries.store(entry.id)
    }
  }

  /**
   * After the store was read, and each time the document holds what the server has: what it took and did not answer is gone by then.
   * What is astray waits for the latter, to follow what is there.
   */
  proposeMissing(): void {
    const doc = this.#options.doc()
    const { requests } = openRoots(doc)
    const missing = missingRequests(this.all, this.#epoch, id => requests.has(id), this.#options.isSealed)
    const coming = new Set<string>(missing.map(({ id }) => id))
    const proposed = this.#options.isSynced()
      ? missing.map(entry => isAstray(entry) ? followWhatIsThere(entry, coming, this.#options) : entry)
      : missing.filter(entry => !isAstray(entry))
    if (proposed.length === 0) return
    for (const entry of proposed) if (entry !== this.#entries.get(entry.id)) this.#entries.set(entry)
    if (this.#options.isOnline()) this.#sendTo(this.#epoch, proposed.filter(isNowhere))
    doc.transact(() => {
      for (const { id, request } of proposed) putRequest(doc, id, request)
    })
  }

  /**
   * Finds out what became of requests that were sent to a server of another lineage (it was restored, or began anew). One that this server
   * knows nothing of may have had its effect before: the person decides, it is never sent again by itself. Call it when the document holds
   * all that the server has.
   */
  askAboutOthers(): void {
    const { requests } = openRoots(this.#options.doc())
    const epoch = this.#epoch
    for (const entry of this.all) {
      if (!isOpen(entry) || !wasAskedElsewhere(entry, epoch) || requests.has(entry.id)) continue
      void this.#questions.ask(entry.id, outcome => {
        // The answer of a server that was left meanwhile says nothing of the one that is met now.
        if (epoch !== this.#epoch || !this.#entries.has(entry.id)) return
        this.answered(entry.id, outcome ?? { status: 'refused', code: 'outcome-unknown', reason: errorTable['outcome-unknown'].message })
        if (outcome?.status === 'accepted') this.arrived()
      })
    }
  }

  /** The conversation was deleted: nothing will be sent any more. What a person wrote stays, to be read and copied. */
  giveUp(code: ErrorCode): void {
    for (const entry of this.all) {
      if (isOpen(entry) && carriesText(entry.request)) this.answered(entry.id, { status: 'refused', code, reason: errorTable[code].message })
      else if (isOpen(entry)) void this.remove(entry.id)
    }
  }

  /** Lets go of what is sealed. */
  settle(): void {
    for (const entry of this.all) {
      if (isSend(entry) && this.#options.isSealed(entry.id)) void this.remove(entry.id)
    }
  }

  /** The document holds all that the server had, so what was accepted has arrived. */
  arrived(): void {
    for (const entry of this.all) {
      if (entry.accepted) void this.remove(entry.id)
    }
  }

  answered(id: RequestId, outcome: RequestOutcome): void {
    const entry = this.#entries.get(id)
    if (!entry) return
    this.#entries.nowSafe(id)
    if (outcome.status === 'refused') {
      this.#entries.set({ ...entry, refusal: { code: outcome.code, reason: outcome.reason } })
      void (carriesText(entry.request) ? this.#entries.store(id) : this.#entries.unstore(id))
    } else if (isSend(entry) && !this.#options.isSealed(id)) {
      this.#entries.set({ ...entry, accepted: true })
      void this.#entries.unstore(id)
    } else {
      void this.remove(id)
    }
  }

  /** Takes it back: one that the server has not seen is cancelled. Resolves when the device's store has forgotten it. */
  discard(id: RequestId): Promise<void> {
    openRoots(this.#options.doc()).requests.delete(id)
    this.#entries.drop(id)
    // Also where it is gone already: who let go of it may not have lived to store that.
    return this.#entries.unstore(id)
  }

  remove(id: RequestId): Promise<void> {
    return this.#entries.drop(id) ? this.#entries.unstore(id) : Promise.resolve()
  }

  close(): void {
    this.#questions.close()
  }

  // --- Among the tabs of one person: the owner's entries count, the others show the same ---------------------------------------------

  /** The owner's entries are these. Own ones that it has not got yet stay. */
  mirrorAll(entries: readonly OwnRequest[]): void {
    this.#epoch = null // Only an owner meets a server.
    const known = new Set<string>(entries.map(({ id }) => id))
    // That the owner does not have one says not that it is done: the tab that made it may still be about to hand it in.
    for (const { id } of this.all) if (!known.has(id) && !this.#entries.isAwaited(id)) this.#entries.hide(id)
    this.mirror(entries, [])
  }

  mirror(put: readonly OwnRequest[], gone: readonly string[]): void {
    for (const entry of put) if (!this.#entries.isGone(entry.id)) this.#entries.set(entry)
    for (const id of gone) this.#entries.drop(id as RequestId)
  }

  /** Another tab wrote into the document: what it asks for by that is noted before it is sent. It may die without handing it in. */
  takeIn(): void {
    const entries = this.#inTheDocumentAlone().map(entry => ({ ...entry, askedIn: null }))
    for (const entry of entries) this.#entries.set(entry)
    if (this.#options.isOnline()) this.#sendTo(this.#epoch, entries)
    else for (const { id } of entries) void this.#entries.store(id)
  }

  /** Another tab asks for this. Resolves when it is stored. */
  async adopt(entry: OutboxEntry): Promise<void> {
    if (this.#entries.isGone(entry.id) || (entry.request.type === 'send' && this.#options.isSealed(entry.id))) return
    if (!this.#entries.has(entry.id)) {
      const isStray = mayBeAstray(entry, parent => this.#options.isSealed(parent) || this.#entries.has(parent as string as RequestId))
      // What became of it elsewhere has to be found out first.
      const isKnown = !entry.askedIn || entry.askedIn === this.#epoch || this.#continues.includes(entry.askedIn)
      const isSent = this.#options.isOnline() && entry.refusal === null && !isStray && isKnown
      this.#entries.set({ ...entry, stored: false, accepted: false, ...isSent && { askedIn: this.#epoch }, ...isStray && { astray: true } })
    }
    this.proposeMissing()
    if (this.#options.isOnline() && this.#options.isSynced()) this.askAboutOthers()
    await this.#entries.store(entry.id)
  }

  /** Another tab took it back, or saw that it is done. Resolves when the store has forgotten it. */
  async forget(id: string): Promise<void> {
    this.#entries.drop(id as RequestId)
    await this.#entries.unstore(id as RequestId)
  }

  /** Requests that no entry stands for. */
  #inTheDocumentAlone(): OwnRequest[] {
    return [...openRoots(this.#options.doc()).requests].flatMap(([key, request]) => {
      const id = parseRequestId(key)
      const isNew = id !== null && !this.#entries.has(id) && !this.#entries.isGone(id) && isRequest(request)
      return isNew ? [{ id, request, stored: false, refusal: null, accepted: false }] : []
    })
  }

  /** To be noted before they leave: else a page that dies now would take them for never sent. */
  #sendTo(epoch: string | null, entries: readonly OwnRequest[]): void {
    if (entries.length > 0) this.#options.holdUntil(Promise.all(entries.map(entry => this.#markAsked(entry, epoch))))
  }

  #markAsked(entry: OwnRequest, epoch: string | null): Promise<void> {
    this.#entries.set({ ...entry, askedIn: epoch })
    return this.#entries.store(entry.id)
  }
}

const isRequest = (value: unknown): value is Request => requestSchema.safeParse(value).success
