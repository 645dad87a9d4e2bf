/**
 * Taking: every request that an update brought is removed from the outbox and gets exactly one outcome, in the transaction that brought it.
 * A request id that was taken before gets the outcome that it got then. What each kind does stands in perform-request.ts.
 */
import { hash } from 'node:crypto'
import * as schema from '../../shared/conversation/schema.ts'
import type { Request } from '../../shared/conversation/schema.ts'
import { SkeinError } from '../../shared/errors.ts'
import { parseRequestId } from '../../shared/ids.ts'
import type { RequestId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { isInPerson, isOwn } from '../../shared/principal.ts'
import type { Principal } from '../../shared/principal.ts'
import type { RequestOutcome } from '../../shared/wire/frame.ts'
import type { LedgerEntry } from '../log/port.ts'
import type { TransactionWriter } from './conversation-writer.ts'
import { jsonBytes } from './json-bytes.ts'
import { placeAfter } from './message-places.ts'
import { performRequest } from './perform-request.ts'
import { parentIdOf } from './proposals.ts'
import type { TakeContext } from './take-context.ts'

export interface Taken {
  requestId: RequestId
  outcome: RequestOutcome
}

/**
 * Takes every live request of the document; afterwards `requests` is empty.
 * @param brought keys that the update wrote. One that is not live (two devices sent the same request, and the map keeps one of the values)
 *   was taken before, and its sender is told that outcome, or was cancelled and has none.
 * @param touched keys among which every live one is: to look at all that were ever written takes longer with each request
 */
export const takeRequests = (
  writer: TransactionWriter, brought: readonly string[], context: TakeContext, touched: Iterable<string> = writer.roots.requests.keys(),
): Taken[] => {
  const taken = outcomesOf(brought.filter(key => !writer.roots.requests.has(key)), context)
  for (const key of [...touched].filter(key => writer.roots.requests.has(key)).sort()) {
    const value: unknown = writer.roots.requests.get(key)
    writer.removeRequest(key)
    const requestId = parseRequestId(key)
    // A key that is no request id can have no outcome: nobody could ask for it.
    if (!requestId) continue
    const before = context.taken(requestId)
    const outcome = before ? outcomeFor(before, context.principal) : takeOnce(writer, requestId, value, context).outcome
    taken.push({ requestId, outcome })
  }
  return taken
}

/** Takes a request that was not taken before. @returns its entry in the ledger */
export const takeOnce = (writer: TransactionWriter, requestId: RequestId, value: unknown, context: TakeContext): LedgerEntry => {
  const { outcome, content } = perform(writer, requestId, value, context)
  const follows = outcome.status === 'refused' ? placeAfter(writer, parentIdOf(value), context) : undefined
  const entry: LedgerEntry = {
    requestId, outcome, principal: context.principal.id, at: context.now,
    ...follows !== undefined && { follows }, ...content && { content },
  }
  writer.noteTaken(entry)
  if (outcome.status === 'refused') writer.events.push({ type: 'request.refused', requestId, code: outcome.code })
  return entry
}

/** A request id is its first sender's; to anybody else it is taken. */
const outcomeFor = ({ principal, outcome }: LedgerEntry, asking: Principal): RequestOutcome =>
  isOwn(asking, principal) ? outcome : refusal(new SkeinError('id-conflict'))

/** What became of those requests among these that were taken before. */
export const outcomesOf = (keys: readonly string[], { taken, principal }: Pick<TakeContext, 'taken' | 'principal'>): Taken[] =>
  keys.flatMap(key => {
    const requestId = parseRequestId(key)
    const before = requestId && taken(requestId)
    return before ? [{ requestId, outcome: outcomeFor(before, principal) }] : []
  })

/** Characters of a digest: 96 bits. */
const DIGEST_LENGTH = 16

/** Tells requests apart, but for when they were written: a program that tries again may write the time anew. */
export const contentOf = ({ createdAt: _, ...asked }: Request): string =>
  hash('sha256', JSON.stringify(asked, sortedKeys), 'base64url').slice(0, DIGEST_LENGTH)

const sortedKeys = (_: string, value: unknown): unknown =>
  typeof value !== 'object' || value === null || Array.isArray(value) ? value
    : Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1))

/** Either all effects of the request stand in the document or none: every check comes before the first write. */
const perform = (
  writer: TransactionWriter, requestId: RequestId, value: unknown, context: TakeContext,
): { outcome: RequestOutcome, content?: string } => {
  try {
    if (jsonBytes(value) > limits.requestBytes) throw new SkeinError('message-too-long')
    const parsed = schema.request.safeParse(value)
    if (!parsed.success) throw new SkeinError('invalid-request')
    if (!context.mayAsk()) throw new SkeinError('rate-limited')
    if (context.role === 'viewer') throw new SkeinError('viewer')
    performRequest(writer, requestId, parsed.data, context)
    // What a token does is its person's, whose name and role it does not tell.
    if (isInPerson(context.principal)) writer.setMember(context.principal.id, { name: context.principal.name, role: context.role })
    return { outcome: { status: 'accepted' }, content: contentOf(parsed.data) }
  } catch (error) {
    if (error instanceof SkeinError) return { outcome: refusal(error) }
    throw error
  }
}

const refusal = (error: SkeinError): RequestOutcome => ({ status: 'refused', code: error.code, reason: error.message })
