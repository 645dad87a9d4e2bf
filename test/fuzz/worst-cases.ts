/** The dearest updates that we could think of, one kind a line, each of any size: what an attacker would try after reading the gate. */
import { applyClientUpdate } from '../../server/gate/apply.ts'
import { limits } from '../../shared/limits.ts'
import { times } from '../rig/seed.ts'
import { LittleServer } from './little-server.ts'
import { any, anyOf, binary, deleted, embed, format, text, type, writeUpdate } from './update-writer.ts'
import type { Id, ItemSpec, StructSpec } from './update-writer.ts'

/** The document that is attacked and the update that attacks it. */
export interface Case {
  server: LittleServer
  bytes: Uint8Array
}

const NEW = 700
/** Whose structs stand in the document already. */
const OLD = 101

const many = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))

/** A document that was built in as many updates as it took: what does not come from the attack is not judged. */
const documentOf = (...updates: Uint8Array[]): LittleServer => {
  const server = new LittleServer('free')
  for (const update of updates) server.doc.transact(transaction => applyClientUpdate(transaction, server.doc, update))
  return server
}

const inText = (content: ItemSpec['content'], origin: Id | null = null, rightOrigin: Id | null = null): ItemSpec =>
  ({ parent: 'text', content, origin, rightOrigin })
const inList = (content: ItemSpec['content'], origin: Id | null = null): ItemSpec => ({ parent: 'list', content, origin })
const entry = (key: string, content: ItemSpec['content'], parent: ItemSpec['parent'] = 'map'): ItemSpec => ({ parent: parent!, key, content })
const block = (client: number, clock: number, structs: StructSpec[]): Uint8Array => writeUpdate({ blocks: [{ client, clock, structs }] })
const add = (structs: StructSpec[]): Uint8Array => block(NEW, 0, structs)
const remove = (ranges: (readonly [number, number])[]): Uint8Array => writeUpdate({ deletes: [{ client: OLD, ranges }] })

/** A text of so many structs that nothing can join: each letter was typed before the others. */
const scattered = (count: number, client = OLD): Uint8Array =>
  block(client, 0, many(count, i => inText(text('x'), null, i === 0 ? null : [client, i - 1])))
const entries = (count: number, content: ItemSpec['content'], parent?: ItemSpec['parent']): ItemSpec[] =>
  many(count, i => entry(`key ${i}`, content, parent))
const FIRST_OF_MANY = 10_000
/** One struct of each client. */
const ofManyClients = (count: number, struct: (i: number) => StructSpec): Uint8Array[] => many(Math.ceil(count / 1000), part => {
  const from = 1000 * part
  const blocks = many(Math.min(1000, count - from), i => ({ client: FIRST_OF_MANY + from + i, clock: 0, structs: [struct(from + i)] }))
  return writeUpdate({ blocks })
})
const ownBefore = (client: number, clock: number): Id | null => clock === 0 ? null : [client, clock - 1]
/** Structs of a large document, by one client: everything that moves structs in memory is dear there. */
const LARGE = times(100_000, 20_000)
let hugeUpdate: Uint8Array | null = null
const huge = (): Uint8Array => hugeUpdate ??= scattered(LARGE)
/** What a document can hold. */
const storable = (size: number): number => Math.min(size, limits.documentStructs)
/** Any of the roots that a document can have; −1: the last one. */
const rootOf = (i: number): string => `root ${(i + limits.documentRoots) % limits.documentRoots}`
/** What can be built inside one type. */
const nested = (size: number): number => Math.min(size, limits.nestedStructs)

