/** The structs of an update by client, beside those that the document knows: where an id is looked up, without splitting anything. */
import * as Y from 'yjs'
import type { DecodedUpdate } from './scan.ts'

export type Struct = DecodedUpdate['structs'][number]
/** A struct that can be referred to. A skip stands for nothing. */
export type Found = Y.Item | Y.GC

/** All structs of one client in an update; the scan guarantees one block a client, without holes. */
export interface Block {
  client: number
  structs: Struct[]
  /** Clock after the last struct. */
  end: number
  /** Clocks below this one the document knows already. */
  known: number
  /** Clocks below this one are known or were visited: see {@link visitInOrder}. */
  clock: number
  /** Position of the next struct to visit. */
  next: number
}

export const startOf = (struct: Struct | Found): number => struct.id.clock
export const endOf = (struct: Struct | Found): number => struct.id.clock + struct.length

export class UpdateIndex {
  readonly blocks = new Map<number, Block>()
  readonly #store: Y.Doc['store']

  constructor(decoded: DecodedUpdate, doc: Y.Doc) {
    this.#store = doc.store
    for (const struct of decoded.structs) {
      const { client } = struct.id
      const block = this.blocks.get(client)
      if (block) {
        block.structs.push(struct)
        block.end = endOf(struct)
      } else {
        const known = this.state(client)
        this.blocks.set(client, { client, structs: [struct], end: endOf(struct), known, clock: known, next: 0 })
      }
    }
  }

  /** The first clock of the client that the document does not know. */
  state(client: number): number {
    return Y.getState(this.#store, client)
  }

  /** The first clock of the client that is neither known nor visited. */
  progress(client: number): number {
    return this.blocks.get(client)?.clock ?? this.state(client)
  }

  /** How many structs of the client there are: what splitting one of them moves in memory. */
  structCount(client: number): number {
    return (this.#store.clients.get(client)?.length ?? 0) + (this.blocks.get(client)?.structs.length ?? 0)
  }

  lastKnown(client: number): Found | undefined {
    return this.#store.clients.get(client)?.at(-1)
  }

  /** All structs of the document. */
  get knownStructs(): number {
    let count = 0
    for (const structs of this.#store.clients.values()) count += structs.length
    return count
  }

  /** The document's structs of a client, and the position of the one that holds the clock, which must be known. */
  known(client: number, clock: number): { structs: readonly Found[], first: number } {
    const structs = this.#store.clients.get(client)!
    return { structs, first: Y.findIndexSS(structs, clock) }
  }

  /** The document's structs from the one that holds the clock on; the clock must be known. */
  * knownFrom(client: number, clock: number): Generator<Found> {
    const structs = this.#store.clients.get(client)!
    for (let i = Y.findIndexSS(structs, clock); i < structs.length; i++) yield structs[i]!
  }

  /** The struct that holds the id, ours where we know it, else the update's. The id must be below {@link progress}. */
  find(id: Y.ID): Found {
    const block = this.blocks.get(id.client)
    if (block && id.clock >= block.known) return this.findNew(block, id.clock)
    const structs = this.#store.clients.get(id.client)!
    return structs[Y.findIndexSS(structs, id.clock)]!
  }

  findNew(block: Block, clock: number): Found {
    const struct = block.structs[newIndex(block, clock)]!
    if (struct instanceof Y.Skip) throw new Error('A skip was visited.')
    return struct
  }

  /** The update's structs from the one that holds the clock on. */
  * newFrom(block: Block, clock: number): Generator<Found> {
    for (let i = newIndex(block, clock); i < block.structs.length; i++) {
      const struct = block.structs[i]!
      if (!(struct instanceof Y.Skip)) yield struct
    }
  }
}

const newIndex = (block: Block, clock: number): number => {
  let low = 0
  let high = block.structs.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (startOf(block.structs[middle]!) <= clock) low = middle
    else high = middle - 1
  }
  return low
}
