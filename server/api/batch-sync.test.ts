/** All documents of a person in a few calls: what a device is sent, and what it is told is gone. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { a, b, c, d, e, idOf, createApiWorld, messageOf, nameOf } from '../../test/rig/api-world.ts'
import type { ApiWorld } from '../../test/rig/api-world.ts'
import { encodeBase64, decodeBase64 } from '../../shared/api/base64.ts'
import { routes } from '../../shared/api/routes.ts'
import * as schemas from '../../shared/api/schemas.ts'
import { readMessages } from '../../shared/conversation/read.ts'
import { SkeinError } from '../../shared/errors.ts'
import { parseDocumentName, parseUserId } from '../../shared/ids.ts'
import type { DocumentName } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import type { Lineage, StoredDocument } from '../log/port.ts'
import { setMember } from '../directory/membership.ts'
import { batchSyncRoutes, missingOf } from './batch-sync.ts'

const name = (text: string): DocumentName => parseDocumentName(text)!

const ids = { generation: 1, message: 1, transient: 2 }
const lineageOf = (epoch: string): Lineage => ({ epoch, ids, earlier: [], retired: [] })

const person = async (given?: ApiWorld) => {
  const world = given ?? await createApiWorld()
  const browser = world.browser()
  const { principal } = schemas.me.parse(await (await browser.get(routes.me())).json())
  const sync = async (body: Partial<schemas.SyncRequest> = {}) =>
    schemas.syncPage.parse(await (await browser.post(routes.sync(), { documents: [], ...body })).json())
  return { ...browser, world, id: principal.id, sync }
}

/** Stores a free document of this text, as one record under this epoch. */
const store = async (world: ApiWorld, document: DocumentName, text: string, epoch = 'first') => {
  const doc = new Y.Doc()
  doc.getText('body').insert(0, text)
  await world.log.append(document, {
    update: Y.encodeStateAsUpdate(doc), stateVector: () => Y.encodeStateVector(doc), lineage: lineageOf(epoch),
    events: [], ledger: [], bindings: [], openedRuns: [], closedRuns: [],
  })
}

const docOf = (...updates: string[]): Y.Doc => {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, decodeBase64(update)!)
  return doc
}

/** What a device says that has stored this answer. */
const holding = ({ name, epoch, head, update }: schemas.MissingUpdate) =>
  ({ name, epoch, head, stateVector: encodeBase64(Y.encodeStateVector(docOf(update))) })

describe('a document of which something was taken out', () => {
  test('is left out until its records have nothing of it any more', async () => {
    const { post, sync, world } = await person()
    for (const each of [a, b]) {
      await post(routes.conversations(), { id: each })
      await world.say(each, messageOf(1))
    }
    const head = (await world.log.read(nameOf(a)))!.head
    await world.log.append(nameOf(a), {
      update: Y.encodeStateAsUpdate(new Y.Doc()), stateVector: () => new Uint8Array(), events: [], ledger: [], bindings: [], openedRuns: [],
      closedRuns: [], scrub: true,
    })
    expect((await sync()).documents.map(({ name }) => name)).toEqual([nameOf(b)])
    const doc = new Y.Doc()
    doc.getText('t').insert(0, 'what is left')
    await world.log.compact(nameOf(a), {
      update: Y.encodeStateAsUpdate(doc), stateVector: Y.encodeStateVector(doc), upTo: head + 1, scrub: true,
    })
    expect((await sync()).documents.map(({ name }) => name)).toEqual([nameOf(a), nameOf(b)])
  })
})

describe('a device that holds what is not its person\'s', () => {
  test('is told so when that was deleted, or they were removed, and a stranger is told of what exists as of what does not', async () => {
    const { post, request, sync, world } = await person()
    for (const each of [a, b]) {
      await post(routes.conversations(), { id: each })
      await world.say(each, messageOf(1))
    }
    const documents = (await sync()).documents.map(holding)
    expect((await sync({ documents })).gone).toBeUndefined()
    await request(routes.conversation(a), { method: 'DELETE' })
    expect(await sync({ documents })).toMatchObject({ documents: [], gone: [nameOf(a)] })
    expect(await sync()).not.toHaveProperty('gone')
    const stranger = await person(world)
    const invented = documents.map((held, i) => ({ ...held, name: name(`conversation/none-${i}`) }))
    expect((await stranger.sync({ documents })).gone).toEqual([nameOf(a), nameOf(b)])
    expect((await stranger.sync({ documents: invented })).gone).toEqual(['conversation/none-0', 'conversation/none-1'])

    const id = parseUserId(stranger.id)!
    await world.directory.change(nameOf(b), setMember({ id, role: 'viewer', name: 'S' }))
    const held = (await stranger.sync()).documents.map(holding)
    expect(await stranger.sync({ documents: held })).not.toHaveProperty('gone')
    await request(routes.member(b, id), { method: 'DELETE' })
    expect(await stranger.sync({ documents: held })).toMatchObject({ documents: [], gone: [nameOf(b)] })
  })
})

