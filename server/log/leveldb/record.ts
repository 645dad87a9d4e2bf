/** One change, or a snapshot, as the operations of its batch. */
import type { DocumentName } from '../../../shared/ids.ts'
import type { LogRecord, Snapshot } from '../port.ts'
import { del, toJson } from '../store-port.ts'
import type { Operation } from '../store-port.ts'
import { put } from './database.ts'
import { bindingKey, crcKey, eventKey, factsKey, headKey, ledgerKey, lineageKey, runKey, stateVectorKey, summaryKey, updateKey } from './keys.ts'
import { checksum } from './seal.ts'
import { encodeFacts, encodeStateVector } from './values.ts'

/** All but the state vector, which only a document's first record brings. */
export const recordOperations = (name: DocumentName, clock: number, record: LogRecord): Operation[] => {
  const { update, events, ledger, bindings, lineage, summary, openedRuns, closedRuns } = record
  const key = updateKey(name, clock)
  const operations = [put(key, update), put(crcKey(name, clock), checksum(key, update)), put(headKey(name), toJson(clock))]
  if (events.length > 0) operations.push(put(eventKey(name, clock), toJson(events)))
  for (const entry of ledger) operations.push(put(ledgerKey(name, entry.requestId), toJson(entry)))
  for (const { clientId, owner } of bindings) operations.push(put(bindingKey(name, clientId), toJson(owner)))
  if (lineage !== undefined) operations.push(put(lineageKey(name), toJson(lineage)))
  if (summary !== undefined) operations.push(put(summaryKey(name), toJson(summary)))
  for (const id of openedRuns) operations.push(put(runKey(name, id), toJson(true)))
  for (const id of closedRuns) operations.push(del(runKey(name, id)))
  return operations
}

/**
 * Puts the snapshot in the place of the record at its sequence.
 * @param head clock of the last record
 */
export const snapshotOperations = (name: DocumentName, snapshot: Snapshot, head: number): Operation[] => {
  const { update, upTo, stateVector, lineage, facts } = snapshot
  const key = updateKey(name, upTo)
  const operations = [put(key, update), put(crcKey(name, upTo), checksum(key, update)), put(headKey(name), toJson(head))]
  operations.push(put(stateVectorKey(name), encodeStateVector(upTo, stateVector)))
  if (lineage !== undefined) operations.push(put(lineageKey(name), toJson(lineage)))
  if (facts !== undefined) operations.push(put(factsKey(name), encodeFacts(upTo, facts)))
  return operations
}
