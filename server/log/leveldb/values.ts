/** How values are written: y-leveldb's form of a state vector, JSON for our own keys. */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { SnapshotFacts } from '../port.ts'
import { fromJson, toJson } from '../store-port.ts'

/** @param clock of the record after which the vector was taken */
export const encodeStateVector = (clock: number, stateVector: Uint8Array): Uint8Array => {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, clock)
  encoding.writeVarUint8Array(encoder, stateVector)
  return encoding.toUint8Array(encoder)
}

export const readStateVectorClock = (value: Uint8Array): number => decoding.readVarUint(decoding.createDecoder(value))

/** @param clock of the snapshot that they are about */
export const encodeFacts = (clock: number, { schema, tombstones, stateVector, deletions }: SnapshotFacts): Uint8Array =>
  toJson({ clock, schema, tombstones, stateVector: base64(stateVector), deletions: base64(deletions) })

/** @returns null when they are about another snapshot than the one at this clock: stock y-leveldb wrote one since */
export const decodeFacts = (clock: number, value: Uint8Array): SnapshotFacts | null => {
  const stored = fromJson<Record<'clock' | 'tombstones', number> & Record<'stateVector' | 'deletions', string> & { schema: number | null }>(value)
  if (stored.clock !== clock) return null
  const { schema, tombstones, stateVector, deletions } = stored
  return { schema, tombstones, stateVector: bytesOf(stateVector), deletions: bytesOf(deletions) }
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))