describe('a device that holds nothing', () => {
  test('gets all documents of its person whole, in the order of names, and no room is loaded for it', async () => {
    const { post, sync, world, id } = await person()
    for (const each of [b, a]) {
      await post(routes.conversations(), { id: each })
      await world.say(each, messageOf(1), messageOf(2))
    }
    await world.directory.create(name('artifact/plan'), { kind: 'guest', id: id as never, name: 'G' }, 0)
    await store(world, name('artifact/plan'), 'a plan')
    await store(world, name(`home/${id}`), 'at home')
    const held = world.rooms.size
    const page = await sync()
    expect(page).toMatchObject({ userId: id, next: null })
    expect(page.documents.map(document => [document.name, document.role])).toEqual([
      ['artifact/plan', 'owner'], [nameOf(a), 'owner'], [nameOf(b), 'owner'], [`home/${id}`, 'owner'],
    ])
    expect(docOf(page.documents[0]!.update).getText('body').toString()).toBe('a plan')
    expect(readMessages(docOf(page.documents[1]!.update)).map(message => message.id)).toHaveLength(2)
    expect(docOf(page.documents[3]!.update).getText('body').toString()).toBe('at home')
    expect(world.rooms.size).toBe(held)
  })

  test('gets nothing that is not its person\'s, whatever it says it holds', async () => {
    const { post, world, sync, id } = await person()
    await post(routes.conversations(), { id: a })
    await world.say(a, messageOf(1))
    await store(world, name(`home/${id}`), 'at home')
    const known = (await sync()).documents.map(holding).map(({ head, ...held }) => ({ ...held, head: head + 1 }))
    const stranger = await person(world)
    expect(await stranger.sync()).toEqual({ userId: stranger.id, documents: [], next: null })
    expect((await stranger.sync({ documents: known })).documents).toEqual([])
  })

  test('of a document without a lineage gets nothing, since it could not tell it from another one\'s', () => {
    const doc = new Y.Doc()
    doc.getText('body').insert(0, 'by another program')
    const updates = [Y.encodeStateAsUpdate(doc)]
    const stored: StoredDocument = { lineage: null, updates, head: 0, facts: null, bindings: [], openRuns: [] }
    expect(missingOf(stored, undefined)).toBeNull()
  })
})

describe('a device that holds something', () => {
  test('is not sent again what it has, and gets what came since as a difference', async () => {
    const { post, sync, world } = await person()
    for (const id of [a, b]) {
      await post(routes.conversations(), { id })
      await world.say(id, messageOf(1), messageOf(2))
    }
    const first = await sync()
    expect(await sync({ documents: first.documents.map(holding) })).toMatchObject({ documents: [], next: null })
    await world.say(b, messageOf(3))
    const second = await sync({ documents: first.documents.map(holding) })
    expect(second.documents.map(document => document.name)).toEqual([nameOf(b)])
    const [before, diff] = [first.documents[1]!, second.documents[0]!]
    expect(diff.update.length).toBeLessThan(before.update.length)
    expect(diff.head).toBeGreaterThan(before.head)
    const whole = await world.rooms.use(nameOf(b), room => room.read(Y.encodeStateAsUpdate))
    expect(Y.encodeStateAsUpdate(docOf(before.update, diff.update))).toEqual(whole)
  })

  test('without a head it remembers, gets at least what it may lack', async () => {
    const { post, sync, world } = await person()
    await post(routes.conversations(), { id: a })
    await world.say(a, messageOf(1))
    const { head: _, ...held } = holding((await sync()).documents[0]!)
    expect((await sync({ documents: [held] })).documents).toMatchObject([{ name: nameOf(a) }])
  })

  test('of another epoch, gets the whole document under its epoch, though the head is the same', async () => {
    const { sync, world, id } = await person()
    await store(world, name(`home/${id}`), 'of this lineage', 'second')
    const { documents: [answer] } = await sync()
    const held = { ...holding(answer!), epoch: 'first' }
    expect((await sync({ documents: [held] })).documents).toEqual([answer])
  })

  test('ends up with the document of the server, from whichever earlier state of it', () => {
    const text = fc.string({ minLength: 1, maxLength: 5 })
    const edit = fc.record({ at: fc.nat(), text, remove: fc.nat(4), key: fc.nat(3), client: fc.nat(2) })
    const edits = fc.array(edit, { maxLength: 40 })
    fc.assert(fc.property(edits, fc.nat(), fc.nat(), (steps, from, foldedAt) => {
      const docs = [new Y.Doc(), new Y.Doc(), new Y.Doc()]
      const updates: Uint8Array[] = []
      const live = new Y.Doc()
      const states: Uint8Array[] = [Y.encodeStateAsUpdate(live)]
      let snapshot = { update: states[0]!, count: 0 }
      live.on('update', (update: Uint8Array) => updates.push(update))
      for (const [i, { at, text, remove, key, client }] of steps.entries()) {
        const doc = docs[client]!
        Y.applyUpdate(doc, Y.encodeStateAsUpdate(live))
        const body = doc.getText('body')
        const index = at % (body.length + 1)
        body.insert(index, text)
        body.delete(index, Math.min(remove, body.length - index))
        doc.getMap('map').set(String(key), text)
        Y.applyUpdate(live, Y.encodeStateAsUpdate(doc, Y.encodeStateVector(live)))
        states.push(Y.encodeStateAsUpdate(live))
        if (i === foldedAt % steps.length) snapshot = { update: Y.encodeStateAsUpdate(live), count: updates.length }
      }
      const stored: StoredDocument = {
        lineage: lineageOf('e'), updates: [snapshot.update, ...updates.slice(snapshot.count)], head: updates.length,
        facts: null, bindings: [], openRuns: [],
      }
      const device = new Y.Doc()
      Y.applyUpdate(device, states[from % states.length]!)
      const missing = missingOf(stored, { epoch: 'e', stateVector: Y.encodeStateVector(device) })
      Y.applyUpdate(device, missing!.update)
      expect(device.store.pendingStructs ?? device.store.pendingDs).toBeNull()
      expect(device.getText('body').toString()).toBe(live.getText('body').toString())
      expect(device.getMap('map').toJSON()).toEqual(live.getMap('map').toJSON())
      expect(Y.encodeStateVector(device).length).toBe(Y.encodeStateVector(live).length)
    }), { numRuns: 200 })
  })
})

