/**
 * Where everything lies in the database. The `v1` keys are y-leveldb's own, so that either program opens the other's store; ours begin
 * with `skein`, outside every range that y-leveldb lists or clears, but for `crc`, which has to go when y-leveldb clears a document.
 *
 * Strings are written with their length in front, so the ranges of `a`, `ab` and `a/b` never meet; keys sort by that length first.
 */
import { keyEncoding } from 'y-leveldb'
import type { DocumentName, RequestId, RunId } from '../../../shared/ids.ts'
import { MAX_CLOCK, under } from '../store-port.ts'
import type { Key, KeyRange } from '../store-port.ts'

/** What is left of a range behind a key. */
export interface KeyRangeRest {
  gt: Key
  lte: Key
}

const [STRING, NUMBER] = [0, 1]
/** A longer length in front of a string takes more than a byte. */
const SHORT = 127

/**
 * The same bytes as y-leveldb's encoder makes, in a quarter of its time: each record has a handful of keys, and each is encoded for the
 * batch and for its checksum. What is not short and ASCII is left to y-leveldb.
 */
export const encodeKey = (key: Key): Buffer => {
  let length = 0
  for (const part of key) length += typeof part === 'string' ? 2 + part.length : 5
  const bytes = Buffer.allocUnsafe(length)
  let at = 0
  for (const part of key) {
    if (typeof part === 'number') {
      bytes[at] = NUMBER
      at = bytes.writeUInt32BE(part >>> 0, at + 1)
    } else {
      if (part.length > SHORT) return keyEncoding.encode(key)
      bytes[at++] = STRING
      bytes[at++] = part.length
      for (let i = 0; i < part.length; i++) {
        const code = part.charCodeAt(i)
        if (code > 0x7f) return keyEncoding.encode(key)
        bytes[at++] = code
      }
    }
  }
  return bytes
}

/** y-leveldb's key encoding under the names that classic-level 3 asks for. */
export const keys = { name: 'y-keys', format: 'buffer', encode: encodeKey, decode: keyEncoding.decode } as const

export const single = (key: Key): KeyRange => ({ gte: key, lte: key })

export const updateKey = (name: DocumentName, clock: number): Key => ['v1', name, 'update', clock]
export const updateRange = (name: DocumentName): KeyRange => ({ gte: updateKey(name, 0), lte: updateKey(name, MAX_CLOCK) })
/** Checksum of the update with the same clock, and of its key. */
export const crcKey = (name: DocumentName, clock: number): Key => ['v1', name, 'crc', clock]
export const crcRange = (name: DocumentName): KeyRange => ({ gte: crcKey(name, 0), lte: crcKey(name, MAX_CLOCK) })
/** Of a snapshot in parts, behind the one at its clock (see `parts.ts`). */
export const partKey = (name: DocumentName, clock: number, part: number): Key => [...updateKey(name, clock), part]
export const partCrcKey = (name: DocumentName, clock: number, part: number): Key => [...crcKey(name, clock), part]
export const isPart = (key: Key): boolean => key.length > updateKeyLength
const updateKeyLength = 4
/** y-leveldb finds a store's documents by these keys. */
export const stateVectorKey = (name: DocumentName): Key => ['v1_sv', name]
export const stateVectorRange = under('v1_sv')

export const lineageKey = (name: DocumentName): Key => ['skein', 'lineage', name]
export const summaryKey = (name: DocumentName): Key => ['skein', 'summary', name]
export const ledgerKey = (name: DocumentName, id: RequestId): Key => ['skein', 'ledger', name, id]
export const ledgerRange = (name: DocumentName): KeyRange => under('skein', 'ledger', name)
export const allLedgersRange = under('skein', 'ledger')
export const bindingKey = (name: DocumentName, clientId: number): Key => ['skein', 'binding', name, String(clientId)]
export const bindingRange = (name: DocumentName): KeyRange => under('skein', 'binding', name)
export const eventKey = (name: DocumentName, sequence: number): Key => ['skein', 'event', name, sequence]
export const runKey = (name: DocumentName, runId: RunId): Key => ['skein', 'run', name, runId]
export const runRange = (name: DocumentName): KeyRange => under('skein', 'run', name)
export const allRunsRange = under('skein', 'run')

/** The clock of the last record: in another place than the records, so that it is not lost together with them. */
export const headKey = (name: DocumentName): Key => ['skein', 'head', name]

/** What the snapshot of a document holds, see the port. */
export const factsKey = (name: DocumentName): Key => ['skein', 'facts', name]

/** Which parts of snapshots there are, see `parts.ts`. */
export const partsKey = (name: DocumentName): Key => ['skein', 'parts', name]

/** One for each of the newest batches; the number is text because it may grow beyond 32 bits. */
export const commitKey = (commit: number): Key => ['skein', 'commit', String(commit).padStart(16, '0')]
export const commitRange = under('skein', 'commit')
/** What was found to be lost of a document, or of the batches as a whole; stays until the document is erased. */
export const documentDamageKey = (name: DocumentName): Key => ['skein', 'damage', name]
export const commitDamageKey = (from: number): Key => ['skein', 'damage', 'commits', String(from)]
export const damageRange = under('skein', 'damage')

/** Present while the document's records, or the files, may hold what was taken out of it. Stays when y-leveldb clears the document. */
export const scrubKey = (name: DocumentName): Key => ['skein', 'scrub', name]
export const allScrubsRange = under('skein', 'scrub')

/**
 * Version of our own keys; a store with a higher one is refused. 2: commit numbers, heads, checksums over everything of ours.
 * 3: snapshots in parts.
 */
export const FORMAT = 3
export const formatKey: Key = ['skein', 'format']
export const generationKey: Key = ['skein', 'generation']
/** The generation since when documents begin new epochs; absent: none has to. */
export const newEpochsKey: Key = ['skein', 'new-epochs']
/** Present while a process writes without fsync: an unclean stop may then have lost what was acknowledged. */
export const riskKey: Key = ['skein', 'without-fsync']
/** Present only while no process has the store open and the last one closed it in order. */
export const cleanKey: Key = ['skein', 'clean']

/** Our keys beside a document's updates. */
export const sideRanges = (name: DocumentName): KeyRange[] =>
  ['ledger', 'binding', 'event', 'run', 'lineage', 'summary', 'head', 'facts', 'parts'].map(kind => under('skein', kind, name))

/** Every key that belongs to a document, y-leveldb's metas too. */
export const documentRanges = (name: DocumentName): KeyRange[] =>
  [under('v1', name), ...[stateVectorKey(name), documentDamageKey(name)].map(single), ...sideRanges(name)]
