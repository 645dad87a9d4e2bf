/** Somebody with an account who sends what no honest client sends. */
import * as Y from 'yjs'
import { openRoots } from '../../shared/conversation/document.ts'
import type { Message } from '../../shared/conversation/schema.ts'
import { proposeSend } from '../../shared/conversation/write.ts'
import { createUuidV7 } from '../../shared/ids.ts'
import type { RequestId } from '../../shared/ids.ts'
import { decodeFrame, encodeFrame } from '../../shared/wire/codec.ts'
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'
import { BOARD, TALK } from './names.ts'
import type { Network } from './network.ts'
import { mallory } from './people.ts'
import type { Witness } from './witness.ts'

/** Stands in everything that must never be accepted. */
export const FORGED = '«forged»'
const forged = { id: FORGED, type: FORGED } as never

export class Attacker {
  readonly #clock: Clock
  readonly #chance: Chance
  readonly #network: Network
  readonly #witness: Witness
  readonly #newId: () => string
  /** What the server sent it. */
  readonly #doc = new Y.Doc()

  constructor(clock: Clock, chance: Chance, network: Network, witness: Witness) {
    this.#clock = clock
    this.#chance = chance
    this.#network = network
    this.#witness = witness
    this.#newId = createUuidV7(clock.now, chance.fill)
  }

  /** Connects, sends a few hostile frames, and leaves. */
  strike(): void {
    const chance = this.#chance
    const name = chance.of(0.8) ? TALK : BOARD
    const link = this.#network.dial({
      person: mallory,
      name,
      speaksSkein: chance.of(0.5),
      isReachable: () => true,
      admitted: () => {},
      opened: () => {
        if (chance.of(0.8)) link.send(encodeFrame({ type: 'sync-step-1', stateVector: Y.encodeStateVector(new Y.Doc()) }))
        for (let frames = chance.between(1, 4); frames > 0; frames--) {
          this.#clock.after(chance.between(0, 400), () => link.send(this.#frame()))
        }
        this.#clock.after(3000, () => link.closeFromClient())
      },
      received: bytes => {
        const frame = decodeFrame(bytes)
        if (name === TALK && (frame?.type === 'sync-step-2' || frame?.type === 'update')) Y.applyUpdate(this.#doc, frame.update)
      },
      closed: () => {}
    })
  }

  #frame(): Uint8Array {
    const chance = this.#chance
    switch (chance.between(0, 8)) {
      case 0: return chance.fill(new Uint8Array(chance.between(0, 40)))
      case 1: return update(this.#flipped(this.#request()))
      case 2: return update(this.#request())
      case 3: return update(this.#forgery(chance.uint32(), doc => void openRoots(doc).messages.push([forged])))
      case 4: return update(this.#forgery(this.#someClient(), doc => this.#askForged(doc)))
      case 5: return update(this.#forgery(this.#someClient(), doc => void openRoots(doc).meta.set('title', FORGED)))
      case 6: return update(this.#forgery(chance.uint32(), doc => deleteFirst(openRoots(doc).messages)))
      case 7: return update(this.#gap())
      default: return update(this.#replay())
    }
  }

  /** An honest request, which may be taken. */
  #request(): Uint8Array {
    const id = this.#newId() as RequestId
    const last = openRoots(this.#doc).messages.toArray().at(-1)?.id ?? null
    const parentId = this.#chance.pick([null, null, last, this.#newId() as Message['id']])
    const request = proposeSend({ parts: [{ type: 'text', text: 'by mallory' }], parentId, to: [] }, this.#clock.now())
    this.#witness.ask(id, request, mallory.principal.id).certain = false
    const doc = new Y.Doc()
    openRoots(doc).requests.set(id, request)
    return Y.encodeStateAsUpdate(doc)
  }

  /** Written upon what the server sent, under a client id of the attacker's choice. */
  #forgery(client: number, change: (doc: Y.Doc) => void): Uint8Array {
    const doc = new Y.Doc()
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(this.#doc))
    const before = Y.encodeStateVector(doc)
    doc.clientID = client
    change(doc)
    return Y.encodeStateAsUpdate(doc, before)
  }

  #askForged(doc: Y.Doc): void {
    openRoots(doc).requests.set(this.#newId() as RequestId, forged)
  }

  /** The second of two edits. */
  #gap(): Uint8Array {
    const doc = new Y.Doc()
    this.#askForged(doc)
    const before = Y.encodeStateVector(doc)
    this.#askForged(doc)
    return Y.encodeStateAsUpdate(doc, before)
  }

  #replay(): Uint8Array {
    const update = this.#chance.maybe(this.#witness.lineages.seen(TALK)) ?? this.#request()
    return this.#chance.of(0.5) ? this.#flipped(update) : update
  }

  #flipped(bytes: Uint8Array): Uint8Array {
    const flipped = bytes.slice()
    for (let i = this.#chance.between(1, 3); i > 0 && flipped.length > 0; i--) {
      const at = this.#chance.between(0, flipped.length - 1)
      flipped[at] = flipped[at]! ^ (1 << this.#chance.between(0, 7))
    }
    return flipped
  }

  #someClient(): number {
    return this.#chance.maybe([...this.#doc.store.clients.keys()]) ?? 1
  }
}

const update = (bytes: Uint8Array): Uint8Array => encodeFrame({ type: 'update', update: bytes })

const deleteFirst = (messages: Y.Array<Message>): void => {
  if (messages.length > 0) messages.delete(0)
}
