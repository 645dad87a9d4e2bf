/** A live document: the write path of Skein, from a client's bytes to everybody's screens, readable top to bottom. */
import * as Y from 'yjs'
import { SkeinError, errorTable } from '../../shared/errors.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import type { StoredEvent } from '../../shared/conversation/event.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { pendingMigrations } from '../../shared/conversation/migrate.ts'
import { readMessages, readMeta } from '../../shared/conversation/read.ts'
import { documentKind } from '../../shared/ids.ts'
import type { DocumentName, UserId } from '../../shared/ids.ts'
import { encodeFrame } from '../../shared/wire/codec.ts'
import { applyClientUpdate } from '../gate/apply.ts'
import { audit } from '../gate/audit.ts'
import { judge } from '../gate/judge.ts'
import { scan } from '../gate/scan.ts'
import type { DecodedUpdate } from '../gate/scan.ts'
import type { Judged, Verdict } from '../gate/verdict.ts'
import type { Binding, Lineage, LogRecord, StoredDocument, UpdateLog } from '../log/port.ts'
import type { Logger } from '../telemetry/port.ts'
import { ClientOwners } from './client-owners.ts'
import { TransactionWriter } from './conversation-writer.ts'
import { MessageIndex } from './message-index.ts'
import type { ConversationWriter, EventListener, Room } from './port.ts'
import { proposalsIn } from './proposals.ts'
import type { Proposal } from './proposals.ts'
import { ReleaseQueue } from './release-queue.ts'
import type { Session, Submission } from './session.ts'
import { takeRequests } from './take.ts'
import type { KnownAgents, Taken } from './take.ts'
import { TakenRequests } from './taken-requests.ts'

export interface RoomEnvironment {
  log: UpdateLog
  agents: KnownAgents
  /** Called after a record is durable. */
  onEvents: EventListener
  now: () => number
  logger: Logger
  /** Records after which the log of a document is folded into a snapshot. */
  compactAfter: number
}

type Accepted = Extract<Verdict, { kind: 'accept' }>

export class LiveRoom implements Room {
  readonly name: DocumentName
  readonly lineage: Lineage
  readonly #doc: Y.Doc
  readonly #kind: Judged
  readonly #environment: RoomEnvironment
  readonly #releases: ReleaseQueue
  readonly #owners: ClientOwners
  readonly #taken: TakenRequests
  readonly #messages: MessageIndex
  readonly #readers = new Set<Session>()
  readonly #inbox: Submission[] = []
  readonly #onGone: () => void
  #unsavedLineage: boolean
  #working = false
  #gone = false
  /** Slot for what the document emitted during our transaction; appended only after the transaction returned. */
  #emitted: Uint8Array[] = []
  #tail: number
  #lastWork: Promise<unknown> = Promise.resolve()

