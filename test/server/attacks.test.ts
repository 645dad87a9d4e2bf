/**
 * Attacks with bytes, over real sockets against a real server process: each one by its name. The attacker is told and disconnected, the
 * server stays small, and after every one of them honest people still write in the same rooms and read the same. Attacks with what is
 * somebody else's (client ids, presence) stand in `attacks-identity.test.ts`, those with numbers of requests in
 * `attacks-requests.test.ts`, those with names in `attacks-names.test.ts`; everything at random in `test/fuzz/gate.test.ts`, the dearest
 * update of sixty kinds in `test/fuzz/worst-cases.test.ts`.
 */
import * as encoding from 'lib0/encoding'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { limits } from '../../shared/limits.ts'
import { any, deleted, encode, format, oneBlock, rawAny, rawText, subdocument, text, type as sharedType, writeUpdate } from '../fuzz/update-writer.ts'
import type { Id, ItemSpec, StructSpec } from '../fuzz/update-writer.ts'
import { AttackWorld, refusalOf } from '../rig/attack-world.ts'
import { newRequestId } from '../rig/conversation.ts'

let world: AttackWorld
/** A client id that nobody has used yet. */
let NEW = 4_000_000

beforeAll(async () => {
  world = await AttackWorld.start()
})

afterEach(async () => {
  NEW += 10
  await world.expectHonestGoesOn()
})

afterAll(() => world?.stop())

const inArtifact = (...structs: StructSpec[]): Uint8Array => oneBlock(NEW, 0, ...structs)
const request = (content: ItemSpec['content']): Uint8Array => oneBlock(NEW, 0, { parent: 'requests', key: newRequestId(), content })
const many = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
const refusedInArtifact = (bytes: Uint8Array, code = 'malformed'): Promise<void> => world.expectRefused('artifact', bytes, code)
const refusedInConversation = (bytes: Uint8Array, code = 'malformed'): Promise<void> => world.expectRefused('conversation', bytes, code)

/** Mallory has written six letters that nobody touches. @returns the ids of the letters */
const sixLetters = async (): Promise<Id[]> => {
  await world.expectTaken('mallory', 'artifact', inArtifact({ parent: 'text', content: text('abcdef') }))
  return many(6, i => [NEW, i] as const)
}

describe('lies about what an update is:', () => {
  it('the same client block twice', () =>
    refusedInArtifact(writeUpdate({ blocks: [0, 1].map(clock => ({ client: NEW, clock, structs: [{ parent: 'list', content: any(1) }] })) })))

  it('a GC struct of length 0', () => refusedInArtifact(inArtifact({ gc: 0 })))

  it('deleted content of length 0', () => refusedInArtifact(inArtifact({ parent: 'list', content: deleted(0) })))

  it('a text of length 0', () => refusedInArtifact(inArtifact({ parent: 'text', content: text('') })))

  it('a header of 7 bytes that promises 180 MB', () => world.expectStaysSmall(() =>
    refusedInArtifact(Uint8Array.from([1, 0xc0, 0xf0, 0xf5, 0x0b, 1, 0]))))

  it('500,000 fake clients', () => world.expectStaysSmall(() =>
    refusedInArtifact(writeUpdate({ blocks: many(500_000, i => ({ client: NEW + i, clock: 0, structs: [{ gc: 1 }] })) }), 'too-large')))

  it('a state vector of a million clients', () => world.expectStaysSmall(async () => {
    const mallory = await world.join('mallory', 'artifact')
    const stateVector = encode(encoder => {
      encoding.writeVarUint(encoder, 1_000_000)
      for (let client = 0; client < 1_000_000; client++) for (const value of [client, 1]) encoding.writeVarUint(encoder, value)
    })
    mallory.send({ type: 'sync-step-1', stateVector })
    expect(await refusalOf(mallory)).toMatchObject({ code: 'too-large' })
  }))

  it('an update of V2', () => refusedInConversation(Y.convertUpdateFormatV1ToV2(request(any(1)))))

  it('one value of more than an update may hold, which no slice of it can', () =>
    refusedInArtifact(inArtifact({ parent: 'map', key: 'k', content: any('x'.repeat(limits.updateBytes)) }), 'too-large'))
})

