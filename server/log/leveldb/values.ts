/** How values are written: y-leveldb's form of a state vector, JSON for our own keys. */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

/** @param clock of the record after which the vector was taken */
export const encodeStateVector = (clock: number, stateVector: Uint8Array): Uint8Array => {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, clock)
  encoding.writeVarUint8Array(encoder, stateVector)
  return encoding.toUint8Array(encoder)
}

export const readStateVectorClock = (value: Uint8Array): number => decoding.readVarUint(decoding.createDecoder(value))

export const toJson = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

/** The caller names the type: only this program writes these keys. */
export const fromJson = <T>(value: Uint8Array): T => JSON.parse(decoder.decode(value)) as T
const decoder = new TextDecoder()