describe('an answer is bounded', () => {
  test('by its bytes: what does not fit goes on the next page, and one document goes however large it is', async () => {
    const { post, sync, world } = await person()
    const large = limits.syncAnswerBytes * 0.6
    for (const [id, size] of [[a, large], [b, large], [c, 10], [d, limits.syncAnswerBytes * 1.5], [e, 10]] as const) {
      await post(routes.conversations(), { id })
      const message = messageOf(1)
      await world.say(id, { ...message, parts: [{ type: 'text', text: 'x'.repeat(size) }] })
    }
    const pages: string[][] = []
    let after: DocumentName | undefined
    do {
      const page: schemas.SyncPage = await sync({ after })
      pages.push(page.documents.map(document => document.name.slice('conversation/'.length)))
      after = page.next ?? undefined
    } while (after)
    expect(pages).toEqual([[a], [b, c], [d], [e]])
  })

  test('by the documents it looks at, although none of them differs', async () => {
    const { sync, world, id } = await person()
    for (let i = 0; i < limits.syncDocuments + 5; i++) {
      await world.directory.create(nameOf(idOf(`c${String(i).padStart(5, '0')}`)), { kind: 'guest', id: id as never, name: 'G' }, 0)
    }
    await world.say(idOf('c01004'), messageOf(1))
    const first = await sync()
    expect(first).toEqual({ userId: id, documents: [], next: nameOf(idOf('c00999')) })
    expect(await sync({ after: first.next! })).toMatchObject({ documents: [{ name: nameOf(idOf('c01004')) }], next: null })
  })

  test('by the names that the device asks about', async () => {
    const { post, sync, world } = await person()
    for (const id of [a, b, c, d]) {
      await post(routes.conversations(), { id })
      await world.say(id, messageOf(1))
    }
    const page = await sync({ after: nameOf(a), until: nameOf(c) })
    expect(page.documents.map(document => document.name)).toEqual([nameOf(b), nameOf(c)])
    expect(page.next).toBeNull()
  })
})

