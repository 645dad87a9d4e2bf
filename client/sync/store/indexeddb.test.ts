/** Documents in IndexedDB: one tab or several, crashes, full disks, and stores of earlier versions. */
import 'fake-indexeddb/auto'
import { openDB } from 'idb'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { IndexeddbPersistence } from 'y-indexeddb'
import * as Y from 'yjs'
import { openDeviceStore } from './indexeddb.ts'
import type { DeviceStore, DeviceStoreOptions } from './indexeddb.ts'
import { listCache } from './list-cache.ts'
import { RETRY_AFTER } from './write-queue.ts'
import type { DocumentStore } from '../port.ts'
import type { OutboxEntry } from '../view.ts'
import { proposeSend } from '../../../shared/conversation/write.ts'
import { conversationName } from '../../../shared/ids.ts'
import type { RequestId } from '../../../shared/ids.ts'
import { limits } from '../../../shared/limits.ts'
import { ManualTime } from '../../../test/rig/manual-time.ts'
import { until } from '../../../test/rig/until.ts'

const NAME = conversationName('c1')!
let user = 0
let devices: DeviceStore[]
let documents: DocumentStore[]

beforeEach(() => {
  user++
  devices = []
  documents = []
})

afterEach(async () => {
  await Promise.all(documents.map(document => document.close()))
  await Promise.all(devices.map(device => device.close()))
})

/** A tab of the user of this test. */
const tab = (options: Partial<DeviceStoreOptions> = {}): DeviceStore => {
  const device = openDeviceStore({ userId: `user${user}`, ...options })
  devices.push(device)
  return device
}

const open = (device: DeviceStore, name = NAME): DocumentStore => {
  const document = device.document(name)
  documents.push(document)
  return document
}

const write = (text: string, at = 0): Uint8Array => {
  const doc = new Y.Doc()
  doc.getText('body').insert(at, text)
  return Y.encodeStateAsUpdate(doc)
}

const docOf = (updates: readonly Uint8Array[]): Y.Doc => {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}
const textOf = (updates: readonly Uint8Array[]): string => docOf(updates).getText('body').toString()

const entry = (number: number): OutboxEntry => ({
  id: `01890000-0000-7000-8000-${String(number).padStart(12, '0')}` as RequestId,
  request: proposeSend({ parts: [{ type: 'text', text: `text ${number}` }], parentId: null }, 1),
  stored: true,
  refusal: null
})

const generations = async (): Promise<string[]> =>
  (await indexedDB.databases()).flatMap(({ name }) => name?.startsWith(`skein:user${user}:`) ? [name] : [])

