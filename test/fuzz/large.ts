/** Large hostile updates and large documents: what costs most, at random sizes and places of a live document. */
import * as Y from 'yjs'
import { openRoots } from '../../shared/conversation/document.ts'
import type { LittleServer } from './little-server.ts'
import { listsOf } from './hostile.ts'
import type { Random } from './random.ts'
import * as writer from './update-writer.ts'
import type { Id, ItemSpec } from './update-writer.ts'
import { ada, draftId, openDraft, Peer } from './worlds.ts'

/** An attacker's own client id and its next clock. */
interface Pen {
  client: number
  clock: number
}

type Make = (random: Random, server: LittleServer, pen: Pen, size: number) => Uint8Array

const many = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
const block = ({ client, clock }: Pen, ...structs: ItemSpec[]): Uint8Array => writer.oneBlock(client, clock, ...structs)

/** The attacker's struct before this one. */
const before = ({ client, clock }: Pen, i: number): Id => [client, clock + i - 1]

/** An element of a list that the attacker may write to, and the one behind it. */
const somewhere = (random: Random, { doc, kind }: LittleServer): { parent: string | Id, origin: Id | null, rightOrigin: Id | null } => {
  const lists = listsOf(doc).filter(({ parent, isMap }) => !isMap && (kind === 'free' || typeof parent !== 'string'))
  if (lists.length === 0) return { parent: 'note', origin: null, rightOrigin: null }
  const { parent, ids } = random.pick(lists)
  const at = random.int(ids.length + 1) - 1
  return { parent, origin: ids[at] ?? null, rightOrigin: ids[at + 1] ?? null }
}

const mapOf = ({ kind }: LittleServer): string => kind === 'free' ? 'map' : 'requests'
const element = (random: Random): writer.Content => random.pick([writer.text('x'), writer.any(1), writer.deleted(1), writer.type('map'), writer.format('b', '1')])

const letters = (random: Random, size: number): string => random.pick(['x', 'ж', '😀', 'xж']).repeat(size * random.int(100) + 1)
const values = (random: Random, size: number): unknown[] => many(size, i => random.pick<unknown>([[], {}, { [`k${i}`]: [] }, 'x', 0.5]))

const kinds: readonly Make[] = [
  // Entries: new ones, all under few keys, and one key written again and again.
  (random, server, pen, size) => block(pen, ...many(size, i => ({ parent: mapOf(server), key: `large ${i}`, content: writer.any(i) }))),
  (random, server, pen, size) => block(pen, ...many(size, i => ({ parent: mapOf(server), key: `large ${random.int(5)}`, content: writer.any(i) }))),
  (_, server, pen, size) => block(pen, ...many(size, i => i === 0
    ? { parent: mapOf(server), key: 'large', content: writer.any(i) }
    : { origin: before(pen, i), content: writer.any(i) })),
  // Elements: each behind, each before, and all at one place.
  (random, server, pen, size) => {
    const at = somewhere(random, server)
    const content = element(random)
    return block(pen, ...many(size, i => ({ ...at, origin: i === 0 ? at.origin : before(pen, i), content })))
  },
  (random, server, pen, size) => {
    const at = somewhere(random, server)
    const content = element(random)
    return block(pen, ...many(size, i => ({ ...at, rightOrigin: i === 0 ? at.rightOrigin : before(pen, i), content })))
  },
  (random, server, pen, size) => {
    const at = somewhere(random, server)
    const content = element(random)
    return block(pen, ...many(size, () => ({ ...at, content })))
  },
  (random, server, pen) => block(pen, ...many(random.int(200) + 1, () => ({ ...somewhere(random, server), content: element(random) }))),
  // Contents.
  (random, server, pen, size) => block(pen, { ...somewhere(random, server), content: writer.text(letters(random, size)) }),
  (_, server, pen, size) => block(pen, { parent: mapOf(server), key: 'large', content: writer.any('x'.repeat(100 * size)) }),
  (random, server, pen, size) => block(pen, { ...somewhere(random, server), content: writer.any(...many(10 * size, i => i)) }),
  (random, server, pen, size) => block(pen, { parent: mapOf(server), key: 'large', content: writer.any(values(random, size)) }),
  (random, server, pen, size) => block(pen, { ...somewhere(random, server), content: writer.embed(JSON.stringify(many(size, i => ({ [`k${i}`]: [] })))) }),
  // Deletions: scattered over everything that a client wrote, and all of it.
  (random, { doc }, pen, size) => {
    const client = random.chance(0.3) ? pen.client : random.pick([...doc.store.clients.keys()])
    const step = 1 + random.int(4)
    const count = Math.min(size, Math.ceil(Y.getState(doc.store, client) / step))
    const ranges = many(count, i => [step * i, Math.max(1, random.int(step))] as const)
    return writer.writeUpdate({ deletes: ranges.length > 0 ? [{ client, ranges }] : [] })
  },
  (_, { doc }) => writer.writeUpdate({
    deletes: [...doc.store.clients.keys()].map(client => ({ client, ranges: [[0, Y.getState(doc.store, client)] as const] }))
  }),
  // Everything once more, as a client does whose store replays all, with something new behind it.
  (random, { doc }, pen, size) => {
    const own = new Y.Doc()
    Y.applyUpdate(own, Y.encodeStateAsUpdate(doc))
    own.clientID = pen.client
    own.getMap('requests').set('again', random.int(size))
    return Y.encodeStateAsUpdate(own)
  }
]

/** Sizes are spread evenly over their logarithm, up to well beyond what is taken. */
export const largeUpdate = (server: LittleServer, random: Random, own: readonly number[]): Uint8Array => {
  const client = random.pick(own)
  const pen = { client, clock: Y.getState(server.doc.store, client) }
  const size = Math.ceil(10 ** (1 + random.int(300) / 100))
  return random.pick(kinds)(random, server, pen, size)
}

/** Makes a document long, as honest people would in years: a text in many pieces, a long list, many entries, tombstones among them. */
export const enlarge = (server: LittleServer, random: Random): void => {
  const size = 1000 + random.int(5000)
  const peer = new Peer(server, ada, 909)
  if (server.kind === 'free') {
    for (let done = 0; done < size; done += 500) {
      peer.edit(() => {
        for (let i = 0; i < 500; i++) peer.doc.getText('note').insert(random.int(peer.doc.getText('note').length + 1), 'ab')
        peer.doc.getText('note').delete(random.int(500), 200)
      })
      peer.edit(() => peer.doc.getArray('list').push(many(2000, i => i)))
      peer.edit(() => { for (let i = 0; i < 300; i++) peer.doc.getMap('map').set(`entry ${done + i}`, i) })
    }
  } else {
    const { messages } = openRoots(server.doc)
    for (let done = 0; done < size; done += 100) {
      server.write(() => messages.push(many(100, i => ({ id: `long ${done + i}`, parts: [{ type: 'text', text: 'hello' }] }) as never)))
      peer.pull()
      peer.edit(() => { for (let i = 0; i < 10; i++) openRoots(peer.doc).requests.set(`long ${done + i}`, { type: 'x' } as never) })
    }
    const body = peer.edit(() => openDraft(peer.doc, draftId(77), 'ada', 'long'))
    if (body.kind !== 'accept') throw new Error('The long draft was not taken.')
  }
}
