/**
 * The shared drafts of one conversation: members write in one at the same time, and whoever sends it says what they saw. When a draft
 * goes, what this person had typed in it and the message does not hold comes back as a draft of their own.
 *
 * Who brings it back: each person their own letters, by the Yjs client ids that are theirs (this page's, those noted on this device,
 * and those seen under their name that are no longer here: where such a page is here, it knows more and does it itself).
 */
import type { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { draftsGoneIn, draftsStandingIn, strayText } from './gone-draft.ts'
import type { GoneDraft } from './gone-draft.ts'
import { ownText, reopening, withoutSealed } from './late-edits.ts'
import type { Letter } from './late-edits.ts'
import { isSend } from './own-request.ts'
import type { OwnRequest } from './own-request.ts'
import { readPeople } from './people.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { readDraft, readDrafts, readMessages, readRedactions, textOf } from '../../shared/conversation/read.ts'
import type { Message, MessagePart } from '../../shared/conversation/schema.ts'
import { putSharedDraft } from '../../shared/conversation/write.ts'
import type { SharedDraftHead } from '../../shared/conversation/write.ts'
import { SkeinError } from '../../shared/errors.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import type { DraftId, MessageId } from '../../shared/ids.ts'
import type { Role } from '../../shared/wire/frame.ts'

export interface SharedDraftsOptions {
  /** The current one: it may be replaced. */
  doc: () => Y.Doc
  awareness: () => Awareness
  /** The local store is read. */
  loaded: () => boolean
  /** Whom the server takes this person for; while it was not met, whom it took them for last. */
  userId: () => string
  /** Whether this is an id of the person's, that or one that they had before. */
  isOwn: (id: string) => boolean
  /** Null: never told. */
  role: () => Role | null
  /** The requests of this device. */
  own: () => readonly OwnRequest[]
  now: () => number
  newId: () => string
  /** This client id of this person wrote in a draft; called before the change is stored. */
  noteWriter: (clientId: number) => void
  /** Keeps words that can go on in no draft, as refused for this reason. Resolves when they are stored. */
  keep: (text: string, parentId: MessageId | null, code: ErrorCode) => Promise<void>
}

export class SharedDrafts {
  readonly #options: SharedDraftsOptions
  /** Of this person on this device, those of earlier pages included. */
  readonly #writers = new Set<number>()
  /** Under this person's name, seen here at some time. */
  readonly #seen = new Set<number>()
  /** Draft that this page sent → the client and its clock then: what it had written before stands in the request. */
  readonly #sent = new Map<DraftId, { client: number, clock: number }>()
  /** Letters of this person that were copied under ids of the server's when it began anew, each as client and clock. */
  readonly #copied = new Set<string>()
  /** Draft that is gone → the one in which this person's letters of it stand. */
  readonly #successors = new Map<DraftId, DraftId>()

  constructor(options: SharedDraftsOptions) {
    this.#options = options
    this.attach()
  }

  /** Client ids that the store has noted. */
  know(writers: readonly number[]): void {
    for (const client of writers) this.#writers.add(client)
  }

  /** To the document that took the place of another one. */
  attach(): void {
    this.#options.doc().on('afterTransaction', this.#follow)
    this.#options.awareness().on('change', this.#meet)
  }

  /** @throws SkeinError `viewer` */
  open(parentId: MessageId | null): DraftId {
    this.#checkMayWrite('so no draft was opened')
    const { doc, userId, now, newId } = this.#options
    const id = newId() as DraftId
    putSharedDraft(doc(), id, { kind: 'shared', authorId: userId(), parentId, createdAt: now() })
    return id
  }

  text(id: DraftId): Y.Text | null {
    const parts = this.#read(id) && openRoots(this.#options.doc()).drafts.get(id)?.get('parts')
    if (!(parts instanceof Y.Array)) return null
    for (const part of parts) {
      const text = part.get('type') === 'text' ? part.get('text') : null
      if (text instanceof Y.Text) return text
    }
    return null
  }

  /** @throws SkeinError `target-unknown`, `viewer`, `not-author` */
  drop(id: DraftId): void {
    const draft = this.#readOrThrow(id)
    this.#checkMayWrite('so the draft stays')
    if (!this.#options.isOwn(draft.head.authorId)) {
      throw new SkeinError('not-author', 'A draft can be discarded by the person who began it only, so it stays. Send it, or delete its text.')
    }
    openRoots(this.#options.doc()).drafts.delete(id)
  }

  /** What a person who sends it now says. @throws SkeinError `target-unknown`, `viewer`, `message-empty` */
  send(id: DraftId): MessagePart[] {
    const { parts } = this.#readOrThrow(id)
    this.#checkMayWrite('so the draft was not sent')
    const said = parts.filter(part => part.type === 'text')
    if (textOf(said).trim() === '') throw new SkeinError('message-empty')
    const doc = this.#options.doc()
    this.#sent.set(id, { client: doc.clientID, clock: Y.getState(doc.store, doc.clientID) })
    return said
  }

  /** The open draft in which what this person typed last into a draft that is gone goes on; null: there is none. */
  successor(id: DraftId): DraftId | null {
    for (let next = this.#successors.get(id); next; next = this.#successors.get(next)) if (this.#read(next)) return next
    return null
  }

  /** Letters of this person stand in a shared draft. */
  holdsOwn(): boolean {
    return draftsStandingIn(this.#options.doc()).some(draft => this.#writtenHere(draft).some(({ own }) => own))
  }

  /**
   * What this person wrote here in drafts of an earlier life of the document, and stands nowhere in this one, goes on as drafts of their
   * own. Once, however often it is carried over. Resolves when what became no draft is stored.
   * @param left that life
   * @param confirmed a server had all of it, so that what is missing in a draft that stands was deleted there
   */
  async carryOver(left: Y.Doc, confirmed: boolean): Promise<void> {
    const doc = this.#options.doc()
    const [standing, found] = [readDrafts(doc), draftsStandingIn(doc)]
    for (const draft of draftsStandingIn(left)) {
      const letters = this.#writtenHere(draft)
      const again = found.find(({ id }) => id === draft.id)
      if (again) this.#recognise(again, ownText(letters))
      if (confirmed && (again || this.#wasDroppedByAuthor(doc, draft))) continue
      const text = textOf(standing.find(({ id }) => id === draft.id)?.parts ?? [])
      await this.#bringBack(doc, draft, withoutSealed(letters, text))
    }
  }

  /** The conversation is deleted: what this person wrote here in its drafts stays, to be read and copied. */
  async giveUp(left: Y.Doc, code: ErrorCode): Promise<void> {
    // All in one step: the document that holds them may be left right after.
    await Promise.all(draftsStandingIn(left).map(async draft => {
      const text = ownText(this.#writtenHere(draft))
      if (text.trim() !== '') await this.#keep(text, draft.head.parentId, code)
    }))
  }

  #read(id: DraftId) {
    const draft = readDraft(id, openRoots(this.#options.doc()).drafts.get(id))
    return draft?.head.kind === 'shared' ? draft : null
  }

  #readOrThrow(id: DraftId) {
    const draft = this.#read(id)
    if (!draft) throw new SkeinError('target-unknown', 'This draft was sent or discarded already, so nothing was changed.')
    return draft
  }

  #checkMayWrite(consequence: string): void {
    if (this.#options.role() === 'viewer') {
      throw new SkeinError('viewer', `You may read this conversation but not write in it, ${consequence}. Ask the owner to make you an editor.`)
    }
  }

  // --- Late edits ------------------------------------------------------------------------------------------------------------------

  #meet = (): void => {
    const { awareness, doc, isOwn } = this.#options
    for (const person of readPeople(awareness().getStates(), doc().clientID)) {
      if (isOwn(person.userId)) this.#seen.add(person.clientId)
    }
  }

  /** Runs before Yjs's gc. What is written here is a transaction of its own, and is stored together with the one that it follows. */
  #follow = (transaction: Y.Transaction): void => {
    const { doc, local } = transaction
    if (local && !this.#writers.has(doc.clientID) && transaction.changedParentTypes.size > 0 && this.#touchesDrafts(transaction)) {
      this.#writers.add(doc.clientID)
      this.#options.noteWriter(doc.clientID)
    }
    // What the store holds was dealt with when it came.
    if (!this.#options.loaded()) return
    // A draft that goes in a local transaction was dropped by this person, on this page.
    if (!local) for (const draft of draftsGoneIn(transaction)) this.#takeBack(doc, draft)
    for (const [id, text] of strayText(transaction)) this.#continue(id, text)
  }

  #touchesDrafts({ doc, changedParentTypes }: Y.Transaction): boolean {
    const { drafts } = openRoots(doc)
    return [...changedParentTypes.keys()].some(type => Object.is(type, drafts))
  }

  /** @param own what this person wrote in the draft before it was copied */
  #recognise({ letters }: GoneDraft, own: string): void {
    const others = withoutSealed(letters.map(letter => ({ ...letter, own: true })), own)
    for (const { own: isOthers, client, clock } of others) if (!isOthers) this.#copied.add(`${client} ${clock}`)
  }

  #takeBack(doc: Y.Doc, draft: GoneDraft): void {
    if (this.#wasDroppedByAuthor(doc, draft)) return
    void this.#bringBack(doc, draft, this.#lettersOf(draft))
  }

  /** A draft that is gone and was not sent was dropped, which its author alone can do: it was this person, on another device. */
  #wasDroppedByAuthor(doc: Y.Doc, { id, head }: GoneDraft): boolean {
    return sealedFrom(doc, id).length === 0 && this.#options.isOwn(head.authorId)
  }

  async #bringBack(doc: Y.Doc, draft: GoneDraft, letters: Letter[]): Promise<void> {
    const { own, userId } = this.#options
    const sealed = sealedFrom(doc, draft.id)
    if ([...readRedactions(doc).values()].some(({ draftId }) => draftId === draft.id)) return
    const [first] = sealed
    const head: SharedDraftHead = {
      kind: 'shared',
      authorId: userId(),
      parentId: first?.id ?? draft.head.parentId,
      createdAt: first?.metadata.acceptedAt ?? draft.head.createdAt
    }
    const requested = own().filter(isSend).filter(({ request }) => request.drops === draft.id).map(({ request }) => request.message)
    const texts = [...sealed, ...requested].map(({ parts }) => textOf(parts))
    const late = texts.reduce(withoutSealed, letters).filter(letter => letter.own)
    // What another device of this person brought back before this one heard of it.
    const brought = readDrafts(doc).filter(other => other.id !== draft.id && isSameHead(other.head, head)).map(({ parts }) => textOf(parts))
    const text = ownText(brought.reduce(withoutSealed, late))
    if (text.trim() !== '') await this.#reopen(doc, draft.id, head, text)
  }

  #lettersOf(draft: GoneDraft): Letter[] {
    const here = this.#options.awareness().getStates()
    return this.#writtenHere(draft, client => this.#seen.has(client) && !here.has(client))
  }

  /** @param isOwn clients that are this person's besides those that wrote on this device */
  #writtenHere({ id, letters }: GoneDraft, isOwn: (client: number) => boolean = () => false): Letter[] {
    const sent = this.#sentFrom(id)
    const { clientID } = this.#options.doc()
    // After a new beginning this page writes as another client.
    const isLater = ({ client, clock }: Omit<Letter, 'own'>): boolean => client === sent?.client ? clock >= sent.clock : client === clientID
    if (sent) return letters.map(letter => ({ ...letter, own: isLater(letter) }))
    const wrote = ({ client, clock }: Omit<Letter, 'own'>): boolean =>
      client === clientID || this.#writers.has(client) || isOwn(client) || this.#copied.has(`${client} ${clock}`)
    return letters.map(letter => ({ ...letter, own: wrote(letter) }))
  }

  /** What this page sent from the draft, unless that was taken back: then its words stand in the draft alone again. */
  #sentFrom(id: DraftId): { client: number, clock: number } | undefined {
    const sent = this.#sent.get(id)
    const isRequested = this.#options.own().filter(isSend).some(({ request }) => request.drops === id)
    return sent && (isRequested || sealedFrom(this.#options.doc(), id).length > 0) ? sent : undefined
  }

  /** Once: the same words may be found again before it is known that they were kept. */
  async #keep(text: string, parentId: MessageId | null, code: ErrorCode): Promise<void> {
    const { own, keep } = this.#options
    if (own().filter(isSend).some(({ refusal, request }) => refusal && textOf(request.message.parts) === text)) return
    await keep(text, parentId, code)
  }

  async #reopen(doc: Y.Doc, from: DraftId, head: SharedDraftHead, text: string): Promise<void> {
    if (this.#options.role() === 'viewer') return this.#keep(text, head.parentId, 'viewer')
    const { id, client, update } = reopening(from, head, text)
    // A squash copies a draft under ids of the server's own: opened a second time under its key, it would be a forgery.
    if (!openRoots(doc).drafts._map.has(id)) {
      // Own letters like any other: till the server has them, they are to outlive a new beginning.
      this.#writers.add(client)
      this.#options.noteWriter(client)
      Y.applyUpdate(doc, update, this)
    }
    this.#successors.set(from, id)
  }

  /** An editor types into a draft for a moment after it is gone. */
  #continue(from: DraftId, typed: string): void {
    const successor = this.successor(from)
    const text = successor && this.text(successor)
    if (text) return text.insert(text.length, typed)
    if (this.#options.role() === 'viewer') return
    const { doc, userId, now, newId } = this.#options
    const id = newId() as DraftId
    putSharedDraft(doc(), id, { kind: 'shared', authorId: userId(), parentId: null, createdAt: now() }, typed)
    this.#successors.set(from, id)
  }
}

const sealedFrom = (doc: Y.Doc, id: DraftId): Message[] => readMessages(doc).filter(({ metadata }) => metadata.draftId === id)

const isSameHead = (a: { kind: string, authorId: string, parentId: MessageId | null, createdAt: number }, b: SharedDraftHead): boolean =>
  a.kind === b.kind && a.authorId === b.authorId && a.parentId === b.parentId && a.createdAt === b.createdAt
