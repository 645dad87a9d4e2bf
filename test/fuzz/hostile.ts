/** Makes updates as an attacker would: by the grammar of Yjs's encoding, with references that nearly, or quite, fit a live document. */
import * as Y from 'yjs'
import type { SharedType } from '../../server/gate/yjs-internals.ts'
import type { Random } from './random.ts'
import * as writer from './update-writer.ts'
import type { BlockSpec, Content, Id, ItemSpec, StructSpec } from './update-writer.ts'

/** A list of a document, by the ids of its elements in their order. */
interface List {
  parent: string | Id
  isMap: boolean
  ids: Id[]
  keys: string[]
}

export const listsOf = (doc: Y.Doc): List[] => {
  const lists: List[] = []
  const open: { type: SharedType, parent: string | Id }[] = [...doc.share].map(([name, type]) => ({ type, parent: name }))
  for (const { type, parent } of open) {
    const ids: Id[] = []
    const enter = (item: Y.Item) => {
      if (item.content instanceof Y.ContentType) open.push({ type: item.content.type, parent: [item.id.client, item.id.clock] })
    }
    for (let item = type._start; item !== null; item = item.right) {
      for (let i = 0; i < Math.min(item.length, 20); i++) ids.push([item.id.client, item.id.clock + i])
      enter(item)
    }
    for (const item of type._map.values()) enter(item)
    lists.push({ parent, isMap: type._map.size > 0 || type instanceof Y.Map, ids, keys: [...type._map.keys()] })
  }
  return lists
}

export interface Attack {
  random: Random
  doc: Y.Doc
  /** The attacker's own client ids, of which the first few are in use already. */
  own: number[]
  /** Names that a key or a root may have. */
  names: readonly string[]
  /** A root that everybody may write to, chosen more often. */
  open?: string
}

const strange = [undefined, NaN, 12n, new Uint8Array([1, 2])]
const plain = [
  null, true, 7, -3, 0.5, 'x', 'text', 'reasoning', [1, [2]], { a: { b: 1 } },
  { kind: 'shared', authorId: 'mallory', parentId: null, createdAt: 1 },
  { kind: 'shared', authorId: 'ada', parentId: null, createdAt: 1 },
  { kind: 'agent', authorId: 'mallory', createdAt: 1 }
]

const values = (random: Random): unknown => random.pick<unknown>(random.chance(0.05) ? strange : plain)

const contentOf = (random: Random): Content => {
  switch (random.int(14)) {
    case 0:
    case 1: return writer.deleted(random.chance(0.02) ? 0 : 1 + random.int(3))
    case 2: return writer.format('bold', random.chance(0.05) ? random.pick(['{', '1e999', '{"__proto__":1}']) : random.pick(['true', 'null', '{"a":1}']))
    case 3: return writer.embed(random.pick(['{"image":"x"}', '[]', '[[[[]]]]']))
    case 4:
    case 5: return writer.type(random.chance(0.95) ? random.int(3) : random.int(9))
    case 6: return random.chance(0.1) ? writer.binary(random.bytes(3)) : writer.text('b')
    case 7: return random.chance(0.05) ? random.pick([writer.subdocument('g'), writer.legacyJson('1')]) : writer.any(values(random))
    case 8:
    case 9:
    case 10: return writer.any(...random.chance(0.9) ? [values(random)] : [1, 2])
    default: return writer.text(random.pick(['a', 'hello', '😀', 'ab😀c', random.chance(0.05) ? '' : 'z']))
  }
}

/** An id of the document, often one at the edge of what is known. */
const anyId = ({ random, doc, own }: Attack): Id => {
  const client = random.chance(0.8) && doc.store.clients.size > 0 ? random.pick([...doc.store.clients.keys()]) : random.pick(own)
  const state = Y.getState(doc.store, client)
  return [client, random.chance(0.8) && state > 0 ? random.int(state) : Math.max(0, state - 2 + random.int(5))]
}