describe('lies about where something stands:', () => {
  it('an overlap with what is known, under another parent', async () => {
    await sixLetters()
    await refusedInArtifact(inArtifact({ parent: 'elsewhere', content: text('abcdef') }), 'id-conflict')
  })

  it('an overlap with what is known, with other content', async () => {
    await sixLetters()
    await refusedInArtifact(inArtifact({ parent: 'text', content: text('abcxef') }), 'id-conflict')
  })

  it('an origin in one root and a right origin in another one', async () => {
    const [letter] = await sixLetters()
    const { client, clock } = world.ada.artifact.doc.getText('note')._start!.id
    await refusedInArtifact(oneBlock(NEW + 1, 0, { origin: [client, clock], rightOrigin: letter!, content: text('x') }))
  })

  it.each(['origin', 'rightOrigin'] as const)('an %s in a struct that is dead while the other one lives: it writes nothing', async dead => {
    const mallory = await world.join('mallory', 'artifact')
    const list = mallory.doc.getArray<Y.Map<number>>('list')
    list.push([new Y.Map([['x', 1]])])
    const { id } = list.get(list.length - 1)._map.get('x')!
    list.delete(list.length - 1)
    await mallory.allSaved()
    const note = world.ada.artifact.doc.getText('note')
    const living: Id = [note._start!.id.client, note._start!.id.clock]
    const before = note.toJSON()
    const references = dead === 'origin' ? { origin: [id.client, id.clock] as const, rightOrigin: living } : { origin: living, rightOrigin: [id.client, id.clock] as const }
    await world.expectTaken('mallory', 'artifact', oneBlock(NEW, 0, { ...references, content: text('seen') }))
    await world.expectHonestGoesOn()
    expect(note.toJSON()).toBe(`x${before}`)
  })

  it('reversed origins', async () => {
    const letters = await sixLetters()
    await refusedInArtifact(oneBlock(NEW + 1, 0, { origin: letters[4]!, rightOrigin: letters[1]!, content: text('x') }))
  })

  it('crossed origins of two new structs', async () => {
    const letters = await sixLetters()
    await refusedInArtifact(writeUpdate({
      blocks: [
        { client: NEW + 2, clock: 0, structs: [{ origin: letters[2]!, rightOrigin: letters[3]!, content: text('x') }] },
        { client: NEW + 1, clock: 0, structs: [{ origin: letters[1]!, rightOrigin: [NEW + 2, 0], content: text('y') }] },
      ]
    }))
  })

  it('an origin in its own future', () => refusedInArtifact(inArtifact({ origin: [NEW, 5], content: text('x') })))

  it.each(['meta', 'members', 'runs', 'reactions', 'redactions'])('a tombstone on a key of the server\'s root %s, without a delete set', root =>
    refusedInConversation(oneBlock(NEW, 0, { parent: root, key: 'title', content: deleted(1) }), 'forged'))
})

describe('content that no honest client writes:', () => {
  it('a document inside a document', () => refusedInArtifact(inArtifact({ parent: 'map', key: 'k', content: subdocument('g') })))

  it('20,000 nested maps', () => world.expectStaysSmall(() => refusedInArtifact(inArtifact(...many(20_000, i =>
    ({ parent: i === 0 ? 'map' : [NEW, i - 1] as const, key: 'k', content: sharedType('map') }))), 'too-large')))

  it('one map deeper than types may be nested', () => refusedInArtifact(inArtifact(...many(limits.typeDepth + 1, i =>
    ({ parent: i === 0 ? 'map' : [NEW, i - 1] as const, key: 'k', content: sharedType('map') }))), 'too-large'))

  it.each<[string, () => ItemSpec]>([
    ['an entry', () => ({ parent: 'map', key: '__proto__', content: any(1) })],
    ['a root', () => ({ parent: '__proto__', key: 'k', content: any(1) })],
    ['a value', () => ({ parent: 'map', key: 'k', content: any(JSON.parse('{"__proto__":{"x":1}}')) })],
    ['a format', () => ({ parent: 'text', content: format('__proto__', 'true') })],
    ['a format\'s value', () => ({ parent: 'text', content: format('bold', '{"\\u005f_proto__":1}') })],
  ])('__proto__ as the key of %s', (_, item) => refusedInArtifact(inArtifact(item())))

  it.each([limits.jsonDepth + 1, 5000])('JSON %s deep', depth =>
    refusedInConversation(request(rawAny(Uint8Array.from([...many(depth, () => [117, 1]).flat(), 126])))))

  it('an object that has one key twice', () => refusedInConversation(request(rawAny(Uint8Array.from([118, 2, 1, 97, 126, 1, 97, 126])))))

  it('two values under one key of a map', async () => {
    await refusedInConversation(request(any(1, 2)))
    await refusedInArtifact(inArtifact({ parent: 'map', key: 'k', content: any(1, 2) }))
  })

  it('a big integer, in a request and in an artifact', async () => {
    await refusedInConversation(request(any(12n)))
    await refusedInArtifact(inArtifact({ parent: 'map', key: 'k', content: any(12n) }))
  })

  it('bytes in a request', () => refusedInConversation(request(any(new Uint8Array(3)))))

  it('a lone surrogate in a text', () => refusedInArtifact(inArtifact({ parent: 'text', content: rawText(Uint8Array.of(0xed, 0xa0, 0x80)) })))
})

describe('little that costs much:', () => {
  it.each([
    ['that wait for something that never comes', true],
    ['that wait, of a client that does not answer when it is asked for what is missing', false],
  ])('8,000 small updates %s: the connection ends, and meanwhile others write', (_, answers) => world.expectStaysSmall(async () => {
    const mallory = await world.join('mallory', 'artifact')
    const send = mallory.send.bind(mallory)
    if (!answers) mallory.send = frame => { if (frame.type !== 'sync-step-2') send(frame) }
    for (let i = 1; i <= 8000; i++) mallory.sendUpdate(oneBlock(NEW, 2 * i, { parent: 'list', content: any(i) }))
    world.ada.artifact.doc.getText('note').insert(0, 'meanwhile ')
    await world.ada.artifact.allSaved()
    expect(await mallory.closed()).toMatchObject({ code: 1013, reason: expect.stringContaining('missing-dependency') })
  }))

  it('12 kB of insertions at an old place in front of 500 others: more than one update may cost, taken in slices', async () => {
    await world.expectTaken('bob', 'artifact', writeUpdate({
      blocks: many(500, i => ({ client: 10_000 + i, clock: 0, structs: [{ parent: 'crowd', content: text('x') }] }))
    }))
    const insertions = oneBlock(NEW, 0, ...many(1000, i => ({ parent: 'crowd', rightOrigin: i === 0 ? null : [NEW, i - 1] as const, content: text('y') })))
    expect(insertions.length).toBeLessThan(13_000)
    await world.expectTaken('mallory', 'artifact', insertions)
  })
})