  /**
   * @param doc built from `stored`
   * @param onGone called once, when the room may no longer be used
   * @throws SkeinError `newer-schema`
   */
  constructor(
    name: DocumentName,
    doc: Y.Doc,
    stored: StoredDocument | null,
    lineage: { lineage: Lineage, changed: boolean },
    environment: RoomEnvironment,
    onGone: () => void,
  ) {
    this.name = name
    this.lineage = lineage.lineage
    this.#doc = doc
    this.#unsavedLineage = lineage.changed
    this.#kind = documentKind(name) === 'conversation' ? 'conversation' : 'free'
    this.#environment = environment
    this.#onGone = onGone
    this.#releases = new ReleaseQueue(stored?.head ?? -1)
    this.#tail = stored?.updates.length ?? 0
    this.#owners = new ClientOwners(this.lineage, stored?.bindings ?? [])
    this.#taken = new TakenRequests(environment.log, name)
    if (this.#kind === 'conversation') openRoots(doc)
    this.#messages = new MessageIndex(this.#kind === 'conversation' ? readMessages(doc) : [])
    doc.clientID = this.lineage.ids.transient
    doc.on('update', (update: Uint8Array) => { this.#emitted.push(update) })
    const migrations = this.#kind === 'conversation' ? pendingMigrations(doc) : []
    if (migrations.length > 0) this.#record('server', [], () => migrations.forEach(step => step.run(doc)))
  }

  get gone(): boolean {
    return this.#gone
  }

  // --- Clients ---------------------------------------------------------------------------------------------------------------------

  /** Takes an update into the inbox; updates are worked off one at a time, in the order of arrival. */
  submit(submission: Submission): void {
    if (this.#gone) return submission.session.end('not-saved')
    this.#inbox.push(submission)
    if (!this.#working) void this.#workOff()
  }

  /**
   * Answers sync step 1 with what the client lacks and with what the server has, both as of one sequence, sent when that sequence is
   * durable. The session is subscribed at that very point: every later record reaches it, and none twice.
   */
  join(session: Session, stateVector: Uint8Array): void {
    const missing = encodeFrame({ type: 'sync-step-2', update: Y.encodeStateAsUpdate(this.#doc, stateVector) })
    const ours = encodeFrame({ type: 'sync-step-1', stateVector: Y.encodeStateVector(this.#doc) })
    this.#releases.whenDurable(() => {
      session.send(missing)
      session.send(ours)
      this.#readers.add(session)
    }, () => session.end('not-saved'))
  }

  /** Sends the server's state vector again; the client answers with what the server lacks. */
  askForMissing(session: Session): void {
    const ours = encodeFrame({ type: 'sync-step-1', stateVector: Y.encodeStateVector(this.#doc) })
    this.#releases.whenDurable(() => session.send(ours), () => session.end('not-saved'))
  }

  leave(session: Session): void {
    this.#readers.delete(session)
  }

  /** Whether the principal may show presence under this Yjs client id. */
  claimClient(clientId: number, principal: UserId): boolean {
    return this.#owners.claim(clientId, principal)
  }

  // --- The write path: scan → prepare → judge → apply and take → append → durable → release ----------------------------------------

  async #workOff(): Promise<void> {
    this.#working = true
    try {
      for (let next = this.#inbox.shift(); next && !this.#gone; next = this.#inbox.shift()) await this.#receive(next)
    } catch (error) {
      this.discard(error)
    } finally {
      this.#working = false
    }
  }

  async #receive(submission: Submission): Promise<void> {
    const scanned = scan(submission.bytes, this.#kind)
    if (!scanned.ok) return this.#refuse(submission, scanned.code, scanned.reason)

    const proposals = this.#kind === 'conversation' ? proposalsIn(scanned.decoded) : []
    const prepared = new Set(proposals.map(({ id }) => id))
    if (prepared.size > 0) await this.#taken.prepare(prepared)

    for (;;) {
      if (this.#gone) return submission.session.end('not-saved')
      const verdict = this.#judge(submission, scanned.decoded)
      switch (verdict.kind) {
        case 'refuse':
          return this.#refuse(submission, verdict.code, verdict.reason)
        case 'park':
          return submission.parked()
        case 'nothing':
          return this.#accepted(submission, [])
        case 'accept': {
          // A request that overwrites another one shows its id only to the judge, which resolves the struct that it follows.
          const unprepared = verdict.requestIds.filter(id => !prepared.has(id))
          if (unprepared.length > 0) {
            await this.#taken.prepare(unprepared)
            unprepared.forEach(id => prepared.add(id))
            continue
          }
          if (!submission.final && this.#waitsForParent(proposals)) return submission.parked()
          return this.#apply(submission, verdict)
        }
      }
    }
  }

  #judge(submission: Submission, decoded: DecodedUpdate): Verdict {
    const { principal, role } = submission.session
    return judge(decoded, { kind: this.#kind, doc: this.#doc, principal: principal.id, role, ownerOf: id => this.#owners.of(id) })
  }

  #apply(submission: Submission, verdict: Accepted): void {
    const { principal, role } = submission.session
    const { agents, now } = this.#environment
    let taken: Taken[]
    try {
      taken = this.#record(principal.id, this.#owners.bind(verdict.newClients, principal.id), (writer, transaction) => {
        applyClientUpdate(transaction, this.#doc, submission.bytes)
        audit(transaction, verdict)
        if (!writer) return []
        writer.begin()
        return takeRequests(writer, verdict.requestIds, { principal, role, now: now(), taken: id => this.#taken.get(id), agents })
      })
    } catch (error) {
      // The room is gone by now. Who sent what the judge let through and the audit caught does not get to try again.
      return submission.refused('forged', error instanceof SkeinError ? error.message : errorTable.forged.message)
    }
    this.#accepted(submission, taken)
  }

  #accepted(submission: Submission, taken: Taken[]): void {
    submission.applied()
    this.#releases.whenDurable(() => submission.saved(taken), () => submission.session.end('not-saved'))
  }

  /** One transaction and, when it changed anything, one log record. What throws in it costs the room: the document may be half changed. */
  #record<T>(actor: string, bindings: Binding[], change: (writer: TransactionWriter | null, transaction: Y.Transaction) => T): T {
    const writer = this.#kind === 'conversation' ? new TransactionWriter(this.#doc, this.lineage.ids, this.#messages) : null
    this.#emitted = []
    let result: T
    try {
      result = this.#doc.transact(transaction => change(writer, transaction))
    } catch (error) {
      this.discard(error)
      throw error
    }
    writer?.ledger.forEach(entry => this.#taken.add(entry))
    if (this.#emitted.length > 0) this.#append(actor, Y.mergeUpdates(this.#emitted), writer, bindings)
    return result
  }

  #append(actor: string, update: Uint8Array, writer: TransactionWriter | null, bindings: Binding[]): void {
    const at = this.#environment.now()
    const events: StoredEvent[] = (writer?.events ?? []).map(event => ({ ...event, actor, at }))
    const sequence = this.#releases.issue()
    const record: LogRecord = {
      update,
      stateVector: () => Y.encodeStateVector(this.#doc),
      events,
      ledger: writer?.ledger ?? [],
      bindings,
      ...this.#unsavedLineage && { lineage: this.lineage },
      ...events.some(changesSummary) && { summary: this.#messages.summary(readMeta(this.#doc).title, at) },
      openedRuns: writer?.openedRuns ?? [],
      closedRuns: writer?.closedRuns ?? []
    }
    this.#unsavedLineage = false
    this.#releases.whenDurable(() => this.#release(sequence, update, events))
    this.#track(this.#environment.log.append(this.name, record).then(() => this.#releases.durable(sequence)))
    this.#environment.logger.info({ document: this.name, sequence, bytes: update.length, actor, events: events.map(({ type }) => type) }, 'record written')
    this.#tail++
    if (this.#tail >= this.#environment.compactAfter || events.some(({ type }) => type === 'message.redacted')) this.compact()
  }

  #release(sequence: number, update: Uint8Array, events: readonly StoredEvent[]): void {
    const frame = encodeFrame({ type: 'update', update })
    for (const reader of this.#readers) reader.send(frame)
    if (events.length > 0) this.#environment.onEvents(this.name, sequence, events)
  }

  #refuse(submission: Submission, code: ErrorCode, reason: string): void {
    this.#environment.logger.warn({ document: this.name, principal: submission.session.principal.id, code, reason, bytes: submission.bytes.length }, 'update refused')
    submission.refused(code, reason)
  }

  /** A message whose parent is on its way (an earlier frame of the same device, or another device's) is not refused at first sight. */
  #waitsForParent(proposals: readonly Proposal[]): boolean {
    const redactions = openRoots(this.#doc).redactions
    const known = (id: string): boolean =>
      this.#messages.get(id) !== undefined || redactions.has(id) || proposals.some(proposal => proposal.id === id)
    return proposals.some(({ parentId }) => parentId !== null && !known(parentId))
  }

  // --- The server's own reads and writes -------------------------------------------------------------------------------------------

  read<T>(reader: (doc: Y.Doc) => T): Promise<T> {
    if (this.#gone) return Promise.reject(new SkeinError('not-saved'))
    const result = reader(this.#doc)
    return new Promise((resolve, reject) => this.#releases.whenDurable(() => resolve(result), reject))
  }

  write<T>(actor: string, change: (writer: ConversationWriter) => T): Promise<T> {
    if (this.#gone) return Promise.reject(new SkeinError('not-saved'))
    return new Promise((resolve, reject) => {
      const result = this.#record(actor, [], writer => {
        if (!writer) throw new SkeinError('internal', 'Only conversations are written by the server.')
        writer.begin()
        return change(writer)
      })
      this.#releases.whenDurable(() => resolve(result), reject)
    })
  }

  // --- Life ------------------------------------------------------------------------------------------------------------------------

  /** Folds the log of this document into one snapshot, behind everything that was appended so far. */
  compact(): void {
    if (this.#releases.issued < 0 || this.#gone) return
    this.#tail = 1
    const snapshot = { update: Y.encodeStateAsUpdate(this.#doc), stateVector: Y.encodeStateVector(this.#doc), upTo: this.#releases.issued }
    this.#track(this.#environment.log.compact(this.name, snapshot))
  }

  #track(work: Promise<void>): void {
    const settled = work.catch((error: unknown) => this.discard(error))
    this.#lastWork = Promise.all([this.#lastWork, settled])
  }

  /** Resolves when the log is done with everything this room gave it; before that nobody may load the document anew. */
  async drained(): Promise<void> {
    await this.#lastWork
  }

  /** Records since the last snapshot. */
  get tail(): number {
    return this.#tail
  }

  /** Resolves when everything issued is durable (or the room is lost). */
  settled(): Promise<void> {
    return new Promise(resolve => this.#releases.whenDurable(resolve, () => resolve()))
  }

  /**
   * The document in memory may hold what the disk does not: everything that waits is abandoned, the sockets close with "try again later",
   * and the next user loads the document from the log.
   */
  discard(error: unknown): void {
    if (this.#gone) return
    this.#gone = true
    const cause = error instanceof SkeinError ? error : new SkeinError('internal', undefined, { cause: error })
    this.#environment.logger.warn({ document: this.name, code: cause.code, err: error }, 'room discarded')
    this.#releases.break(cause.code === 'not-saved' ? cause : new SkeinError('not-saved', undefined, { cause }))
    for (const submission of this.#inbox.splice(0)) submission.session.end('not-saved')
    for (const reader of this.#readers) reader.end('not-saved')
    this.#readers.clear()
    this.#onGone()
    this.#doc.destroy()
  }
}

const changesSummary = ({ type }: StoredEvent): boolean =>
  type === 'message.sent' || type === 'message.redacted' || type === 'meta.set'