const itemOf = (attack: Attack, lists: List[], written: Map<List, Id[]>): ItemSpec & { list: List } => {
  const { random, names, open } = attack
  const outbox = lists.filter(({ parent }) => parent === open && open !== undefined)
  const list = outbox.length > 0 && random.chance(0.25) ? outbox[0]! : random.pick(lists)
  const known = [...list.ids, ...written.get(list) ?? []]
  let content = contentOf(random)
  // What is of texts is refused elsewhere, so it mostly stays away from there.
  while (list.isMap && [4, 5, 6].includes(content.ref) && random.chance(0.95)) content = contentOf(random)
  if (known.length > 0 && random.chance(0.6)) {
    // Mostly neighbours; else any two, even the wrong way round.
    const first = random.int(known.length + 1) - 1
    const second = random.chance(0.85) ? first + 1 : random.int(known.length + 1)
    const origin = random.chance(0.97) ? known[first] ?? null : null
    const rightOrigin = random.chance(0.97) && !list.isMap ? known[second] ?? null : null
    if (origin || rightOrigin) return { origin, rightOrigin, content, list }
  }
  if (random.chance(0.05)) return { origin: anyId(attack), rightOrigin: random.chance(0.4) ? anyId(attack) : null, content, list }
  const parent = random.chance(0.05) ? anyId(attack) : random.chance(0.03) ? random.pick(names) : list.parent
  const key = random.chance(0.92) === list.isMap ? random.pick([...list.keys, ...names]) : null
  return { parent, key, content, list }
}

const lengthOf = ({ ref, bytes }: Content): number => {
  if (ref === 1) return bytes[0]!
  if (ref === 4) return new TextDecoder().decode(bytes.subarray(1)).length
  return ref === 8 ? bytes[0]! : 1
}

/** An update by the grammar: mostly well-formed, mostly at the attacker's next clock, with every kind of reference. */
export const grammarUpdate = (attack: Attack): Uint8Array => {
  const { random, doc, own } = attack
  const lists = listsOf(doc)
  const written = new Map<List, Id[]>()
  const blocks: BlockSpec[] = []
  for (let i = 1 + random.int(random.chance(0.1) ? 4 : 1); i > 0; i--) {
    const client = random.chance(0.93) ? random.pick(own) : anyId(attack)[0]
    if (blocks.some(block => block.client === client) && random.chance(0.95)) continue
    const state = Y.getState(doc.store, client)
    let clock = random.chance(0.9) ? state : Math.max(0, state - 3 + random.int(5))
    const block: BlockSpec = { client, clock, structs: [] }
    for (let j = 1 + random.int(random.pick([1, 2, 4])); j > 0; j--) {
      if (random.chance(0.03)) {
        const struct: StructSpec = random.chance(0.5) ? { gc: 1 + random.int(4) } : { skip: 1 + random.int(4) }
        block.structs.push(struct)
        clock += 'gc' in struct ? struct.gc : struct.skip
        continue
      }
      const { list, ...item } = itemOf(attack, lists, written)
      block.structs.push(item)
      if (lengthOf(item.content) > 0) {
        const ids = written.get(list) ?? []
        ids.push([client, clock])
        written.set(list, ids)
      }
      if (item.content.ref === 7) {
        lists.push({ parent: [client, clock], isMap: item.content.bytes[0] === 1, ids: [], keys: ['head', 'parts', 'type', 'text'] })
      }
      clock += lengthOf(item.content)
    }
    blocks.push(block)
  }
  const deletes = random.chance(0.25)
    ? [anyId(attack)].map(([client, clock]) => ({ client, ranges: [[clock, 1 + random.int(4)] as const] }))
    : []
  return writer.writeUpdate({
    blocks, deletes,
    ...random.chance(0.02) && { blockCount: random.int(2000) },
    ...random.chance(0.02) && { trailing: random.bytes(1 + random.int(3)) }
  })
}

/** Bits flipped, bytes cut, doubled or taken from elsewhere. */
export const mutate = (random: Random, bytes: Uint8Array): Uint8Array => {
  const copy = Uint8Array.from(bytes)
  switch (random.int(5)) {
    case 0: return copy.subarray(0, random.int(copy.length + 1))
    case 1: {
      const at = random.int(copy.length + 1)
      return Uint8Array.from([...copy.subarray(0, at), ...random.bytes(1 + random.int(4)), ...copy.subarray(at)])
    }
    case 2: {
      const at = random.int(copy.length + 1)
      return Uint8Array.from([...copy.subarray(0, at), ...copy.subarray(random.int(copy.length + 1))])
    }
    default:
      for (let i = 1 + random.int(3); i > 0 && copy.length > 0; i--) copy[random.int(copy.length)]! ^= 1 << random.int(8)
      return copy
  }
}
