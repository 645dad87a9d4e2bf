/** Bringing everything to a device in the background: what is fetched, and what is never touched. */
import 'fake-indexeddb/auto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { IndexeddbPersistence } from 'y-indexeddb'
import * as Y from 'yjs'
import { createApi } from './api.ts'
import type { Api } from './api.ts'
import { syncInBackground } from './background-sync.ts'
import type { BackgroundSyncOptions } from './background-sync.ts'
import { databaseName } from './store/document-database.ts'
import { openDeviceStore } from './store/indexeddb.ts'
import type { DeviceStore } from './store/indexeddb.ts'
import { memoryStore } from './store/memory.ts'
import { encodeBase64 } from '../../shared/api/base64.ts'
import { routes } from '../../shared/api/routes.ts'
import type { SyncPage, SyncRequest } from '../../shared/api/schemas.ts'
import { readMessages } from '../../shared/conversation/read.ts'
import { proposeRedact, putRequest } from '../../shared/conversation/write.ts'
import { parseDocumentName } from '../../shared/ids.ts'
import type { DocumentName, RequestId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { a, b, c, createApiWorld, messageOf, nameOf, requestIdOf } from '../../test/rig/api-world.ts'
import type { ApiWorld } from '../../test/rig/api-world.ts'

let world: ApiWorld
let browser: ReturnType<ApiWorld['browser']>
let api: Api
let userId: string
let device: DeviceStore
/** What was asked and answered, in order. */
let asked: SyncRequest[]
let answers: SyncPage[]

beforeEach(async () => {
  world = await createApiWorld()
  browser = world.browser()
  const memory = { getItem: () => null, setItem: () => {} }
  api = createApi({ fetch: async (path, init) => browser.request(String(path), { ...init, signal: null }), memory })
  userId = (await api.me()).principal.id
  device = openDeviceStore({ userId })
  asked = []
  answers = []
})

afterEach(() => device.close())

const pass = (options: Partial<BackgroundSyncOptions> = {}): Promise<void> =>
  syncInBackground({ api: { sync }, device, userId, isOpen: () => false, ...options })

const sync: Api['sync'] = async (request, signal) => {
  asked.push(request)
  const page = await api.sync(request, signal)
  answers.push(page)
  return page
}

/** A conversation with so many messages exists on the server. */
const talk = async (id: string, ...numbers: number[]): Promise<void> => {
  await browser.post(routes.conversations(), { id })
  await world.say(id, ...numbers.map(number => messageOf(number)))
}

const stored = async (name: DocumentName) => {
  const store = device.document(name)
  const content = await store.load()
  await store.close()
  const doc = new Y.Doc()
  for (const update of content.updates) Y.applyUpdate(doc, update)
  expect(doc.store.pendingStructs ?? doc.store.pendingDs).toBeNull()
  return { ...content, doc, messages: readMessages(doc).map(({ id }) => id as string) }
}

/** The document begins another epoch on the server: the same content under other ids. */
const squash = async (name: DocumentName, epoch: string): Promise<void> => {
  const { lineage, head, updates } = (await world.log.read(name))!
  const [old, fresh] = [new Y.Doc(), new Y.Doc()]
  for (const update of updates) Y.applyUpdate(old, update)
  fresh.getArray('messages').push(old.getArray('messages').toArray())
  await world.log.compact(name, {
    update: Y.encodeStateAsUpdate(fresh), stateVector: Y.encodeStateVector(fresh), upTo: head, lineage: { ...lineage!, epoch },
  })
}

describe('a pass', () => {
  it('brings conversations that were never opened here, with their role, so that they can be read', async () => {
    await talk(a, 1, 2)
    await talk(b, 3)
    await pass()
    expect(await stored(nameOf(a))).toMatchObject({ messages: [requestIdOf(1), requestIdOf(2)], role: 'owner', outbox: [] })
    expect((await stored(nameOf(b))).messages).toEqual([requestIdOf(3)])
    expect((await stored(nameOf(b))).epoch).toBe(answers[0]!.documents[1]!.epoch)
  })

  it('leaves what stock y-indexeddb opens', async () => {
    await talk(a, 1)
    await pass()
    const generation = (await device.generations()).get(nameOf(a))!
    const doc = new Y.Doc()
    const persistence = new IndexeddbPersistence(databaseName(userId, nameOf(a), generation), doc)
    await persistence.whenSynced
    expect(readMessages(doc)).toHaveLength(1)
    await persistence.destroy()
  })

  it('on a device that holds everything brings nothing and opens no document', async () => {
    await talk(a, 1)
    await talk(b, 2)
    await pass()
    const opened: DocumentName[] = []
    const document = (name: DocumentName) => {
      opened.push(name)
      return device.document(name)
    }
    await pass({ device: { ...device, document } })
    expect(answers[1]).toMatchObject({ documents: [], next: null })
    expect(opened).toEqual([])
  })

  it('brings what came since the last one as a difference', async () => {
    await talk(a, ...Array.from({ length: 20 }, (_, i) => i))
    await pass()
    await world.say(a, messageOf(30))
    await pass()
    expect(answers[1]!.documents[0]!.update.length).toBeLessThan(answers[0]!.documents[0]!.update.length / 5)
    expect((await stored(nameOf(a))).messages.at(-1)).toBe(requestIdOf(30))
  })

  it('goes on where the last one ended early', async () => {
    for (const [i, id] of [a, b, c].entries()) {
      await browser.post(routes.conversations(), { id })
      await world.say(id, { ...messageOf(i), parts: [{ type: 'text', text: 'x'.repeat(limits.syncAnswerBytes * 0.7) }] })
    }
    const breaks: Api['sync'] = async (request, signal) => {
      if (asked.length === 2) throw new Error('the line is cut')
      return sync(request, signal)
    }
    await expect(pass({ api: { sync: breaks } })).rejects.toThrow('cut')
    await pass()
    expect(asked[2]!.documents.map(({ name }) => name)).toEqual([nameOf(a), nameOf(b)])
    expect(answers.flatMap(page => page.documents.map(({ name }) => name)))
      .toEqual([nameOf(a), nameOf(b), nameOf(c)])
    expect(answers.at(-1)!.next).toBeNull()
  })

  it('stops when it is told to, and keeps what it has', async () => {
    await talk(a, 1)
    const stop = new AbortController()
    const last: Api['sync'] = async request => {
      const page = await sync(request)
      stop.abort()
      return page
    }
    await expect(pass({ api: { sync: last }, signal: stop.signal })).rejects.toThrow()
    expect((await stored(nameOf(a))).messages).toEqual([])
  })

  it('asks in parts when the device holds more than one request may name', async () => {
    const names = Array.from({ length: 2 * limits.syncDocuments + 1 }, (_, i) => nameOf(String(i).padStart(5, '0')))
    const marks = names.map(name => ({ name, generation: 'g', epoch: 'e', head: 1, stateVector: 'AA==' }))
    await pass({
      api: {
        sync: async request => {
          asked.push(request)
          return { userId, documents: [], next: null }
        }
      },
      device: {
        ...device,
        generations: async () => new Map(names.map(name => [name, 'g'])),
        lists: { get: async () => marks, put: async () => {} }
      }
    })
    expect(asked.map(({ documents }) => documents.length)).toEqual([1000, 1000, 1])
    expect(asked.map(({ after, until }) => [after, until]))
      .toEqual([[undefined, names[999]], [names[999], names[1999]], [names[1999], undefined]])
    expect(Math.max(...asked.map(request => JSON.stringify(request).length))).toBeLessThan(limits.syncRequestBytes)
  })
})

describe('never', () => {
  it('is a document that is open in this page touched', async () => {
    await talk(a, 1)
    await talk(b, 2)
    await pass({ isOpen: name => name === nameOf(a) })
    expect((await stored(nameOf(a))).messages).toEqual([])
    expect((await stored(nameOf(b))).messages).toHaveLength(1)
    await pass()
    expect((await stored(nameOf(a))).messages).toHaveLength(1)
  })

  it('is a document that a tab has touched, or waited for', async () => {
    await talk(a, 1)
    await talk(b, 2)
    await pass({ whileFree: async (name, task) => name === nameOf(a) ? null : task() })
    expect((await stored(nameOf(a))).messages).toEqual([])
    expect((await stored(nameOf(b))).messages).toHaveLength(1)
    await pass()
    expect((await stored(nameOf(a))).messages).toHaveLength(1)
  })

  it('is what was written in a shared draft and never sent removed with its old epoch', async () => {
    await talk(a, 1)
    await pass()
    await squash(nameOf(a), 'second')
    await pass()
    expect(await device.document(nameOf(a)).kept!.list()).toEqual([])
    const store = device.document(nameOf(a))
    await store.load()
    const own = new Y.Doc()
    own.getMap('drafts').set('x', 'not sent')
    await Promise.all([store.append(Y.encodeStateAsUpdate(own), true), store.noteWriter!(own.clientID)])
    await store.close()
    await squash(nameOf(a), 'third')
    await pass()
    const [kept] = await device.document(nameOf(a)).kept!.list()
    expect(kept!.writers).toEqual([own.clientID])
    const left = new Y.Doc()
    for (const update of kept!.updates) Y.applyUpdate(left, update)
    expect(left.getMap('drafts').get('x')).toBe('not sent')
  })

  it('is another epoch merged: the document begins anew, and open requests stay, those in the old document alone too', async () => {
    await talk(a, 1, 2)
    await pass()
    const store = device.document(nameOf(a))
    const { updates } = await store.load()
    const own = new Y.Doc()
    for (const update of updates) Y.applyUpdate(own, update)
    const [inOutbox, inDocument] = [requestIdOf(7), requestIdOf(8)] as [RequestId, RequestId]
    const request = proposeRedact(messageOf(1).id as never, 0)
    await store.putOutbox({ id: inOutbox, request, stored: true, refusal: null })
    own.on('update', (update: Uint8Array) => void store.append(update))
    putRequest(own, inDocument, request)
    await store.close()
    await squash(nameOf(a), 'another')
    await pass()
    const now = await stored(nameOf(a))
    expect(now.epoch).toBe('another')
    expect(now.messages).toEqual([requestIdOf(1), requestIdOf(2)])
    expect(now.outbox.map(({ id }) => id)).toEqual([inOutbox, inDocument])
    await pass()
    await pass()
    expect(answers.at(-1)!.documents).toEqual([])
  })

  it('is what was written into a free document and never sent removed with its old epoch', async () => {
    const artifact = parseDocumentName('artifact/plan')!
    const store = device.document(artifact)
    const mine = new Y.Doc()
    mine.getText('body').insert(0, 'not sent')
    await store.append(Y.encodeStateAsUpdate(mine))
    await store.setEpoch('old', 'owner')
    await store.close()
    const before = (await device.generations()).get(artifact)!
    const doc = new Y.Doc()
    doc.getText('body').insert(0, 'on the server')
    const update = encodeBase64(Y.encodeStateAsUpdate(doc))
    const missing = { name: artifact, epoch: 'new', role: 'owner' as const, head: 0, update }
    await pass({ api: { sync: async () => ({ userId, documents: [missing], next: null }) } })
    expect((await stored(artifact)).doc.getText('body').toString()).toBe('on the server')
    const kept = new Y.Doc()
    await new IndexeddbPersistence(databaseName(userId, artifact, before), kept).whenSynced
    expect(kept.getText('body').toString()).toBe('not sent')
  })

  it('is a difference stored where what it builds on is gone', async () => {
    await talk(a, 1, 2)
    await pass()
    await world.say(a, messageOf(3))
    const epoch = answers[0]!.documents[0]!.epoch
    await pass({ api: { sync: async request => {
      const page = await sync(request)
      const store = device.document(nameOf(a))
      await store.load()
      await store.rebuild(epoch, false)
      await store.close()
      return page
    } } })
    expect((await stored(nameOf(a))).messages).toEqual([])
    await pass()
    expect((await stored(nameOf(a))).messages).toHaveLength(3)
  })

  it('does another person\'s content come into this person\'s stores', async () => {
    await talk(a, 1)
    await expect(pass({ userId: 'somebody-else' })).rejects.toMatchObject({ code: 'unauthenticated' })
    expect(await device.generations()).toEqual(new Map())
  })

  it('does it wait for a device that cannot store', async () => {
    await talk(a, 1)
    const watch = (tell: (problem: string) => void) => {
      tell('This device has no space left for Skein.')
      return () => {}
    }
    const full = { ...memoryStore(), append: () => new Promise<void>(() => {}), watch }
    await expect(pass({ device: { ...device, document: () => full } })).rejects.toThrow('no space left')
  })

  it('does a broken update of the server harm what is stored', async () => {
    await talk(a, 1)
    await pass()
    const [answer] = answers[0]!.documents
    for (const update of ['****', '', encodeBase64(new Uint8Array([9, 9, 9]))]) {
      await pass({ api: { sync: async () => ({ userId, documents: [{ ...answer!, head: 9, update }], next: null }) } })
    }
    expect((await stored(nameOf(a))).messages).toEqual([requestIdOf(1)])
  })
})
