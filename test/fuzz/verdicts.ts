/** What the gate says of an update, in a word, for tests that ask it many small questions. */
import type { Verdict } from '../../server/gate/verdict.ts'
import type { LittleServer } from './little-server.ts'
import { oneBlock } from './update-writer.ts'
import type { StructSpec } from './update-writer.ts'
import { mallory } from './worlds.ts'

/** A client id that nobody has used yet. */
export const NEW = 700

/** `accept`, `nothing`, `park gap`, or the code of the refusal. */
export const word = (verdict: Verdict): string => {
  switch (verdict.kind) {
    case 'refuse': return verdict.code
    case 'park': return `park ${verdict.missing}`
    default: return verdict.kind
  }
}

export const send = (server: LittleServer, bytes: Uint8Array, sender = mallory): string => word(server.receive(bytes, sender))
export const sendStructs = (server: LittleServer, ...structs: StructSpec[]): string => send(server, oneBlock(NEW, 0, ...structs))