describe('a request that is not right', () => {
  const held = { name: nameOf(a), epoch: 'e', stateVector: 'AA==' }
  const many = (count: number, stateVector = held.stateVector) =>
    Array.from({ length: count }, (_, i) => ({ ...held, name: `conversation/${i}`, stateVector }))
  const lies = (stateVector: Uint8Array) => ({ documents: [{ ...held, stateVector: encodeBase64(stateVector) }] })

  test.each<[string, unknown]>([
    ['nothing', {}],
    ['a list', []],
    ['documents that are none', { documents: { [nameOf(a)]: held } }],
    ['a name that is none', { documents: [{ ...held, name: '../etc' }] }],
    ['a name with a NUL', { documents: [{ ...held, name: 'conversation/a\u0000' }] }],
    ['no base64', { documents: [{ ...held, stateVector: '****' }] }],
    ['half of base64', { documents: [{ ...held, stateVector: 'A' }] }],
    ['padding inside', { documents: [{ ...held, stateVector: 'AA==AA==' }] }],
    ['a state vector without bytes', { documents: [{ ...held, stateVector: '' }] }],
    ['a state vector that ends early', lies(new Uint8Array([3, 1, 1]))],
    ['a state vector of 2^49 clients', lies(new Uint8Array([255, 255, 255, 255, 255, 255, 255, 1]))],
    ['a number without an end', lies(new Uint8Array(64).fill(255))],
    ['a state vector that is too large', lies(new Uint8Array(limits.stateVectorBytes + 1))],
    ['a head that is none', { documents: [{ ...held, head: -1 }] }],
    ['a head beyond numbers', { documents: [{ ...held, head: 1e300 }] }],
    ['an epoch that is none', { documents: [{ ...held, epoch: 'x'.repeat(65) }] }],
    ['something unknown', { documents: [{ ...held, __proto__x: 1 }] }],
    ['too many', { documents: many(limits.syncDocuments + 1) }],
    ['a cursor that is none', { documents: [], after: 'x' }],
  ])('is told so and nothing else happens: %s', async (_what, body) => {
    const { post, world } = await person()
    await world.directory.create(nameOf(a), { kind: 'guest', id: 'x' as never, name: 'G' }, 0)
    const response = await post(routes.sync(), body)
    expect(response.status).toBe(422)
    expect(schemas.problem.parse(await response.json())).toMatchObject({ code: 'invalid-request' })
    expect(world.lines).toEqual([])
  })

  test('is not read when it is larger than this route allows, which is more than the others do', async () => {
    const { post } = await person()
    expect((await post(routes.sync(), { documents: many(500, encodeBase64(new Uint8Array(300))) })).status).toBe(200)
    const response = await post(routes.sync(), { documents: [], after: 'x'.repeat(limits.syncRequestBytes) })
    expect(response.status).toBe(413)
    expect(schemas.problem.parse(await response.json()).code).toBe('too-large')
  })

  test('comes from somebody who is known', async () => {
    const world = await createApiWorld()
    const headers = { 'Content-Type': 'application/json' }
    const response = await world.request(routes.sync(), { method: 'POST', body: '{"documents":[]}', headers })
    expect(response.status).toBe(401)
    expect(response.headers.get('set-cookie')).toBeNull()
  })

  test('may claim a state vector of clients and clocks that nobody has', async () => {
    const { post, sync, world } = await person()
    await post(routes.conversations(), { id: a })
    await world.say(a, messageOf(1))
    const [answer] = (await sync()).documents
    const entries = Array.from({ length: 200 }, (_, i) => [255, 255, 255, 255, (i % 15) + 1, 255, 255, 255, 255, 15])
    const bytes = [200, 1, ...entries.flat()]
    const { head: _, ...held } = holding(answer!)
    const page = await sync({ documents: [{ ...held, stateVector: encodeBase64(new Uint8Array(bytes)) }] })
    expect(page.documents).toHaveLength(1)
  })
})

test('a damaged document is left out and reported, the others go', async () => {
  const doc = new Y.Doc()
  doc.getText('body').insert(0, 'whole')
  const { world, id } = await person()
  const warnings: unknown[] = []
  const app = batchSyncRoutes({
    identity: { authenticate: async () => ({ kind: 'guest', id: id as never, name: 'G' }), admitGuest: async () => null, onRevoked: () => () => {} },
    directory: {
      find: async () => null,
      listOf: async () => [a, b].map(each => ({ name: nameOf(each), role: 'viewer', createdAt: 0 })),
    },
    log: {
      list: world.log.list.bind(world.log),
      read: async document => {
        if (document === nameOf(a)) throw new SkeinError('log-damaged')
        return { lineage: lineageOf('e'), updates: [Y.encodeStateAsUpdate(doc)], head: 3, facts: null, bindings: [], openRuns: [] }
      },
    },
    openToAll: false,
    logger: { debug: () => {}, info: () => {}, warn: fields => { warnings.push(fields) }, error: () => {} },
  })
  const response = await app.request('/', { method: 'POST', body: '{"documents":[]}' })
  const page = schemas.syncPage.parse(await response.json())
  expect(page.documents).toMatchObject([{ name: nameOf(b), role: 'viewer', head: 3 }, { name: `home/${id}` }])
  expect(warnings).toMatchObject([{ document: nameOf(a) }])
})

test('without accounts all stored documents are the local person\'s, except others\' home documents', async () => {
  const world = await createApiWorld({ openToAll: true })
  const { sync } = await person(world)
  for (const each of ['home/local', 'home/somebody', 'artifact/x', 'conversation/y']) await store(world, name(each), each)
  expect((await sync()).documents.map(document => document.name)).toEqual(['artifact/x', 'conversation/y', 'home/local'])
})
