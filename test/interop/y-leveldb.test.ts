/** Stock y-leveldb and our log on the same data folder, one after the other: neither loses or destroys what the other wrote. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LeveldbPersistence } from 'y-leveldb'
import * as Y from 'yjs'
import type { DocumentName } from '../../shared/ids.ts'
import { documentName, record, requestId, runId, userId } from '../contract/samples.ts'
import { LevelDbWorld } from '../rig/leveldb-world.ts'
import { isPart } from '../../server/log/leveldb/keys.ts'
import type { LevelDbLog } from '../../server/log/leveldb/leveldb-log.ts'
import type { LogRecord } from '../../server/log/port.ts'
import { loadSizes, sliceUpdate } from '../../server/room/slice-update.ts'

const a = documentName('a')

/** A document that is typed into, one update per word. */
const createTyping = () => {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', update => updates.push(update))
  return {
    doc,
    type: (word: string): Uint8Array => {
      doc.getText('t').insert(doc.getText('t').length, word)
      return updates.at(-1)!
    },
  }
}

const textOf = (doc: Y.Doc): string => doc.getText('t').toJSON()

const textOfUpdates = (updates: readonly Uint8Array[]): string => {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return textOf(doc)
}

describe('stock y-leveldb', () => {
  let world: LevelDbWorld
  beforeEach(async () => { world = await LevelDbWorld.create() })
  afterEach(() => world.dispose())

  const withOurs = async <T>(work: (log: LevelDbLog) => Promise<T>): Promise<T> => {
    const log = await world.open()
    try {
      return await work(log)
    } finally {
      await log.close()
    }
  }
  const withStock = async <T>(work: (stock: LeveldbPersistence) => Promise<T>): Promise<T> => {
    const stock = new LeveldbPersistence(world.path)
    try {
      return await work(stock)
    } finally {
      await stock.destroy()
    }
  }
  const append = (log: LevelDbLog, doc: Y.Doc, update: Uint8Array, name: DocumentName = a): Promise<number> =>
    log.append(name, record(update, { ...besides, stateVector: () => Y.encodeStateVector(doc) }))

  const besides: Partial<LogRecord> = {
    events: [{ type: 'meta.set', key: 'title', actor: 'anna', at: 1 }],
    ledger: [{ requestId: requestId(1), outcome: { status: 'accepted' }, principal: userId('anna'), at: 1 }],
    bindings: [{ clientId: 2 ** 50, owner: userId('anna') }],
    lineage: { epoch: 'e', ids: { generation: 1, message: 1, transient: 2 }, earlier: [], retired: [] },
    summary: { title: 'T', preview: '', messageCount: 0, updatedAt: 0 },
    openedRuns: [runId(1)],
  }

  test('reads a store of ours: documents, text, state vector and difference', async () => {
    const { doc, type } = createTyping()
    const b = documentName('b')
    await withOurs(async (log) => {
      for (const word of ['one ', 'two ', 'three']) await append(log, doc, type(word))
      await append(log, new Y.Doc(), Y.encodeStateAsUpdate(new Y.Doc()), b)
    })
    await withStock(async (stock) => {
      expect(await stock.getAllDocNames()).toEqual([a, b])
      expect(textOf(await stock.getYDoc(a))).toBe('one two three')
      expect(await stock.getDiff(a, Y.encodeStateVector(doc))).toEqual(Y.encodeStateAsUpdate(doc, Y.encodeStateVector(doc)))
      expect(Y.decodeStateVector(await stock.getStateVector(a))).toEqual(Y.decodeStateVector(Y.encodeStateVector(doc)))
    })
  })

  test('reads a store that we compacted, and uses the state vector that we wrote', async () => {
    const { doc, type } = createTyping()
    await withOurs(async (log) => {
      for (const word of ['one ', 'two ', 'three']) await append(log, doc, type(word))
      await log.compact(a, { update: Y.encodeStateAsUpdate(doc), stateVector: Y.encodeStateVector(doc), upTo: 2 })
    })
    await withStock(async (stock) => {
      expect(await stock.getStateVector(a)).toEqual(Y.encodeStateVector(doc))
      expect(textOf(await stock.getYDoc(a))).toBe('one two three')
    })
    // It had no reason to flush, so our snapshot is still the only record and lies where it lay.
    await withOurs(async log => expect(await log.read(a)).toMatchObject({ head: 2, updates: [Y.encodeStateAsUpdate(doc)] }))
  })

  test.each(['whole', 'cut short'])('reads a snapshot of ours that lies in parts (%s), and what it makes of it is read by us', async (how) => {
    const { doc, type } = createTyping()
    await withOurs(async (log) => {
      for (let n = 0; n < 50; n++) await append(log, doc, type(`word ${n} `))
      const parts = sliceUpdate(Y.encodeStateAsUpdate(doc), { ...loadSizes, bytes: 60 })
      const [update = new Uint8Array(), ...rest] = [...parts].filter(part => part !== undefined)
      expect(rest.length).toBeGreaterThan(5)
      if (how === 'cut short') world.failOn(4)
      const compacted = log.compact(a, { update, rest, stateVector: Y.encodeStateVector(doc), upTo: 49 })
      expect(await compacted.then(() => 'whole', () => 'cut short')).toBe(how)
      await log.read(a)
      await append(log, doc, type('and on '))
    })
    await withStock(async (stock) => {
      expect(textOf(await stock.getYDoc(a))).toBe(textOf(doc))
      await stock.flushDocument(a)
      await stock.storeUpdate(a, type('theirs'))
    })
    await withOurs(async (log) => {
      expect(textOfUpdates((await log.read(a))?.updates ?? [])).toBe(textOf(doc))
      await log.compact(a, { update: Y.encodeStateAsUpdate(doc), stateVector: Y.encodeStateVector(doc), upTo: (await log.read(a))!.head })
    })
    expect((await world.rawKeys()).filter(key => isPart(key) && key[0] === 'v1')).toEqual([])
  })

  test('reads on after we compacted and appended more', async () => {
    const { doc, type } = createTyping()
    await withOurs(async (log) => {
      for (const word of ['one ', 'two ']) await append(log, doc, type(word))
      await log.compact(a, { update: Y.encodeStateAsUpdate(doc), stateVector: Y.encodeStateVector(doc), upTo: 1 })
      await append(log, doc, type('three'))
    })
    await withStock(async stock => expect(textOf(await stock.getYDoc(a))).toBe('one two three'))
  })

  test.each(['flushed', 'not flushed'])('wrote a store (%s): we read it, append to it, and it reads ours again', async (how) => {
    const { doc, type } = createTyping()
    await withStock(async (stock) => {
      for (const word of ['one ', 'two ', 'three ']) await stock.storeUpdate(a, type(word))
      await stock.setMeta(a, 'colour', 'blue')
      if (how === 'flushed') await stock.flushDocument(a)
      if (how === 'flushed') await stock.storeUpdate(a, type('four '))
    })
    await withOurs(async (log) => {
      expect(await log.list('')).toEqual([a])
      const stored = await log.read(a)
      expect(stored).toMatchObject({ lineage: null, bindings: [], openRuns: [] })
      expect(textOfUpdates(stored?.updates ?? [])).toBe(textOf(doc))
      expect(await append(log, doc, type('ours '))).toBe(stored!.head + 1)
      expect(textOfUpdates((await log.read(a))?.updates ?? [])).toBe(textOf(doc))
    })
    await withStock(async (stock) => {
      expect(textOf(await stock.getYDoc(a))).toBe(textOf(doc))
      await stock.storeUpdate(a, type('theirs'))
      expect(await stock.getMeta(a, 'colour')).toBe('blue')
    })
    await withOurs(async log => expect(textOfUpdates((await log.read(a))?.updates ?? [])).toBe(textOf(doc)))
  })

  test('flushes a store of ours: we read on, and our next compaction removes the checksums that it left', async () => {
    const { doc, type } = createTyping()
    await withOurs(async (log) => {
      for (const word of ['one ', 'two ', 'three ']) await append(log, doc, type(word))
    })
    await withStock(stock => stock.flushDocument(a))
    await withOurs(async (log) => {
      expect(await log.read(a)).toMatchObject({ head: 3, openRuns: [runId(1)] })
      expect(await append(log, doc, type('four'))).toBe(4)
      await log.compact(a, { update: Y.encodeStateAsUpdate(doc), stateVector: Y.encodeStateVector(doc), upTo: 4 })
    })
    expect((await world.rawKeys()).filter(key => key[0] === 'v1')).toEqual([['v1', a, 'crc', 4], ['v1', a, 'update', 4]])
    await withStock(async stock => expect(textOf(await stock.getYDoc(a))).toBe('one two three four'))
  })

  test('trims a long document of ours while it reads, and both still read the same', async () => {
    const { doc, type } = createTyping()
    await withOurs(async (log) => {
      await Promise.all(Array.from({ length: 600 }, (_, n) => append(log, doc, type(`${n} `))))
    })
    await withStock(async stock => expect(textOf(await stock.getYDoc(a))).toBe(textOf(doc)))
    await withOurs(async (log) => {
      const stored = await log.read(a)
      expect(stored).toMatchObject({ head: 600 })
      expect(textOfUpdates(stored?.updates ?? [])).toBe(textOf(doc))
    })
  })

  test('clears a document of ours: nothing of it comes back, and it can begin anew', async () => {
    const { doc, type } = createTyping()
    const b = documentName('b')
    await withOurs(async (log) => {
      for (const word of ['one ', 'two ']) await append(log, doc, type(word))
      await append(log, doc, Y.encodeStateAsUpdate(doc), b)
    })
    await withStock(stock => stock.clearDocument(a))
    await withOurs(async (log) => {
      expect(await log.list('')).toEqual([b])
      expect(await log.read(a)).toBeNull()
      expect(await log.events(a, -1, 10)).toEqual([])
      expect((await log.ledger(a, [requestId(1)])).size).toBe(0)
      expect(await log.append(a, record(Y.encodeStateAsUpdate(doc)))).toBe(0)
      expect(await log.read(a)).toMatchObject({ lineage: null, head: 0, bindings: [], openRuns: [] })
      expect(await log.read(b)).toMatchObject({ head: 0, openRuns: [runId(1)] })
    })
  })

  test('does not list what only we know of', async () => {
    await withOurs(async (log) => {
      await log.store.commit([{ type: 'put', key: ['skein', 'directory', a], value: new Uint8Array([1]) }])
    })
    await withStock(async stock => expect(await stock.getAllDocNames()).toEqual([]))
  })
})
