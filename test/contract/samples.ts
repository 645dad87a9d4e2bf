/** Ids and records for tests of the log and the directory. */
import type { ConversationSummary, StoredEvent } from '../../shared/conversation/event.ts'
import { parseDocumentName, parseRequestId, parseRunId, parseUserId } from '../../shared/ids.ts'
import type { DocumentName, RequestId, RunId, UserId } from '../../shared/ids.ts'
import type { LedgerEntry, Lineage, LogRecord } from '../../server/log/port.ts'

const must = <T>(value: T | null): T => {
  if (value === null) throw new Error('not an id')
  return value
}

export const documentName = (id: string): DocumentName => must(parseDocumentName(`conversation/${id}`))
export const requestId = (n: number): RequestId => must(parseRequestId(`00000000-0000-7000-8000-${String(n).padStart(12, '0')}`))
export const runId = (n: number): RunId => must(parseRunId(`00000000-0000-8000-8000-${String(n).padStart(12, '0')}`))
export const userId = (id: string): UserId => must(parseUserId(id))

/** Any bytes will do: the log never looks into what it wrote itself. */
export const bytes = (n: number): Uint8Array => new Uint8Array([n & 255, n >> 8 & 255, 7])

export const record = (update: Uint8Array, beside: Partial<LogRecord> = {}): LogRecord => ({
  update, stateVector: () => new Uint8Array([0]), events: [], ledger: [], bindings: [], openedRuns: [], closedRuns: [], ...beside,
})

export const event = (key: string): StoredEvent => ({ type: 'meta.set', key, actor: 'anna', at: 1 })
export const taken = (n: number): LedgerEntry => ({ requestId: requestId(n), outcome: { status: 'accepted' }, principal: userId('anna'), at: n })
export const lineage = (epoch: string): Lineage =>
  ({ epoch, ids: { generation: 1, message: 2 ** 53 - 1, transient: 5 }, earlier: [7], retired: [8] })
export const summary = (title: string): ConversationSummary => ({ title, preview: 'Hello', messageCount: 2, updatedAt: 3 })

export const everythingBeside: Partial<LogRecord> = {
  events: [event('title')], ledger: [taken(1)], bindings: [{ clientId: 2 ** 53 - 2, owner: userId('anna') }, { clientId: 1, owner: userId('ben') }],
  lineage: lineage('first'), summary: summary('Plans'), openedRuns: [runId(1), runId(2)],
}
