/** A live document in memory: who reads it, how it is written (write-path.ts), and how it ends. */
import * as Y from 'yjs'
import { openRoots } from '../../shared/conversation/document.ts'
import { pendingMigrations } from '../../shared/conversation/migrate.ts'
import { readMessages } from '../../shared/conversation/read.ts'
import { SkeinError } from '../../shared/errors.ts'
import { documentKind } from '../../shared/ids.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { Lineage, StoredDocument } from '../log/port.ts'
import { ClientOwners } from './client-owners.ts'
import type { RoomEnvironment } from './environment.ts'
import { MessageIndex } from './message-index.ts'
import type { ConversationWriter, Posted, PostedAnswer, Room } from './port.ts'
import { Readers } from './readers.ts'
import type { Served } from './readers.ts'
import { Recorder } from './recorder.ts'
import type { Joining, Session, Submission } from './session.ts'
import { WritePath } from './write-path.ts'

export class LiveRoom implements Room {
  readonly name: DocumentName
  readonly lineage: Lineage
  readonly #doc: Y.Doc
  readonly #environment: RoomEnvironment
  readonly #recorder: Recorder
  readonly owners: ClientOwners
  readonly #readers: Readers
  readonly #writePath: WritePath
  readonly #onGone: () => void

  /**
   * @param doc built from `stored`
   * @param onGone called once, when the room may no longer be used
   * @throws SkeinError `newer-schema`
   */
  constructor(
    name: DocumentName,
    doc: Y.Doc,
    stored: StoredDocument | null,
    { lineage, changed }: { lineage: Lineage, changed: boolean },
    environment: RoomEnvironment,
    onGone: () => void,
  ) {
    this.name = name
    this.lineage = lineage
    this.#doc = doc
    this.#environment = environment
    this.#onGone = onGone
    const kind = documentKind(name) === 'conversation' ? 'conversation' : 'free'
    if (kind === 'conversation') openRoots(doc)
    const messages = kind === 'conversation' ? new MessageIndex(readMessages(doc)) : null
    const discard = (error: unknown): void => this.discard(error)
    const recorded = { name, doc, lineage, lineageIsNew: changed, messages, stored }
    const recorder = new Recorder(environment, recorded, (...released) => this.#writePath.release(...released), discard)
    const owners = new ClientOwners(lineage, stored?.bindings ?? [], id => doc.store.clients.has(id))
    const readers = new Readers(doc, recorder, environment)
    this.#recorder = recorder
    this.owners = owners
    this.#readers = readers
    this.#writePath = new WritePath({ name, kind, doc, messages, owners, recorder, readers }, environment, discard)
    const migrations = messages ? pendingMigrations(doc) : []
    if (migrations.length > 0) recorder.record('server', [], () => migrations.forEach(step => step.run(doc)))
    // What is said beside a snapshot names the schema.
    if (migrations.length > 0 || stored?.owesScrub) recorder.snapshots.compact(stored?.owesScrub)
  }

  /** Why it may no longer be used; null: it may. */
  get broken(): SkeinError | null {
    return this.#recorder.broken
  }

  // --- Clients ---------------------------------------------------------------------------------------------------------------------

  /** An update of a client, on its way to everybody's screens: see {@link WritePath}. */
  submit(submission: Submission): void {
    this.#writePath.submit(submission)
  }

  post(posted: Posted): Promise<PostedAnswer> {
    return this.#writePath.post(posted)
  }

  join(joining: Joining): void {
    this.#readers.join(joining)
  }

  askForMissing(session: Session): void {
    this.#readers.askForMissing(session)
  }

  leave(session: Session): void {
    this.#readers.leave(session)
  }

  /** The session does not read: nothing more is queued for it until it is {@link resume}d. */
  stop(session: Session): void {
    this.#readers.stop(session)
  }

  /** The session has read all that was queued. @param sent called when it has been sent what it missed meanwhile */
  resume(session: Session, sent: () => void): void {
    this.#readers.resume(session, sent)
  }

  get stateVector(): Uint8Array {
    return Y.encodeStateVector(this.#doc)
  }

  // --- The server's own reads and writes -------------------------------------------------------------------------------------------

  read<T>(reader: (doc: Y.Doc) => T): Promise<T> {
    if (this.#recorder.broken) return Promise.reject(this.#recorder.broken)
    const result = reader(this.#doc)
    return new Promise((resolve, reject) => this.#recorder.whenDurable(() => resolve(result), reject))
  }

  write<T>(actor: string, change: (writer: ConversationWriter) => T): Promise<T> {
    if (this.#recorder.broken) return Promise.reject(this.#recorder.broken)
    return new Promise((resolve, reject) => {
      const result = this.#recorder.record(actor, [], writer => {
        if (!writer) throw new SkeinError('internal', 'Only conversations are written by the server.')
        writer.begin()
        return change(writer)
      }, true)
      this.#recorder.whenDurable(() => resolve(result), reject)
    })
  }

  // --- Life ------------------------------------------------------------------------------------------------------------------------

  /** Grows with every change. */
  get sequence(): number {
    return this.#recorder.sequence
  }

  /** Nothing waits to be judged, nothing for the disk, nobody for an answer. */
  get isIdle(): boolean {
    return this.#writePath.isIdle && this.#recorder.isSettled && this.#readers.isIdle
  }

  /** Sessions that were served the stored bytes which this document was built from. */
  adopt(served: Served): void {
    this.#readers.adopt(served)
  }

  /** Leaves memory while nobody writes. @returns its readers, for whom somebody else has to care from here on */
  retire(): Served {
    const served = this.#readers.release()
    this.#recorder.break(new SkeinError('unavailable'))
    this.#doc.destroy()
    return served
  }

  /** On the way out of memory: folds a tail of more than so many records, so that the next load is short, and waits for the log. */
  async settle(longTail: number): Promise<void> {
    if (!this.broken && this.#recorder.snapshots.isLong(longTail)) this.#recorder.snapshots.compact()
    await this.#recorder.drained()
  }

  /** Resolves when everything that was submitted is on disk and everybody has been told. */
  async finish(): Promise<void> {
    await this.#writePath.idle()
    await this.#recorder.finish()
    this.#readers.flush()
  }

  /** Resolves when the log is done with this room's records; before that nobody may load the document anew. */
  drained(): Promise<void> {
    return this.#recorder.drained()
  }

  /**
   * The document in memory may hold what the disk does not: everything that waits is abandoned, the sockets close with "try again later",
   * and the next user loads the document from the log. With `gone` it was deleted, and the sockets close for good.
   */
  discard(error: unknown): void {
    if (this.broken) return
    const cause = error instanceof SkeinError ? error : new SkeinError('internal', undefined, { cause: error })
    this.#environment.logger.warn({ document: this.name, code: cause.code, err: error }, 'room discarded')
    const because = cause.code === 'gone' || cause.code === 'not-saved' ? cause : new SkeinError('not-saved', undefined, { cause })
    this.#recorder.break(because)
    this.#writePath.end(because.code)
    this.#readers.endAll(because.code)
    this.#onGone()
    this.#doc.destroy()
  }
}
