/** What a store does when its disk refuses a write. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { codeOf } from '../../../test/contract/code-of.ts'
import { bytes, documentName, record } from '../../../test/contract/samples.ts'
import { LevelDbWorld } from '../../../test/rig/leveldb-world.ts'
import { under } from '../store-port.ts'
import type { Operation } from '../store-port.ts'
import { generationKey } from './keys.ts'
import type { Store } from './store.ts'

const put = (key: string, value: number): Operation => ({ type: 'put', key: ['test', key], value: new Uint8Array([value]) })

let world: LevelDbWorld
beforeEach(async () => { world = await LevelDbWorld.create() })
afterEach(() => world.dispose())

describe('a failing disk', () => {
  const broken = async (): Promise<void> => { throw new Error('no space left on device') }

  /** Fails one write, and the attempt to mend it too. */
  const breakStore = async (store: Store): Promise<void> => {
    world.onWrite = broken
    for (let i = 0; i < 3; i++) expect(await codeOf(store.commit([put('x', 2)]))).toBe('not-saved')
  }
  const mendDisk = (): void => { world.onWrite = write => write() }

  test('answers not-saved for as long as it fails, and is mended by the first write after that', async () => {
    const { store } = await world.open()
    await store.commit([put('x', 1)])
    await breakStore(store)
    mendDisk()
    expect(await codeOf(store.commit([put('x', 3)]))).toBe('not-saved')
    await store.commit([put('x', 4)])
    expect(await store.get(['test', 'x'])).toEqual(Buffer.from([4]))
    expect(store.generation).toBe(2)
  })

  test('can be read while it fails, and what was read then has to be read again before it is written to', async () => {
    const name = documentName('a')
    const log = await world.open()
    await log.append(name, record(bytes(0)))
    await breakStore(log.store)
    expect((await log.read(name))?.updates).toEqual([bytes(0)])
    expect(log.generation).toBe(1)
    mendDisk()
    expect(await codeOf(log.append(name, record(bytes(1))))).toBe('not-saved')
    expect(await codeOf(log.append(name, record(bytes(1))))).toBe('not-saved')
    expect((await log.read(name))?.updates).toEqual([bytes(0)])
    expect(log.generation).toBe(2)
    expect(await log.append(name, record(bytes(1)))).toBe(1)
  })

  test('is not forgotten by an orderly stop: the next start takes a new generation', async () => {
    const log = await world.open()
    await breakStore(log.store)
    mendDisk()
    await log.close()
    expect((await world.open()).generation).toBe(2)
  })

  test('gives the cause along', async () => {
    const { store } = await world.open()
    world.onWrite = broken
    await expect(store.commit([put('x', 1)])).rejects.toMatchObject({ code: 'not-saved', cause: { message: 'no space left on device' } })
  })

  test('what was made in an earlier term is not written in a later one', async () => {
    const { store } = await world.open()
    const { term } = store
    world.failNext('before')
    expect(await codeOf(store.commit([put('x', 1)]))).toBe('not-saved')
    expect(await codeOf(store.commit([put('x', 2)], term))).toBe('not-saved')
    expect(await store.get(['test', 'x'])).toBeUndefined()
  })

  test('reads that are under way when it is opened again are answered', async () => {
    // So many that they are still being read when the database is closed.
    const COUNT = 30_000
    const { store } = await world.open()
    await store.commit(Array.from({ length: COUNT }, (_, n) => put(String(n), n & 255)))
    const reads = Array.from({ length: 5 }, () => store.keys(under('test')))
    world.failNext('before')
    expect(await codeOf(store.commit([put('new', 0)]))).toBe('not-saved')
    const found = await Promise.all(reads)
    expect(found.map(keys => keys.length)).toEqual(reads.map(() => COUNT))
  })

  test('a close while it fails gives the folder free', async () => {
    const log = await world.open()
    world.onWrite = broken
    const appended = codeOf(log.append(documentName('a'), record(bytes(0))))
    await log.close()
    expect(await appended).toBe('not-saved')
    mendDisk()
    expect((await world.open()).generation).toBe(2)
  })

  test('after a failed write nothing is written before the new generation', async () => {
    const { store } = await world.open()
    const written: Operation[][] = []
    world.failNext('before')
    expect(await codeOf(store.commit([put('x', 1)]))).toBe('not-saved')
    world.onWrite = async (write, _database, operations) => {
      written.push(operations)
      await write()
    }
    await store.commit([put('x', 2)])
    const first = written.map(([operation]) => operation?.key)
    expect(first).toEqual([generationKey, ['test', 'x']])
    expect(store.generation).toBe(2)
  })
})
