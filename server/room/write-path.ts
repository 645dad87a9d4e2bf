/**
 * The write path of Skein, from a client's bytes to everybody's screens:
 * scan → prepare → judge → apply and take → append → durable → release. What "append" and "durable" are stands in recorder.ts.
 */
import * as Y from 'yjs'
import type { StoredEvent } from '../../shared/conversation/event.ts'
import { SkeinError, errorTable } from '../../shared/errors.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import { limits } from '../../shared/limits.ts'
import { holderOf } from '../../shared/principal.ts'
import { judge } from '../gate/judge.ts'
import { scan } from '../gate/scan.ts'
import type { Scanned } from '../gate/scan.ts'
import type { Verdict, Weighed } from '../gate/verdict.ts'
import type { SharedType } from '../gate/yjs-internals.ts'
import type { LedgerEntry } from '../log/port.ts'
import { applyJudged } from './apply-judged.ts'
import { agentsFor, mayAskBots } from './asked-bots.ts'
import { takeContext } from './environment.ts'
import type { RoomEnvironment, WrittenDocument } from './environment.ts'
import { hasRoomFor, isGrowing } from './full-document.ts'
import { Inbox } from './inbox.ts'
import { idsToPrepare, lackParents } from './parents.ts'
import type { Posted, PostedAnswer } from './port.ts'
import { PostedRequests } from './posted-requests.ts'
import { proposalsIn } from './proposals.ts'
import type { Proposal } from './proposals.ts'
import type { Asking, Session, Submission, Turn } from './session.ts'
import type { Outcome } from './take-in-slices.ts'
import type { KnownAgents } from './take-context.ts'
import { takeTogether } from './take-together.ts'
import { outcomesOf, takeRequests } from './take.ts'
import type { Taken } from './take.ts'
import { TakenRequests } from './taken-requests.ts'
import type { KnownRequests } from './taken-requests.ts'

const TOO_MANY_REQUESTS = `One update may bring ${limits.requestsPerUpdate} requests at most, so none of it was stored. It stays on this device.`

/** Of a document that takes no requests. */
const NOTHING_KNOWN: KnownRequests = new Map()

type Accepted = Extract<Verdict, { kind: 'accept' }>

export class WritePath {
  readonly #document: WrittenDocument
  readonly #environment: RoomEnvironment
  readonly #taken: TakenRequests
  readonly #posted: PostedRequests
  readonly #inbox: Inbox
  /** What was stored before, perhaps by another program, may hold requests; after the first taking only what an update brings does. */
  #mayHoldRequests = true

