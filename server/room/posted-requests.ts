/**
 * Requests that come by themselves, over HTTP. Each has its turn in the inbox and is taken like one that an update brought: by the same
 * code, once in all, in one transaction and one record with its run. It never stands in `requests`, so it leaves no tombstone there, and it
 * needs no client id: a program that sends a thousand messages leaves a thousand messages.
 *
 * There are two ways of saying no. Where the request was taken its outcome is a refusal, for good, in the ledger. Where it was not (too
 * fast, too early, no room) nothing is noted, and it may come again under its id.
 */
import { openRoots } from '../../shared/conversation/document.ts'
import type { Request } from '../../shared/conversation/schema.ts'
import { SkeinError } from '../../shared/errors.ts'
import { messageIdOf } from '../../shared/ids.ts'
import type { MessageId, RequestId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { holderOf, isOwn } from '../../shared/principal.ts'
import { scanPosted, textOfPosted } from '../gate/scan-posted.ts'
import type { LedgerEntry } from '../log/port.ts'
import { agentsFor, mayAskBot } from './asked-bots.ts'
import { OverBudget } from './budget.ts'
import { runIdOf } from './derive-run.ts'
import { takeContext } from './environment.ts'
import type { RoomEnvironment, WrittenDocument } from './environment.ts'
import { idsToPrepare, lackParents } from './parents.ts'
import type { Posted, PostedAnswer } from './port.ts'
import { asksForAnEnd, parentIdOf } from './proposals.ts'
import type { Asking } from './session.ts'
import type { KnownAgents } from './take-context.ts'
import { contentOf, takeOnce } from './take.ts'
import type { KnownRequests, TakenRequests } from './taken-requests.ts'

/** From the bytes of a request to its value, which its caller checks for its form. @throws SkeinError `invalid-request`, `too-expensive` */
export const readPosted = (body: ArrayBuffer): unknown => scanPosted(textOfPosted(body))

const OTHER_CONTENT = 'Something else was asked for under this id before, so nothing was changed. Take a new id for a new request.'
const NO_ROOM = 'This conversation has reached the size that the server keeps, so nothing was added to it. Delete something, or begin a new one.'
const TOO_EARLY = 'The message follows one that the server does not know yet. Nothing was changed; send that one first, then this one again.'

export class PostedRequests {
  readonly #document: WrittenDocument
  readonly #environment: RoomEnvironment
  readonly #taken: TakenRequests

  constructor(document: WrittenDocument, environment: RoomEnvironment, taken: TakenRequests) {
    this.#document = document
    this.#environment = environment
    this.#taken = taken
  }

  /** Only in its turn. @returns to be told once everything that was recorded is durable; an error: it was not taken */
  async take(posted: Posted): Promise<PostedAnswer | SkeinError> {
    const { requestId, request, principal } = posted
    const proposals = [{ id: requestId, parentId: parentIdOf(request) }]
    const known: KnownRequests = new Map()
    await this.#taken.prepare(idsToPrepare(proposals, this.#document), known)
    const agents = mayAskBot(request) ? await agentsFor(this.#environment, this.#document.name, principal) : this.#environment.agents
    const { recorder } = this.#document
    if (recorder.broken) return recorder.broken
    const { role } = posted
    if (role === null) return new SkeinError('no-longer-member')
    const before = known.get(requestId)
    if (before) return this.#again(before, posted)
    if (lackParents(proposals, this.#document, known)) return new SkeinError('parent-unknown', TOO_EARLY)
    if (!asksForAnEnd(request) && this.#isFull()) return new SkeinError('document-full', NO_ROOM)
    const waitMs = this.#spend(principal)
    return waitMs > 0 ? new OverBudget(waitMs) : this.#takeNow(requestId, request, { principal, role }, known, agents)
  }

  /** The same id again is the same request, whoever carries it, or it is refused. */
  #again(before: LedgerEntry, { request, principal }: Posted): PostedAnswer | SkeinError {
    const isSame = before.content === undefined || before.content === contentOf(request)
    if (!isSame || !isOwn(principal, before.principal)) return new SkeinError('id-conflict', OTHER_CONTENT)
    return this.#answer(before, request, { mayHaveEnded: true })
  }

  #takeNow(
    requestId: RequestId, request: Request, asking: Pick<Asking, 'principal' | 'role'>, known: KnownRequests, agents: KnownAgents,
  ): PostedAnswer {
    const { recorder } = this.#document
    const context = takeContext(this.#environment, agents, asking, known)
    const { ledger, entry } = recorder.record(asking.principal.id, [], writer => {
      if (!writer) throw new SkeinError('internal', 'Only conversations take requests.')
      writer.begin()
      const entry = takeOnce(writer, requestId, request, context)
      return { ledger: writer.ledger, entry }
    })
    this.#taken.take(ledger)
    recorder.whenDurable(() => this.#taken.durable(ledger), () => {})
    return this.#answer(entry, request, { mayHaveEnded: false })
  }

  /** What was made is read from the document, where it stands for good: an answer that is asked for again is the same. */
  #answer({ requestId, outcome, at }: LedgerEntry, request: Request, { mayHaveEnded }: { mayHaveEnded: boolean }): PostedAnswer {
    if (outcome.status === 'refused') return { outcome, at, runs: [] }
    const message = request.type === 'send' ? this.#document.messages?.get(messageIdOf(requestId)) : undefined
    const runs = [...this.#runsIn(requestId), ...mayHaveEnded ? this.#endedRunsOf(requestId, request) : []]
    const once = [...new Map(runs.map(run => [run.id, run])).values()]
    return { outcome, at, ...message && { message }, runs: once.sort((a, b) => a.id < b.id ? -1 : 1) }
  }

  /** Those that go on stand in `runs`, and so may the latest that has ended. */
  #runsIn(requestId: RequestId): PostedAnswer['runs'] {
    return [...openRoots(this.#document.doc).runs.values()].filter(run => run.requestId === requestId)
      .map(({ id, agentId, messageId, replyId }) => ({ id, agentId, messageId, replyId }))
  }

  /** Each in the reply that it left. */
  #endedRunsOf(requestId: RequestId, request: Request): PostedAnswer['runs'] {
    const messageId = this.#questionOf(requestId, request)
    const replies = messageId === null ? [] : this.#document.messages?.values() ?? []
    return [...replies].flatMap(({ id: replyId, metadata: { runId: id, agentId, parentId } }) => {
      if (!messageId || parentId !== messageId || !agentId || id !== runIdOf(messageId, agentId, requestId)) return []
      return [{ id, agentId, messageId, replyId }]
    })
  }

  /** The message that agents were asked to answer. */
  #questionOf(requestId: RequestId, request: Request): MessageId | null {
    switch (request.type) {
      case 'send':
        return messageIdOf(requestId)
      case 'regenerate':
      case 'retry':
      case 'continue': {
        const target = this.#document.messages?.get(request.messageId)
        return target?.role === 'assistant' ? target.metadata.parentId : request.messageId
      }
      case 'redact':
      case 'stop':
      case 'set-meta':
      case 'react':
        return null
    }
  }

  /** As many structs as the gate lets updates bring, which none of these passes, or as many bytes. */
  #isFull(): boolean {
    const { doc: { store }, recorder } = this.#document
    const { documentBytes = Infinity } = this.#environment
    const structs = [...store.clients.values()].reduce((sum, { length }) => sum + length, 0)
    return structs >= limits.documentStructs || recorder.snapshots.isFull(documentBytes)
  }

  /** @returns milliseconds until the person may ask for more; 0: now. Taking it spends the rest */
  #spend(principal: Posted['principal']): number {
    const { id } = holderOf(principal)
    const { budgets } = this.#environment
    const now = this.#environment.now()
    if (budgets === null) return 0
    const waitMs = Math.max(budgets.requests.waitMs(id, 1, now), budgets.requestsJudged.waitMs(id, 1, now))
    if (waitMs === 0) budgets.requestsJudged.spend(id, 1, now)
    return waitMs
  }
}