export const worstCases: Readonly<Record<string, (size: number) => Case>> = {
  'structs that are gone': size => ({ server: documentOf(), bytes: add(many(size, () => ({ gc: 1 }))) }),
  'tombstones that join': size => ({ server: documentOf(), bytes: add(many(size, i => inText(deleted(1), i === 0 ? null : [NEW, i - 1]))) }),
  'entries of a map': size => ({ server: documentOf(), bytes: add(entries(size, any(1))) }),
  'entries of a large map': size => ({ server: documentOf(block(OLD, 0, entries(LARGE, any(1)))), bytes: add(entries(size, any(1))) }),
  'entries deleted': size => ({ server: documentOf(block(OLD, 0, entries(size, any(1)))), bytes: remove([[0, size]]) }),
  'entries deleted out of a large map': size => ({
    server: documentOf(block(OLD, 0, entries(LARGE, any(1)))), bytes: remove(many(size, i => [2 * i, 1] as const))
  }),
  'entries deleted that are types': size => ({ server: documentOf(block(OLD, 0, entries(size, type('map')))), bytes: remove([[0, size]]) }),
  'one entry, written again and again': size => ({
    server: documentOf(), bytes: add(many(size, i => i === 0 ? entry('key', any(i)) : { origin: [NEW, i - 1] as const, content: any(i) }))
  }),
  'one entry, each value the first': size => ({ server: documentOf(), bytes: add(many(size, i => entry('key', any(i)))) }),
  'a type of many entries, deleted': size => ({
    server: documentOf(block(OLD, 0, [entry('a', type('map')), ...entries(nested(size), any(1), [OLD, 0])])), bytes: remove([[0, 1]])
  }),
  'a type of many entries, overwritten': size => ({
    server: documentOf(block(OLD, 0, [entry('a', type('map')), ...entries(nested(size), any(1), [OLD, 0])])),
    bytes: add([{ origin: [OLD, 0], content: any(1) }])
  }),
  'a type with the elements of many clients, deleted': size => ({
    server: documentOf(block(OLD, 0, [entry('a', type('array'))]), ...ofManyClients(nested(size), i => i === 0
      ? { parent: [OLD, 0], content: any(1) }
      : { origin: [FIRST_OF_MANY + i - 1, 0], content: any(1) })),
    bytes: remove([[0, 1]])
  }),
  'a type of types, deleted': size => ({
    server: documentOf(block(OLD, 0, [entry('a', type('map')), ...entries(nested(size), type('map'), [OLD, 0])])), bytes: remove([[0, 1]])
  }),
  'letters typed backwards': size => ({ server: documentOf(), bytes: scattered(size, NEW) }),
  'letters that join': size => ({ server: documentOf(), bytes: add(many(size, i => inText(text('x'), i === 0 ? null : [NEW, i - 1]))) }),
  'letters behind one letter': size => ({
    server: documentOf(), bytes: add([inText(text('ab')), ...many(size, i => inText(text('x'), [NEW, 0], [NEW, i + 1]))])
  }),
  'letters behind one letter, all before the same': size => ({
    server: documentOf(), bytes: add([inText(text('ab')), ...many(size, () => inText(text('x'), [NEW, 0], [NEW, 1]))])
  }),
  'letters at an old place, behind those of 1,000 clients': size => ({
    server: documentOf(...ofManyClients(1000, () => inText(text('x')))), bytes: scattered(size, 1_000_000)
  }),
  'a letter at an old place, behind many': size => ({
    server: documentOf(scattered(Math.min(size, limits.documentStructs))), bytes: block(1_000_000, 0, [inText(text('y'))])
  }),
  'values that join two by two': size => ({
    server: documentOf(), bytes: add(many(size, i => inList(any(1), i % 2 === 0 ? null : [NEW, i - 1])))
  }),
  'values that all join': size => ({ server: documentOf(), bytes: add(many(size, i => inList(any(1), i === 0 ? null : [NEW, i - 1]))) }),
  'values that join a long list': size => ({
    server: documentOf(block(NEW, 0, [inList(anyOf(many(100_000, () => 1)))])),
    bytes: block(NEW, 100_000, many(size, i => inList(any(1), [NEW, 99_999 + i])))
  }),
  'every second letter deleted': size => ({
    server: documentOf(block(OLD, 0, [inText(text('x'.repeat(2 * size)))])), bytes: remove(many(size, i => [2 * i, 1] as const))
  }),
  'scattered letters deleted': size => ({ server: documentOf(scattered(size)), bytes: remove([[0, size]]) }),
  'every second scattered letter deleted': size => ({ server: documentOf(scattered(2 * size)), bytes: remove(many(size, i => [2 * i, 1] as const)) }),
  'every second value of a list deleted': size => ({
    server: documentOf(block(OLD, 0, [inList(anyOf(many(2 * size, i => i)))])), bytes: remove(many(size, i => [2 * i, 1] as const))
  }),
  'values of a list of 200,000 deleted': size => ({
    server: documentOf(block(OLD, 0, [inList(anyOf(many(200_000, i => i)))])), bytes: remove(many(size, i => [2 * i, 1] as const))
  }),
  'deletions that are known': size => ({
    server: documentOf(block(OLD, 0, [{ gc: 2 * size }])),
    bytes: writeUpdate({
      blocks: [{ client: NEW, clock: 0, structs: [inList(any(1))] }],
      deletes: [{ client: OLD, ranges: many(size, i => [2 * i, 1] as const) }]
    })
  }),
  'deletions that are known, among as many structs': size => ({
    server: documentOf(scattered(2 * size), remove(many(size, i => [2 * i, 1]))),
    bytes: writeUpdate({
      blocks: [{ client: NEW, clock: 0, structs: [inList(any(1))] }],
      deletes: [{ client: OLD, ranges: many(size, i => [2 * i, 1] as const) }]
    })
  }),
  'letters between scattered ones': size => ({
    server: documentOf(scattered(size + 1)), bytes: add(many(size, i => inText(text('y'), [OLD, i + 1], [OLD, i])))
  }),
  'letters between scattered ones of a large text': size => ({
    server: documentOf(huge()), bytes: add(many(size, i => inText(text('y'), [OLD, i + 1], [OLD, i])))
  }),
  'letters deleted in a large text': size => ({ server: documentOf(huge()), bytes: remove(many(size, i => [2 * i, 1] as const)) }),
  'a text cut everywhere': size => ({
    server: documentOf(block(OLD, 0, [inText(text('x'.repeat(size + 2)))])), bytes: add(many(size, i => inText(text('y'), [OLD, i], [OLD, i + 1])))
  }),
  'a text cut everywhere, in a large document': size => ({
    server: documentOf(huge(), block(OLD, LARGE, [inText(text('x'.repeat(size + 2)), null, [OLD, LARGE - 1])])),
    bytes: add(many(size, i => inText(text('y'), [OLD, LARGE + i], [OLD, LARGE + i + 1])))
  }),
  'a list cut everywhere': size => ({
    server: documentOf(block(OLD, 0, [inList(anyOf(many(size + 2, i => i)))])),
    bytes: add(many(size, i => ({ origin: [OLD, i] as const, rightOrigin: [OLD, i + 1] as const, content: any(1) })))
  }),
  'a list cut everywhere from its end': size => ({
    server: documentOf(block(OLD, 0, [inList(anyOf(many(size + 2, i => i)))])),
    bytes: add(many(size, i => ({ origin: [OLD, size - 1 - i] as const, rightOrigin: [OLD, size - i] as const, content: any(1) })))
  }),
  'a long text': size => ({ server: documentOf(), bytes: add([inText(text('x'.repeat(size)))]) }),
  'a long text of two bytes a letter': size => ({ server: documentOf(), bytes: add([inText(text('ж'.repeat(size)))]) }),
  'a long text with one letter of two bytes': size => ({ server: documentOf(), bytes: add([inText(text(`ж${'x'.repeat(size)}`))]) }),
  'long bytes': size => ({ server: documentOf(), bytes: add([inList(binary(new Uint8Array(size)))]) }),
  'a long value': size => ({ server: documentOf(), bytes: add([inList(any('x'.repeat(size)))]) }),
  'a list of numbers': size => ({ server: documentOf(), bytes: add([inList(any(many(size, i => i)))]) }),
  'a list of fractions': size => ({ server: documentOf(), bytes: add([inList(any(many(size, i => i + 0.1)))]) }),
  'a list of short texts': size => ({ server: documentOf(), bytes: add([inList(any(many(size, i => `t${i}`)))]) }),
  'a list of empty objects': size => ({ server: documentOf(), bytes: add([inList(any(many(size, () => ({}))))]) }),
  'a value of empty lists': size => ({ server: documentOf(), bytes: add([inList(any(many(size, () => [])))]) }),
  'an object of many keys': size => ({ server: documentOf(), bytes: add([inList(any(Object.fromEntries(many(size, i => [`k${i}`, 1]))))]) }),
  'objects with a key of their own': size => ({ server: documentOf(), bytes: add([inList(any(many(size, i => ({ [`k${i}`]: 1 }))))]) }),
  'objects with sixteen keys of their own': size => ({
    server: documentOf(), bytes: add([inList(any(many(size, i => Object.fromEntries(many(16, j => [`k${i} ${j}`, 1])))))])
  }),
  'formats': size => ({
    server: documentOf(), bytes: add([inText(text('ab')), ...many(size, i => inText(format('bold', i % 2 ? 'null' : 'true'), [NEW, 1 + i]))])
  }),
  'embeds of empty lists': size => ({ server: documentOf(), bytes: add([inText(embed(`[${many(size, () => '[]').join()}]`))]) }),
  'embeds of many keys': size => ({ server: documentOf(), bytes: add([inText(embed(JSON.stringify(Object.fromEntries(many(size, i => [`k${i}`, 1])))))]) }),
  'types': size => ({ server: documentOf(), bytes: add(many(size, () => inList(type('map')))) }),
  'types in a row': size => ({ server: documentOf(), bytes: add(many(size, i => inList(type('text'), i === 0 ? null : [NEW, i - 1]))) }),
  'types at keys': size => ({ server: documentOf(), bytes: add(entries(size, type('array'))) }),
  'entries of as many roots as there may be': size => ({
    server: documentOf(), bytes: add(many(size, i => entry(`key ${i}`, any(1), rootOf(i))))
  }),
  'entries of the last root of as many as there may be': size => ({
    server: documentOf(block(OLD, 0, many(limits.documentRoots, i => entry('key', any(1), rootOf(i))))),
    bytes: add(entries(size, any(1), rootOf(-1)))
  }),
  'known structs again': size => ({
    server: documentOf(scattered(storable(size))),
    bytes: writeUpdate({
      blocks: [
        { client: OLD, clock: 0, structs: many(storable(size), i => inText(text('x'), null, i === 0 ? null : [OLD, i - 1])) },
        { client: NEW, clock: 0, structs: [inText(text('y'), null, [OLD, storable(size) - 1])] }
      ]
    })
  }),
  'clients that each write a letter': size => ({
    server: documentOf(), bytes: writeUpdate({ blocks: many(size, i => ({ client: 10_000 + i, clock: 0, structs: [inText(text('x'))] })) })
  }),
  'clients that wait for one another': size => ({
    server: documentOf(),
    bytes: writeUpdate({
      blocks: many(Math.min(size, 1000), i => ({
        client: 10_000 - i,
        clock: 0,
        structs: many(Math.ceil(size / 1000), j =>
          inList(any(1), i + 1 === Math.min(size, 1000) ? ownBefore(10_000 - i, j) : [9999 - i, j]))
      }))
    })
  }),
}
