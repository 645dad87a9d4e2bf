/** Awareness updates of y-protocols as data: client id, clock and state of each entry; decoding is total and bounded. */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { limits } from '../../shared/limits.ts'

export interface PresenceEntry {
  clientId: number
  clock: number
  /** Null: gone. */
  state: Record<string, unknown> | null
}

/** Entries in one frame: a stock client sends its own, and echoes those that it just learnt. */
const MAX_ENTRIES = 1024

/** @returns the entries, or null when the bytes are no awareness update; entries that are too large or no object are left out */
export const decodePresence = (bytes: Uint8Array): PresenceEntry[] | null => {
  try {
    const decoder = decoding.createDecoder(bytes)
    const count = decoding.readVarUint(decoder)
    if (count > MAX_ENTRIES) return null
    const entries: PresenceEntry[] = []
    for (let i = 0; i < count; i++) {
      const clientId = decoding.readVarUint(decoder)
      const clock = decoding.readVarUint(decoder)
      const json = decoding.readVarUint8Array(decoder)
      if (json.length > limits.presenceBytes) continue
      const state: unknown = JSON.parse(new TextDecoder().decode(json))
      if (typeof state === 'object' && !Array.isArray(state)) entries.push({ clientId, clock, state: state as PresenceEntry['state'] })
    }
    return decoding.hasContent(decoder) ? null : entries
  } catch {
    return null // cut short or not JSON: no awareness update
  }
}

/** One entry, for {@link joinPresence}: a state that many are told is written as JSON once. */
export const encodeEntry = ({ clientId, clock, state }: PresenceEntry): Uint8Array => {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, clientId)
  encoding.writeVarUint(encoder, clock)
  encoding.writeVarString(encoder, JSON.stringify(state))
  return encoding.toUint8Array(encoder)
}

/** @param entries as {@link encodeEntry} gives them */
export const joinPresence = (entries: readonly Uint8Array[]): Uint8Array => {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, entries.length)
  for (const entry of entries) encoding.writeUint8Array(encoder, entry)
  return encoding.toUint8Array(encoder)
}

export const encodePresence = (entries: readonly PresenceEntry[]): Uint8Array => joinPresence(entries.map(encodeEntry))