  /** @param discard ends the room, when the document in memory may be half changed */
  constructor(document: WrittenDocument, environment: RoomEnvironment, discard: (error: unknown) => void) {
    this.#document = document
    this.#environment = environment
    this.#taken = new TakenRequests(environment.log, document.name)
    this.#posted = new PostedRequests(document, environment, this.#taken)
    const { log, now } = environment
    this.#inbox = new Inbox({
      beforeWrite: action => log.beforeWrite ? log.beforeWrite(action) : action(),
      now,
      yieldToOthers: () => environment.yieldToOthers(),
      take: (session, bytes, final) => this.#take(session, bytes, final),
      takeTogether: waiting => this.#takeTogether(waiting),
      answer: (submission, outcome) => this.#answer(submission, outcome),
      discard,
    })
  }

  /** Takes an update into the inbox, from where it is judged in its turn. */
  submit(submission: Submission): void {
    if (!this.#endIfLost(submission.session)) this.#inbox.push(submission)
  }

  /** The same for a request that comes by itself: resolves when it is taken, durably. @throws SkeinError it was not taken */
  post(posted: Posted): Promise<PostedAnswer> {
    return new Promise((resolve, reject) => {
      const session = { ended: false, end: (code: ErrorCode) => {
        session.ended = true
        reject(new SkeinError(code))
      } }
      if (this.#endIfLost(session)) return
      this.#inbox.push({ session, take: async () => {
        const answer = await this.#posted.take(posted)
        if (answer instanceof SkeinError) reject(answer)
        else this.#document.recorder.whenDurable(() => resolve(answer), reject)
      } })
    })
  }

  get isIdle(): boolean {
    return this.#inbox.isIdle
  }

  idle(): Promise<void> {
    return this.#inbox.idle()
  }

  /** The room is lost: what waits is not judged any more. */
  end(code: ErrorCode): void {
    this.#inbox.end(code)
  }

  #takeTogether(waiting: (Submission | Turn)[]): readonly Submission[] | null {
    const { kind, recorder, doc } = this.#document
    if (kind === 'conversation' || waiting.length < 2 || recorder.broken || this.#isFull()) return null
    const { taken, lost } = takeTogether(waiting, this.#document, {
      now: this.#environment.now,
      judge: ({ session, bytes }) => {
        if (session.ended) return null
        const scanned = scan(bytes, kind, client => Y.getState(doc.store, client))
        const verdict = scanned.ok ? this.#judge(session, scanned, NOTHING_KNOWN) : null
        if (!scanned.ok || !verdict || verdict.kind === 'park' || verdict.kind === 'refuse') return null
        return verdict.kind === 'nothing' || this.#affords(session, verdict) ? { scanned, verdict } : null
      },
    })
    if (lost?.forged) this.#refuse(lost.forged, 'forged', lost.reason ?? errorTable.forged.message)
    if (!lost) return taken.length > 0 ? taken : null
    for (const { session } of taken) session.end('not-saved')
    return []
  }

  #answer(submission: Submission, outcome: Outcome): void {
    switch (outcome.kind) {
      case 'taken':
        return this.#accepted(submission, outcome.results)
      case 'parked':
        return submission.parked()
      case 'refused':
        return this.#refuse(submission, outcome.code, outcome.reason)
      case 'ended':
    }
  }

  /** Judges an update, or a slice of one, and brings it into the document. */
  async #take(session: Session, bytes: Uint8Array, final: boolean): Promise<Outcome> {
    const { kind, messages, doc } = this.#document
    const scanned = scan(bytes, kind, client => Y.getState(doc.store, client))
    if (!scanned.ok) {
      // How far it was read nobody knows.
      session.worked(limits.workPerUpdate)
      return refused(scanned.code, scanned.reason)
    }
    const proposals = messages ? proposalsIn(scanned.decoded) : []
    if (proposals.length > limits.requestsPerUpdate) return refused('too-large', TOO_MANY_REQUESTS)
    const known: KnownRequests = new Map()
    const prepared = idsToPrepare(proposals, this.#document)
    if (prepared.size > 0) await this.#taken.prepare(prepared, known)
    const agents = messages && mayAskBots(scanned.decoded)
      ? await agentsFor(this.#environment, this.#document.name, session.principal) : this.#environment.agents

    for (;;) {
      if (this.#endIfLost(session) || session.ended) return { kind: 'ended' }
      const verdict = this.#judge(session, scanned, known)
      switch (verdict.kind) {
        case 'refuse':
          return refused(verdict.code, verdict.reason)
        case 'park':
          return { kind: 'parked' }
        case 'nothing':
          // The answer to a request that was taken may have been lost with an earlier connection.
          return { kind: 'taken', results: outcomesOf(proposals.map(({ id }) => id), { principal: session.principal, taken: id => known.get(id) }) }
        case 'accept': {
          // A request that overwrites another one shows its id only to the judge, which resolves the struct that it follows.
          const unprepared = verdict.requestIds.filter(id => !prepared.has(id))
          if (unprepared.length > 0) {
            if (unprepared.length > limits.requestsPerUpdate) return refused('too-large', TOO_MANY_REQUESTS)
            await this.#taken.prepare(unprepared, known)
            unprepared.forEach(id => prepared.add(id))
            continue
          }
          if (!final && lackParents(proposals, this.#document, known)) return { kind: 'parked' }
          if (isGrowing(this.#document, scanned) && this.#isFull()) return refused('document-full')
          if (!this.#affords(session, verdict)) return refused('rate-limited')
          return this.#apply(session, scanned.bytes, verdict, proposals, known, agents)
        }
      }
    }
  }

  #judge(session: Session, scanned: Scanned, known: KnownRequests): Verdict {
    const weighed = this.#weigh(session, scanned, known)
    session.worked(weighed.work)
    return weighed
  }

  #weigh(session: Session, scanned: Scanned, known: KnownRequests): Weighed {
    const { kind, doc, owners } = this.#document
    const { budgets, now } = this.#environment
    const { principal, role } = session
    const { id, aliases } = principal
    const mayAsk = (count: number): boolean => budgets === null || budgets.requests.waitMs(holderOf(principal).id, count, now()) === 0
    return judge(scanned, {
      kind, doc, principal: id, aliases, role,
      ownerOf: client => owners.of(client, principal),
      hasRoomFor: grown => hasRoomFor(this.#document, scanned, { principal, role, known, mayAsk }, grown),
    })
  }

  #apply(
    session: Session, bytes: Uint8Array, verdict: Accepted, proposals: readonly Proposal[], known: KnownRequests,
    agents: KnownAgents,
  ): Outcome {
    const { principal } = session
    const { doc, owners, recorder } = this.#document
    let results: Taken[]
    let ledger: readonly LedgerEntry[] = []
    try {
      results = recorder.record(principal.id, owners.bind(verdict.newClients, principal.id), (writer, transaction) => {
        applyJudged(session, transaction, doc, bytes, verdict)
        if (!writer) return []
        writer.begin()
        const context = takeContext(this.#environment, agents, session, known)
        const touched = this.#mayHoldRequests ? writer.roots.requests.keys() : keysTouched(transaction, doc.share.get('requests'))
        // Beside what is new there may be requests that were taken on an earlier connection, which took the answer with it.
        const brought = new Set([...proposals.map(({ id }) => id), ...verdict.requestIds])
        const outcomes = takeRequests(writer, [...brought], context, touched)
        this.#mayHoldRequests = false
        ledger = writer.ledger
        return outcomes
      })
    } catch (error) {
      // The room is gone by now. Who sent what the judge let through and the audit caught does not get to try again.
      return refused('forged', error instanceof SkeinError ? error.message : undefined)
    }
    this.#taken.take(ledger)
    recorder.whenDurable(() => this.#taken.durable(ledger), () => {})
    return { kind: 'taken', results }
  }

  #accepted(submission: Submission, taken: readonly Taken[]): void {
    submission.applied()
    const { recorder, readers } = this.#document
    recorder.whenDurable(() => readers.afterBroadcast(() => submission.saved(taken)), ({ code }) => submission.session.end(code))
  }

  /** To be called with each record when it is durable, in order. */
  release(sequence: number, update: Uint8Array, events: readonly StoredEvent[]): void {
    const { name, readers } = this.#document
    readers.broadcast(update)
    if (events.length > 0) this.#environment.onEvents(name, sequence, events)
  }

  #refuse(submission: Submission, code: ErrorCode, reason: string): void {
    const principal = submission.session.principal.id
    const { logger } = this.#environment
    logger.warn({ document: this.#document.name, principal, code, reason, bytes: submission.bytes.length }, 'update refused')
    submission.refused(code, reason)
  }

  #endIfLost(session: Pick<Asking, 'end'>): boolean {
    const { broken } = this.#document.recorder
    if (broken) session.end(broken.code)
    return broken !== null
  }

  /** As many bytes as there may be. How many structs an update may add the gate says (`Costs`), which counts those that it splits too. */
  #isFull(): boolean {
    const { documentBytes = Infinity } = this.#environment
    return this.#document.recorder.snapshots.isFull(documentBytes)
  }

  /** Tombstones and client ids stay in a document for ever, so nobody may make them without end. */
  #affords({ principal }: Session, verdict: Accepted): boolean {
    const { budgets, now } = this.#environment
    if (budgets === null) return true
    return budgets.newClients.spend(holderOf(principal).id, verdict.newClients.length, now()) &&
      budgets.requestsJudged.spend(holderOf(principal).id, verdict.requestIds.length, now())
  }
}

const refused = (code: ErrorCode, reason: string = errorTable[code].message): Outcome => ({ kind: 'refused', code, reason })

const keysTouched = ({ changed }: Y.Transaction, map: SharedType | undefined): string[] =>
  [...(map && changed.get(map)) ?? []].filter(key => key !== null)
