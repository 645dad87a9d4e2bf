/** A device whose storage fails: full, aborting, or not to be opened. */
import 'fake-indexeddb/auto'
import { describe, expect, it } from 'vitest'
import { RETRY_AFTER } from './write-queue.ts'
import type { DocumentStore } from '../port.ts'
import { deviceForEachTest, entry, NAME, textOf, write } from '../../../test/rig/device-of-test.ts'
import { ManualTime } from '../../../test/rig/manual-time.ts'
import { until } from '../../../test/rig/until.ts'

const { open, tab } = deviceForEachTest()

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
