/** A live document: the write path of Skein, from a client's bytes to everybody's screens, readable top to bottom. */
import * as Y from 'yjs'
import { SkeinError, errorTable } from '../../shared/errors.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import type { StoredEvent } from '../../shared/conversation/event.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { pendingMigrations } from '../../shared/conversation/migrate.ts'
import { readMessages } from '../../shared/conversation/read.ts'
import { documentKind } from '../../shared/ids.ts'
import type { DocumentName, RequestId, UserId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { encodeFrame } from '../../shared/wire/codec.ts'
import { applyClientUpdate } from '../gate/apply.ts'
import { audit } from '../gate/audit.ts'
import { judge } from '../gate/judge.ts'
import { scan } from '../gate/scan.ts'
import type { DecodedUpdate } from '../gate/scan.ts'
import type { Judged, Verdict } from '../gate/verdict.ts'
import type { LedgerEntry, Lineage, StoredDocument } from '../log/port.ts'
import type { Budgets } from './budget.ts'
import { ClientOwners } from './client-owners.ts'
import { MessageIndex } from './message-index.ts'
import type { ConversationWriter, EventListener, Room } from './port.ts'
import { proposalsIn } from './proposals.ts'
import type { Proposal } from './proposals.ts'
import { Recorder } from './recorder.ts'
import type { RecorderPorts } from './recorder.ts'
import type { Session, Submission } from './session.ts'
import { outcomesOf, takeRequests } from './take.ts'
import type { KnownAgents, Taken } from './take.ts'
import { TakenRequests } from './taken-requests.ts'
import type { KnownRequests } from './taken-requests.ts'

export interface RoomEnvironment extends RecorderPorts {
  /** Null: no limits, where everybody is the one local person. */
  budgets: Budgets | null
  agents: KnownAgents
  /** Called after a record is durable. */
  onEvents: EventListener
  /** Lets other work of the process run. */
  yieldToOthers: () => Promise<void>
}

/** A room that is busy lets other work of the process run after so many milliseconds. */
const WORK_MS = 10
const TOO_MANY_REQUESTS = `One update may bring ${limits.requestsPerUpdate} requests at most, so none of it was stored. It stays on this device.`

type Accepted = Extract<Verdict, { kind: 'accept' }>

export class LiveRoom implements Room {
  readonly name: DocumentName
  readonly lineage: Lineage
  readonly #doc: Y.Doc
  readonly #kind: Judged
  readonly #environment: RoomEnvironment
  readonly #recorder: Recorder
  readonly #owners: ClientOwners
  readonly #taken: TakenRequests
  /** Null in a free document. */
  readonly #messages: MessageIndex | null
  readonly #readers = new Set<Session>()
  readonly #inbox: Submission[] = []
  readonly #onGone: () => void
  #working = false
  #gone = false
  /** Why the room is gone, or will be. */
  #because: 'not-saved' | 'gone' = 'not-saved'

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
    this.#kind = documentKind(name) === 'conversation' ? 'conversation' : 'free'
    this.#environment = environment
    this.#onGone = onGone
    this.#owners = new ClientOwners(lineage, stored?.bindings ?? [], id => doc.store.clients.has(id))
    this.#taken = new TakenRequests(environment.log, name)
    if (this.#kind === 'conversation') openRoots(doc)
    this.#messages = this.#kind === 'conversation' ? new MessageIndex(readMessages(doc)) : null
    const document = { name, doc, lineage, lineageIsNew: changed, messages: this.#messages, stored }
    this.#recorder = new Recorder(environment, document, (...released) => this.#release(...released), error => this.discard(error))
    const migrations = this.#messages ? pendingMigrations(doc) : []
    if (migrations.length > 0) this.#recorder.record('server', [], () => migrations.forEach(step => step.run(doc)))
  }

  get gone(): boolean {
    return this.#gone
  }

  // --- Clients ---------------------------------------------------------------------------------------------------------------------

  /** Takes an update into the inbox; updates are worked off one at a time, in the order of arrival. */
  submit(submission: Submission): void {
    if (this.#gone) return submission.session.end(this.#because)
    this.#inbox.push(submission)
    if (!this.#working) void this.#workOff()
  }

  /**
   * Answers sync step 1 with what the client lacks and with what the server has, both as of one sequence, sent when that sequence is
   * durable. The session is subscribed at that very point: every later record reaches it, and none twice.
   */
  join(session: Session, stateVector: Uint8Array, sent: () => void): void {
    const missing = encodeFrame({ type: 'sync-step-2', update: Y.encodeStateAsUpdate(this.#doc, stateVector) })
    const ours = encodeFrame({ type: 'sync-step-1', stateVector: Y.encodeStateVector(this.#doc) })
    this.#recorder.whenDurable(() => {
      session.send(missing)
      session.send(ours)
      this.#readers.add(session)
      sent()
    }, () => session.end(this.#because))
  }

  /** Sends the server's state vector again; the client answers with what the server lacks. */
  askForMissing(session: Session): void {
    const ours = encodeFrame({ type: 'sync-step-1', stateVector: Y.encodeStateVector(this.#doc) })
    this.#recorder.whenDurable(() => session.send(ours), () => session.end(this.#because))
  }

  /** How long the document's own state vector is: about what a client that holds all of it sends. */
  get stateVectorBytes(): number {
    return Y.encodeStateVector(this.#doc).length
  }

  leave(session: Session): void {
    this.#readers.delete(session)
  }

  /** Whether a state vector with these client ids speaks of the document as it was before this epoch: it must not be merged. */
  isStale(clientIds: Iterable<number>): boolean {
    for (const id of clientIds) if (this.#owners.isOfEarlierEpoch(id)) return true
    return false
  }

  /** Whether the principal may show presence under this Yjs client id. */
  claimClient(clientId: number, principal: UserId): boolean {
    return this.#owners.claim(clientId, principal)
  }

  releaseClients(clientIds: Iterable<number>): void {
    this.#owners.release(clientIds)
  }

  // --- The write path: scan → prepare → judge → apply and take → append → durable → release ----------------------------------------

  async #workOff(): Promise<void> {
    this.#working = true
    let since = this.#environment.now()
    for (let next = this.#inbox.shift(); next; next = this.#inbox.shift()) {
      // Nothing is judged on a socket after it was refused or closed.
      if (next.session.ended) continue
      if (this.#environment.now() - since > WORK_MS) {
        await this.#environment.yieldToOthers()
        since = this.#environment.now()
      }
      try {
        await this.#receive(next)
      } catch (error) {
        next.session.end('not-saved')
        this.discard(error)
      }
    }
    this.#working = false
  }

  async #receive(submission: Submission): Promise<void> {
    const scanned = scan(submission.bytes, this.#kind)
    if (!scanned.ok) return this.#refuse(submission, scanned.code, scanned.reason)

    const proposals = this.#messages ? proposalsIn(scanned.decoded) : []
    if (proposals.length > limits.requestsPerUpdate) return this.#refuse(submission, 'too-large', TOO_MANY_REQUESTS)
    const known: KnownRequests = new Map()
    const prepared = new Set(proposals.flatMap(({ id, parentId }) => parentId === null ? [id] : [id, parentId]))
    if (prepared.size > 0) await this.#taken.prepare(prepared, known)

    for (;;) {
      if (this.#gone) return submission.session.end(this.#because)
      const verdict = this.#judge(submission, scanned.decoded)
      switch (verdict.kind) {
        case 'refuse':
          return this.#refuse(submission, verdict.code, verdict.reason)
        case 'park':
          return submission.parked()
        case 'nothing':
          // The answer to a request that was taken may have been lost with an earlier connection.
          return this.#accepted(submission, this.#messages ? outcomesOf(proposals, known, submission.session.principal) : [])
        case 'accept': {
          // A request that overwrites another one shows its id only to the judge, which resolves the struct that it follows.
          const unprepared = verdict.requestIds.filter(id => !prepared.has(id))
          if (unprepared.length > 0) {
            if (unprepared.length > limits.requestsPerUpdate) return this.#refuse(submission, 'too-large', TOO_MANY_REQUESTS)
            await this.#taken.prepare(unprepared, known)
            unprepared.forEach(id => prepared.add(id))
            continue
          }
          if (!submission.final && this.#waitsForParent(proposals, known)) return submission.parked()
          if (!this.#affords(submission.session, verdict)) return this.#refuse(submission, 'rate-limited', errorTable['rate-limited'].message)
          return this.#apply(submission, verdict, known)
        }
      }
    }
  }

  #judge(submission: Submission, decoded: DecodedUpdate): Verdict {
    const { principal: { id: principal }, role } = submission.session
    return judge(decoded, { kind: this.#kind, doc: this.#doc, principal, role, ownerOf: id => this.#owners.of(id, principal) })
  }

  #apply(submission: Submission, verdict: Accepted, known: KnownRequests): void {
    const { principal, role } = submission.session
    const { agents, now, budgets } = this.#environment
    const mayAsk = (): boolean => budgets === null || budgets.requests.spend(principal.id, 1, now())
    let taken: Taken[]
    let ledger: readonly LedgerEntry[] = []
    try {
      taken = this.#recorder.record(principal.id, this.#owners.bind(verdict.newClients, principal.id), (writer, transaction) => {
        applyClientUpdate(transaction, this.#doc, submission.bytes)
        audit(transaction, verdict)
        if (!writer) return []
        writer.begin()
        const context = { principal, role, now: now(), taken: (id: RequestId) => known.get(id), agents, mayAsk }
        const results = takeRequests(writer, verdict.requestIds, context)
        ledger = writer.ledger
        return results
      })
    } catch (error) {
      // The room is gone by now. Who sent what the judge let through and the audit caught does not get to try again.
      return submission.refused('forged', error instanceof SkeinError ? error.message : errorTable.forged.message)
    }
    this.#taken.take(ledger)
    this.#recorder.whenDurable(() => this.#taken.durable(ledger), () => {})
    this.#accepted(submission, taken)
  }

  /** Tombstones and client ids stay in a document for ever, so nobody may make them without end. */
  #affords({ principal }: Session, verdict: Accepted): boolean {
    const { budgets, now } = this.#environment
    if (budgets === null) return true
    return budgets.newClients.spend(principal.id, verdict.newClients.length, now()) &&
      budgets.requestsJudged.spend(principal.id, verdict.requestIds.length, now())
  }

  #accepted(submission: Submission, taken: Taken[]): void {
    submission.applied()
    this.#recorder.whenDurable(() => submission.saved(taken), () => submission.session.end(this.#because))
  }

  #release(sequence: number, update: Uint8Array, events: readonly StoredEvent[]): void {
    const frame = encodeFrame({ type: 'update', update })
    for (const reader of this.#readers) reader.send(frame)
    if (events.length > 0) this.#environment.onEvents(this.name, sequence, events)
  }

  #refuse(submission: Submission, code: ErrorCode, reason: string): void {
    const principal = submission.session.principal.id
    const { logger } = this.#environment
    logger.warn({ document: this.name, principal, code, reason, bytes: submission.bytes.length }, 'update refused')
    submission.refused(code, reason)
  }

  /** A message whose parent is on its way (an earlier frame of the same device, or another device's) is not refused at first sight. */
  #waitsForParent(proposals: readonly Proposal[], known: KnownRequests): boolean {
    const redactions = openRoots(this.#doc).redactions
    const brought = new Set(proposals.map(({ id }) => id))
    const isKnown = (id: string): boolean =>
      this.#messages?.get(id) !== undefined || redactions.has(id) || known.has(id as RequestId) || brought.has(id)
    return proposals.some(({ parentId }) => parentId !== null && !isKnown(parentId))
  }

  // --- The server's own reads and writes -------------------------------------------------------------------------------------------

  read<T>(reader: (doc: Y.Doc) => T): Promise<T> {
    if (this.#gone) return Promise.reject(new SkeinError(this.#because))
    const result = reader(this.#doc)
    return new Promise((resolve, reject) => this.#recorder.whenDurable(() => resolve(result), reject))
  }

  write<T>(actor: string, change: (writer: ConversationWriter) => T): Promise<T> {
    if (this.#gone) return Promise.reject(new SkeinError(this.#because))
    return new Promise((resolve, reject) => {
      const result = this.#recorder.record(actor, [], writer => {
        if (!writer) throw new SkeinError('internal', 'Only conversations are written by the server.')
        writer.begin()
        return change(writer)
      })
      this.#recorder.whenDurable(() => resolve(result), reject)
    })
  }

  // --- Life ------------------------------------------------------------------------------------------------------------------------

  /** On the way out of memory: folds a tail of more than so many records, so that the next load is short, and waits for the log. */
  async settle(longTail: number): Promise<void> {
    if (!this.#gone && this.#recorder.tail > longTail) this.#recorder.compact()
    await this.#recorder.drained()
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
    if (this.#gone) return
    this.#gone = true
    const cause = error instanceof SkeinError ? error : new SkeinError('internal', undefined, { cause: error })
    this.#environment.logger.warn({ document: this.name, code: cause.code, err: error }, 'room discarded')
    if (cause.code === 'gone') this.#because = 'gone'
    this.#recorder.break(cause.code === this.#because ? cause : new SkeinError(this.#because, undefined, { cause }))
    for (const submission of this.#inbox.splice(0)) submission.session.end(this.#because)
    for (const reader of this.#readers) reader.end(this.#because)
    this.#readers.clear()
    this.#onGone()
    this.#doc.destroy()
  }
}