describe('a document in IndexedDB', () => {
  it('is read back with its epoch, role and outbox', async () => {
    const first = open(tab())
    expect(await first.load()).toMatchObject({ updates: [], epoch: null, role: null, outbox: [] })
    await Promise.all([first.append(write('a')), first.setEpoch('e1', 'editor'), first.putOutbox(entry(2)), first.putOutbox(entry(1))])
    await first.deleteOutbox(entry(2).id)
    await first.close()
    const again = await open(tab()).load()
    expect(textOf(again.updates)).toBe('a')
    expect(again).toMatchObject({ epoch: 'e1', role: 'editor', outbox: [entry(1)] })
  })

  it('shares nothing with other documents, names that begin alike, or other users', async () => {
    const device = tab()
    const first = open(device)
    await first.load()
    await Promise.all([first.append(write('mine')), first.putOutbox(entry(1))])
    expect(await open(device, conversationName('c')!).load()).toMatchObject({ updates: [], outbox: [] })
    expect(await open(device, conversationName('c11')!).load()).toMatchObject({ updates: [], outbox: [] })
    user++
    expect(await open(tab()).load()).toMatchObject({ updates: [], outbox: [] })
  })

  it('is written as it was before it was read', async () => {
    const first = open(tab())
    const early = first.append(write('early'))
    await first.load()
    await early
    expect(textOf((await open(tab()).load()).updates)).toBe('early')
  })

  it('writes what one tick brings in one transaction', async () => {
    const first = open(tab())
    await first.load()
    const { transaction } = IDBDatabase.prototype
    let transactions = 0
    IDBDatabase.prototype.transaction = function (...args) {
      transactions++
      return transaction.apply(this, args)
    }
    try {
      await Promise.all(Array.from({ length: 50 }, (_, i) => first.append(write(`${i} `))))
    } finally {
      IDBDatabase.prototype.transaction = transaction
    }
    expect(transactions).toBe(1)
  })

  it('is read with all that was written, even where it is opened again before it is closed', async () => {
    const device = tab()
    const first = open(device)
    await first.load()
    void first.append(write('a'))
    await Promise.resolve()
    await Promise.resolve()
    void first.append(write('b'))
    void first.putOutbox(entry(1))
    void first.close()
    const again = await open(device).load()
    expect(textOf(again.updates)).toHaveLength(2)
    expect(again.outbox).toHaveLength(1)
  })

  it('loses nothing when two tabs write at the same time and both compact', async () => {
    const tabs = [open(tab({ compactAt: 7 })), open(tab({ compactAt: 5 }))]
    await Promise.all(tabs.map(store => store.load()))
    const docs = tabs.map(store => {
      const doc = new Y.Doc()
      doc.on('update', (update: Uint8Array) => void store.append(update))
      return doc
    })
    for (let i = 0; i < 40; i++) {
      docs[i % 2]!.getArray('items').push([i])
      if (i % 3 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    await Promise.all(tabs.map(store => store.close()))
    const { updates } = await open(tab()).load()
    expect(updates.length).toBeLessThan(20)
    expect((docOf(updates).getArray('items').toArray() as number[]).sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i))
  })

  it('is compacted to one update without the content of what was deleted', async () => {
    const first = open(tab({ compactAt: 4 }))
    await first.load()
    const doc = new Y.Doc()
    doc.on('update', (update: Uint8Array) => void first.append(update))
    doc.getText('body').insert(0, 'a secret that was deleted')
    doc.getText('body').delete(0, 25)
    doc.getText('body').insert(0, 'b')
    doc.getText('body').insert(1, 'c')
    await first.close()
    const { updates } = await open(tab()).load()
    expect(updates).toHaveLength(1)
    expect(textOf(updates)).toBe('bc')
    expect(new TextDecoder().decode(updates[0])).not.toContain('secret')
  })

  it('keeps updates that wait for others which have not arrived when it is compacted', async () => {
    const doc = new Y.Doc()
    const updates: Uint8Array[] = []
    doc.on('update', (update: Uint8Array) => updates.push(update))
    for (const letter of 'abc') doc.getText('body').insert(doc.getText('body').length, letter)
    const first = open(tab({ compactAt: 2 }))
    await first.load()
    await first.append(updates[0]!)
    await first.append(updates[2]!)
    await first.close()
    const second = open(tab())
    expect(textOf((await second.load()).updates)).toBe('a')
    await second.append(updates[1]!)
    expect(textOf((await second.load()).updates)).toBe('abc')
  })
})

it('tells what no server has accepted, of all documents', async () => {
  const device = tab()
  expect(await device.unsent()).toEqual(new Map())
  await open(device).putOutbox(entry(1))
  await open(device, conversationName('c2')!).putOutbox(entry(2))
  await open(device).putOutbox(entry(3))
  expect(await device.unsent()).toEqual(new Map([['conversation/c1', [entry(1), entry(3)]], ['conversation/c2', [entry(2)]]]))
})

describe('stock y-indexeddb', () => {
  const nameOf = async (): Promise<string> => (await generations())[0]!

  it('opens what we wrote and reads the same document', async () => {
    const first = open(tab())
    await first.load()
    await Promise.all([first.append(write('hello')), first.setEpoch('e1', 'owner')])
    await first.close()
    const doc = new Y.Doc()
    const stock = new IndexeddbPersistence(await nameOf(), doc)
    await stock.whenSynced
    expect(doc.getText('body').toString()).toBe('hello')
    expect(await stock.get('epoch')).toBe('e1')
    doc.getText('body').insert(5, ' world')
    await stock.destroy()
    expect(textOf((await open(tab()).load()).updates)).toBe('hello world')
  })

  it('wrote a database that we open, compacted too, and write on', async () => {
    const first = open(tab())
    await first.load()
    await first.close()
    const [name] = await generations()
    indexedDB.deleteDatabase(name!)
    const doc = new Y.Doc()
    const stock = new IndexeddbPersistence(name!, doc)
    await stock.whenSynced
    doc.getText('body').insert(0, 'from stock')
    await stock.destroy()
    const ours = open(tab({ compactAt: 2 }))
    expect(textOf((await ours.load()).updates)).toBe('from stock')
    await ours.append(write('!'))
    await ours.close()
    const again = new Y.Doc()
    const stockAgain = new IndexeddbPersistence(name!, again)
    await stockAgain.whenSynced
    expect(again.getText('body').toString()).toHaveLength(11)
    await stockAgain.destroy()
  })

  it('shares a database with us while both have it open', async () => {
    const ours = open(tab())
    await ours.load()
    const doc = new Y.Doc()
    const stock = new IndexeddbPersistence(await nameOf(), doc)
    await stock.whenSynced
    doc.getArray('items').push(['stock'])
    const mine = new Y.Doc()
    mine.getArray('items').push(['ours'])
    await ours.append(Y.encodeStateAsUpdate(mine))
    await stock.destroy()
    expect(docOf((await ours.load()).updates).getArray('items').toArray().sort()).toEqual(['ours', 'stock'])
  })
})

describe('a request that was let go of', () => {
  it('is not kept again, and every later reader is told so', async () => {
    const store = open(tab())
    await store.load()
    await store.putOutbox(entry(1))
    await store.deleteOutbox(entry(1).id)
    await store.putOutbox(entry(1))
    await store.rebuild('e2', false)
    expect(await open(tab()).load()).toMatchObject({ outbox: [], gone: [entry(1).id] })
  })

  it('is remembered until so many others were', async () => {
    const store = open(tab())
    await store.load()
    for (let i = 0; i <= limits.rememberedGone; i++) void store.deleteOutbox(entry(i).id)
    await store.deleteOutbox(entry(1).id)
    const { gone } = await open(tab()).load()
    expect(gone).toHaveLength(limits.rememberedGone)
    expect(gone).not.toContain(entry(0).id)
    expect(gone!.at(-1)).toBe(entry(1).id)
  })
})

describe('a new generation', () => {
  it('is empty, keeps the outbox, and the old one is removed', async () => {
    const first = open(tab())
    await first.load()
    await Promise.all([first.append(write('old')), first.setEpoch('e1', 'owner'), first.putOutbox(entry(1))])
    const [old] = await generations()
    await first.rebuild('e2', false)
    expect(await first.load()).toMatchObject({ updates: [], epoch: null, role: null, outbox: [entry(1)] })
    await first.append(write('new'))
    await until('the old database is gone', async () => !(await generations()).includes(old!))
    await first.close()
    expect(textOf((await open(tab()).load()).updates)).toBe('new')
  })

  it('leaves the old one where it holds what the server never got', async () => {
    const first = open(tab())
    await first.load()
    await first.append(write('unsent'))
    const [old] = await generations()
    await first.rebuild('e2', true)
    await first.load()
    await first.close()
    await open(tab()).load()
    const kept = await openDB(old!)
    expect(textOf(await kept.getAll('updates') as Uint8Array[])).toBe('unsent')
    kept.close()
  })

  it('is the one that another tab has begun for the same epoch', async () => {
    const tabs = [open(tab()), open(tab())]
    for (const store of tabs) {
      await store.load()
      await store.setEpoch('e1', 'owner')
    }
    await tabs[0]!.rebuild('e2', false)
    await tabs[0]!.load()
    await tabs[0]!.append(write('new'))
    await tabs[1]!.append(write('stale'))
    await tabs[1]!.rebuild('e2', false)
    expect(textOf((await tabs[1]!.load()).updates)).toBe('new')
  })

  it('does not stop another tab from writing into the old one, nor mix with it', async () => {
    const tabs = [open(tab()), open(tab())]
    await Promise.all(tabs.map(store => store.load()))
    await tabs[0]!.rebuild('e2', false)
    await tabs[0]!.load()
    await tabs[1]!.append(write('stale'))
    await tabs[1]!.setEpoch('e1', 'owner')
    expect((await tabs[0]!.load()).updates).toEqual([])
    await Promise.all([tabs[0]!.setEpoch('e2', 'owner'), tabs[0]!.append(write('new'))])
    expect((await open(tab()).load()).epoch).toBe('e2')
    await tabs[1]!.rebuild('e2', false)
    expect(textOf((await tabs[1]!.load()).updates)).toBe('new')
  })
})

describe('a store that fails', () => {
  /** Every write fails like this until the returned function is called. */
  const failWrites = (error: () => DOMException): (() => void) => {
    const { add, put } = IDBObjectStore.prototype
    const fail = () => {
      throw error()
    }
    IDBObjectStore.prototype.add = fail
    IDBObjectStore.prototype.put = fail
    return () => Object.assign(IDBObjectStore.prototype, { add, put })
  }
  const quota = () => new DOMException('full', 'QuotaExceededError')

  it('says so, keeps what it could not write, and writes it in order when there is space again', async () => {
    const store = open(tab())
    await store.load()
    const problems: (string | null)[] = []
    const stop = store.watch(problem => problems.push(problem))
    const heal = failWrites(quota)
    let written = false
    const first = store.append(write('a')).then(() => {
      written = true
    })
    await until('the problem is told', () => problems.length > 0)
    expect(problems[0]).toContain('no space left')
    expect(written).toBe(false)
    heal()
    await store.append(write('b'))
    await first
    expect(problems.at(-1)).toBe(null)
    expect(textOf((await store.load()).updates)).toHaveLength(2)
    stop()
  })

  it('writes a kept request again after a while, by itself', async () => {
    const time = new ManualTime()
    const store = open(tab({ after: time.after }))
    await store.load()
    const problems: (string | null)[] = []
    store.watch(problem => problems.push(problem))
    const heal = failWrites(() => new DOMException('broken', 'UnknownError'))
    const written = store.putOutbox(entry(1))
    await until('the problem is told', () => problems.length > 0)
    expect(problems[0]).toContain('UnknownError')
    heal()
    await time.advance(RETRY_AFTER)
    await written
    expect(problems.at(-1)).toBe(null)
    expect((await store.load()).outbox).toEqual([entry(1)])
  })

  it('changes nothing when a transaction is aborted half way', async () => {
    const store = open(tab())
    await store.load()
    const { add } = IDBObjectStore.prototype
    let adds = 0
    IDBObjectStore.prototype.add = function (...args) {
      const request = add.apply(this, args)
      if (++adds === 2) this.transaction.abort()
      return request
    }
    void store.append(write('a'))
    void store.append(write('b'))
    await until('both were tried', () => adds >= 2)
    IDBObjectStore.prototype.add = add
    await store.append(write('c'))
    expect((await store.load()).updates).toHaveLength(3)
  })

  /** The device holds this, then the page cannot open it; @returns the page's store, once that is possible again */
  const openTooEarly = async (held: string, epoch: string | null, time: ManualTime): Promise<DocumentStore> => {
    const earlier = open(tab())
    await earlier.load()
    if (held !== '') await earlier.append(write(held), true)
    if (epoch !== null) await earlier.setEpoch(epoch, 'owner')
    await earlier.close()
    const real = indexedDB.open
    indexedDB.open = () => {
      throw new DOMException('not here', 'SecurityError')
    }
    try {
      const store = open(tab({ after: time.after }))
      const problems: (string | null)[] = []
      store.watch(problem => problems.push(problem))
      expect(await store.load()).toMatchObject({ updates: [], epoch: null, role: null, outbox: [] })
      expect(problems[0]).toContain('SecurityError')
      return store
    } finally {
      indexedDB.open = real
    }
  }

  it.each([
    ['nothing', '', null, 'e1', 'new'],
    ['what never met a server', 'old ', null, 'e1', 'newold '],
    ['the same lineage', 'old ', 'e1', 'e1', 'newold '],
    ['a lineage, and the page met none', 'old ', 'e1', null, 'newold ']
  ])('that could not be opened is written into when it can be, where it holds %s', async (_what, held, heldEpoch, epoch, expected) => {
    const time = new ManualTime()
    const store = await openTooEarly(held, heldEpoch, time)
    const problems: (string | null)[] = []
    store.watch(problem => problems.push(problem))
    const written = [store.append(write('new'), true), store.putOutbox(entry(1)), ...epoch === null ? [] : [store.setEpoch(epoch, 'owner')]]
    void store.markSaved?.()
    await time.advance(RETRY_AFTER)
    await Promise.all(written)
    expect(problems.at(-1)).toBe(null)
    const found = await open(tab()).load()
    expect([...textOf(found.updates)].sort()).toEqual([...expected].sort())
    expect(found).toMatchObject({ epoch: epoch ?? heldEpoch, outbox: [entry(1)], unsaved: held !== '' })
  })

  it('that could not be opened and holds another lineage is left as at a new beginning: nothing is mixed, nothing is lost', async () => {
    const time = new ManualTime()
    const store = await openTooEarly('of the first', 'e1', time)
    const written = [store.append(write('of the second'), true), store.setEpoch('e2', 'owner')]
    await time.advance(RETRY_AFTER)
    await Promise.all(written)
    const later = open(tab())
    expect(textOf((await later.load()).updates)).toBe('of the second')
    expect((await later.kept!.list()).map(({ updates }) => textOf(updates))).toEqual(['of the first'])
  })

  it('that could not be opened is not mixed with the lineage of a server that is met after it was written', async () => {
    const store = await openTooEarly('unsent', 'e1', new ManualTime())
    await store.append(write('typed'), true)
    await Promise.all([store.setEpoch('e2', 'owner'), store.append(write('of e2'))])
    await store.close()
    const later = open(tab())
    const { epoch, updates } = await later.load()
    expect(epoch).toBe('e2')
    expect(textOf(updates)).not.toContain('unsent')
    expect((await later.kept!.list()).map(({ updates: kept }) => textOf(kept)).join()).toContain('unsent')
  })

  it('that could not be opened is kept at a new beginning, for nobody knows what it holds', async () => {
    const store = await openTooEarly('unsent', 'e1', new ManualTime())
    await store.rebuild('e2', false)
    await store.close()
    const later = open(tab())
    await later.load()
    expect((await later.kept!.list()).map(({ updates }) => textOf(updates))).toEqual(['unsent'])
  })

  it('that could not be opened and was left does not move the document on once more when it can be opened', async () => {
    const store = await openTooEarly('unsent', 'e1', new ManualTime())
    void store.append(write('of e2'), true)
    void store.setEpoch('e2', 'owner')
    await store.rebuild('e3', true)
    await store.load()
    await Promise.all([store.append(write('of e3'), true), store.setEpoch('e3', 'owner')])
    await store.close()
    const later = open(tab())
    expect(textOf((await later.load()).updates)).toBe('of e3')
  })

  it('that could not be opened is let go of when another tab owns the document since', async () => {
    const time = new ManualTime()
    const earlier = open(tab())
    await earlier.load()
    await earlier.append(write('held'), true)
    await earlier.setEpoch('e1', 'owner')
    await earlier.close()
    const device = tab({ after: time.after })
    const store = open(device)
    const lost: string[] = []
    store.claim!(() => lost.push('first'))
    // The small database opens, that of the document does not.
    const real = indexedDB.open.bind(indexedDB)
    indexedDB.open = (name, version) => {
      if (name.includes(NAME)) throw new DOMException('not here', 'SecurityError')
      return real(name, version)
    }
    await store.load()
    const next = open(tab())
    next.claim!(() => {})
    await next.load()
    Object.assign(indexedDB, { open: real })
    void store.append(write('typed'), true)
    void store.setEpoch('e2', 'owner')
    await until('it hears of it', () => lost.length > 0)
    const closed = await Promise.race([store.close().then(() => 'closed'), new Promise(resolve => setTimeout(resolve, 1000, 'hangs'))])
    expect(closed).toBe('closed')
  })

  it('goes on with an empty generation in memory when a new one cannot be begun, and begins it when there is space again', async () => {
    const time = new ManualTime()
    const store = open(tab({ after: time.after }))
    await store.load()
    await store.append(write('old'))
    const problems: (string | null)[] = []
    store.watch(problem => problems.push(problem))
    const heal = failWrites(quota)
    void store.putOutbox(entry(1))
    await store.rebuild('e2', false)
    expect(problems.at(-1)).toContain('no space left')
    expect(await store.load()).toMatchObject({ updates: [], epoch: null })
    const written = [store.append(write('new')), store.putOutbox(entry(2))]
    expect(textOf((await open(tab()).load()).updates)).toBe('old')
    heal()
    await time.advance(RETRY_AFTER)
    await Promise.all(written)
    expect(problems.at(-1)).toBe(null)
    const stored = await open(tab()).load()
    expect(textOf(stored.updates)).toBe('new')
    expect(stored.outbox.map(({ id }) => id)).toEqual([entry(1).id, entry(2).id])
  })

  it('keeps what was still to be written into the generation that is left, however long that takes', async () => {
    const time = new ManualTime()
    const store = open(tab({ after: time.after }))
    await store.load()
    const heal = failWrites(quota)
    void store.append(write('unsent'), true)
    await store.rebuild('e2', true)
    expect(await store.load()).toMatchObject({ updates: [] })
    heal()
    await time.advance(RETRY_AFTER)
    await until('it is kept', async () => (await open(tab()).kept!.list()).map(({ updates }) => textOf(updates)).join() === 'unsent')
  })
})

describe('the cached list', () => {
  const cache = (device: DeviceStore) => listCache(device.lists, 'conversations', value => typeof value === 'string' ? value : null)

  it('is read back, without what this version does not understand', async () => {
    const device = tab()
    expect(await cache(device).read()).toBe(null)
    await cache(device).write(['a', 'b'])
    expect(await cache(tab()).read()).toEqual(['a', 'b'])
    await device.lists.put('conversations', ['a', 7])
    expect(await cache(device).read()).toEqual(['a'])
  })

  it('is no reason to fail', async () => {
    const broken = { get: async () => { throw new Error('gone') }, put: async () => { throw new Error('gone') } }
    const list = listCache<string>(broken, 'conversations', () => null)
    await list.write(['a'])
    expect(await list.read()).toBe(null)
  })
})
