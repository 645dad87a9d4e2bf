/** Stock y-indexeddb and our store open the same databases. */
import 'fake-indexeddb/auto'
import { describe, expect, it } from 'vitest'
import { IndexeddbPersistence } from 'y-indexeddb'
import * as Y from 'yjs'
import { deviceForEachTest, docOf, textOf, write } from '../rig/device-of-test.ts'

const { generations, open, tab } = deviceForEachTest()

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
