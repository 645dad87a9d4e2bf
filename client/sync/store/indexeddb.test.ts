/** Documents in IndexedDB: what one tab or several write is read back, and compacted. */
import 'fake-indexeddb/auto'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { conversationName } from '../../../shared/ids.ts'
import { limits } from '../../../shared/limits.ts'
import { deviceForEachTest, docOf, entry, textOf, write } from '../../../test/rig/device-of-test.ts'

const { open, tab } = deviceForEachTest()

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
    expect(await open(tab({ userId: 'somebody-else' })).load()).toMatchObject({ updates: [], outbox: [] })
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
