/** Opening a data folder, and what a store knows of its past: generations, commit numbers, formats, new epochs. */
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { codeOf } from '../../../test/contract/code-of.ts'
import { bytes, documentName, record } from '../../../test/contract/samples.ts'
import { LevelDbWorld } from '../../../test/rig/leveldb-world.ts'
import { fromJson, toJson } from '../store-port.ts'
import type { Operation } from '../store-port.ts'
import { KEPT } from './commits.ts'
import { DataFolderError } from './data-folder-error.ts'
import type { DataFolderProblem } from './data-folder-error.ts'
import { FORMAT, cleanKey, commitKey, commitRange, damageRange, formatKey, generationKey, headKey } from './keys.ts'
import type { LevelDbLog } from './leveldb-log.ts'
import { seal, unseal } from './seal.ts'
import { Store } from './store.ts'
import type { StoreOptions } from './store-options.ts'

const put = (key: string, value: number): Operation => ({ type: 'put', key: ['test', key], value: new Uint8Array([value]) })

let world: LevelDbWorld
beforeEach(async () => { world = await LevelDbWorld.create() })
afterEach(() => world.dispose())

describe('opening a data folder', () => {
  const problemOf = async (path: string): Promise<DataFolderProblem | 'opened'> => {
    try {
      await (await Store.open({ path, durability: 'fsync' })).close()
      return 'opened'
    } catch (error) {
      if (!(error instanceof DataFolderError)) throw error
      expect(error.message).toContain(path)
      expect(error.message).not.toContain('\n')
      return error.problem
    }
  }

  test('makes folders that are missing', async () => {
    expect(await problemOf(join(world.path, 'deep', 'er'))).toBe('opened')
  })

  test('that another one has open says so', async () => {
    await world.open()
    expect(await problemOf(world.path)).toBe('in-use')
  })

  test('that is a file, or lies below one, says so', async () => {
    await mkdir(world.path)
    await writeFile(join(world.path, 'file'), '')
    expect(await problemOf(join(world.path, 'file'))).toBe('not-a-folder')
    expect(await problemOf(join(world.path, 'file', 'below'))).toBe('not-a-folder')
  })

  test.skipIf(process.platform !== 'linux')('that cannot be written says so', async () => {
    expect(await problemOf('/sys/skein')).toBe('not-writable')
  })

  test('that a newer Skein wrote is refused and left as it was', async () => {
    await (await world.open()).close()
    await world.raw(database => database.put(formatKey, toJson(FORMAT + 1)))
    const before = await world.raw(database => database.iterator().all())
    expect(await problemOf(world.path)).toBe('newer-format')
    expect(await world.raw(database => database.iterator().all())).toEqual(before)
  })

  test('whose index is lost says so', async () => {
    await (await world.open()).close()
    await writeFile(join(world.path, 'CURRENT'), 'nonsense')
    expect(await problemOf(world.path)).toBe('unreadable')
  })
})

describe('generations', () => {
  const stored = (): Promise<[number, boolean]> => world.raw(async (database) => {
    const generation = await database.get(generationKey)
    return [fromJson<number>(unseal(generationKey, generation!)!), await database.get(cleanKey) !== undefined]
  })

  test('the note of an orderly stop is there only while nobody has the folder open', async () => {
    const log = await world.open()
    expect(await log.store.get(cleanKey)).toBeUndefined()
    await log.close()
    expect(await stored()).toEqual([1, true])
  })

  test('a generation is on the disk before the log that has it is handed out', async () => {
    await world.open()
    await world.crash()
    const log = await world.open()
    await world.crash()
    expect(await stored()).toEqual([log.generation, false])
  })

  test('without room for the note of an orderly stop, the next start takes a new one', async () => {
    const log = await world.open()
    world.failNext('before')
    await log.close()
    expect((await world.open()).generation).toBe(2)
  })
})

describe('commit numbers', () => {
  const commits = (): Promise<number[]> => world.raw(async database => (await database.keys(commitRange).all()).map(key => Number(key[2])))
  const found = (log: LevelDbLog): Promise<string[]> =>
    log.store.intactEntries(damageRange).then(entries => entries.map(([, what]) => fromJson<string>(what)))

  test('follow one another over batches, failures and restarts', async () => {
    const log = await world.open()
    for (let n = 0; n < 3; n++) await log.store.commit([put('x', n)])
    world.failNext('before')
    expect(await codeOf(log.store.commit([put('x', 9)]))).toBe('not-saved')
    await log.store.commit([put('x', 9)])
    world.failNext('after')
    expect(await codeOf(log.store.commit([put('x', 10)]))).toBe('not-saved')
    await log.store.commit([put('x', 11)])
    await log.close()
    expect(await found(await world.open())).toEqual([])
    await world.crash()
    const numbers = await commits()
    expect(numbers).toEqual(numbers.map((_, i) => i + 1))
  })

  test('are kept for the newest batches only', async () => {
    const log = await world.open()
    for (let n = 0; n < KEPT + 50; n++) await log.store.commit([put('x', 1)])
    await log.close()
    const numbers = await commits()
    expect(numbers).toHaveLength(KEPT)
    expect(numbers.at(-1)! - numbers[0]!).toBe(KEPT - 1)
    expect(await found(await world.open())).toEqual([])
  })

  test('that are missing are named, once and for all', async () => {
    const log = await world.open()
    for (let n = 0; n < 9; n++) await log.store.commit([put('x', n)])
    await log.close()
    await world.raw(database => database.batch([2, 5, 6].map(commit => ({ type: 'del', key: commitKey(commit) }))))
    for (let start = 0; start < 2; start++) {
      const reopened = await world.open()
      expect(await found(reopened)).toEqual([
        'batch 2 is missing: what it held is lost, also where no document shows a gap',
        'batches 5 to 6 are missing: what they held is lost, also where no document shows a gap',
      ])
      await reopened.close()
    }
  })

  test('know the generation when its own key is lost', async () => {
    await world.open()
    await world.crash()
    await (await world.open()).close()
    await world.raw(database => database.batch([{ type: 'del', key: generationKey }, { type: 'del', key: cleanKey }]))
    expect((await world.open()).generation).toBe(3)
  })

  test('when they are lost too, the next generation is higher than any that was in use', async () => {
    await (await world.open()).close()
    await world.raw(async (database) => {
      await database.clear(commitRange)
      await database.put(generationKey, Buffer.from([1, 2, 3]))
    })
    const store = await Store.open({ path: world.path, durability: 'fsync', now: () => 1_800_000_000_000 })
    expect(store.generation).toBeGreaterThanOrEqual(1_800_000_000_000)
    await store.close()
  })
})

test('a store of format 1 is taken over: its values are read, and the ends of its documents are known from then on', async () => {
  const [a, b] = [documentName('a'), documentName('b')]
  const log = await world.open()
  for (let n = 0; n < 3; n++) await log.append(a, record(bytes(n)))
  await log.append(b, record(bytes(0)))
  await log.close()
  await world.raw(async (database) => {
    await database.clear(commitRange)
    await database.batch([
      { type: 'put', key: formatKey, value: toJson(1) }, { type: 'put', key: generationKey, value: toJson(1) },
      { type: 'del', key: headKey(a) }, { type: 'del', key: headKey(b) },
    ])
  })
  const taken = await world.open()
  expect(taken.generation).toBe(1)
  expect((await taken.read(a))?.updates).toEqual([bytes(0), bytes(1), bytes(2)])
  await taken.close()
  expect(await world.raw(database => database.getMany([formatKey, headKey(a), headKey(b)])))
    .toEqual([toJson(FORMAT), seal(headKey(a), toJson(2)), seal(headKey(b), toJson(0))])
})

describe('new epochs', () => {
  const since = async (options: Partial<StoreOptions> = {}, end: 'crash' | 'close' = 'close'): Promise<[newEpochsSince: number, generation: number]> => {
    const store = await Store.open({ path: world.path, durability: 'fsync', leap: () => 0, ...options })
    const result: [number, number] = [store.newEpochsSince, store.generation]
    if (end === 'crash') await world.copy()
    await store.close()
    return result
  }

  test('never have to begin after orderly stops, nor after any stop with fsync', async () => {
    for (const durability of ['os', 'fsync'] as const) expect(await since({ durability })).toEqual([0, 1])
    await since({}, 'crash')
    expect(await since()).toEqual([0, 2])
  })

  test('begin after an unclean stop without fsync, whatever the next start is told, and once only', async () => {
    await since({ durability: 'os' }, 'crash')
    expect(await since()).toEqual([2, 2])
    expect(await since({ durability: 'os' })).toEqual([2, 2])
  })

  test('begin when the caller asks for it, but not in an empty folder', async () => {
    expect(await since({ beginNewEpochs: true })).toEqual([0, 1])
    expect(await since({ beginNewEpochs: true })).toEqual([2, 2])
    expect(await since()).toEqual([2, 2])
  })

  test('begin under a generation of their own each time, though one backup is restored again and again', async () => {
    await since()
    const restored = async (name: string): Promise<number> => {
      await cp(world.path, `${world.path}-${name}`, { recursive: true })
      const store = await Store.open({ path: `${world.path}-${name}`, durability: 'fsync', beginNewEpochs: true })
      await store.close()
      await rm(`${world.path}-${name}`, { recursive: true })
      expect(store.newEpochsSince).toBe(store.generation)
      return store.generation
    }
    expect(await restored('first')).not.toBe(await restored('second'))
  })
})

describe('reading a range', () => {
  test('gives all of it, however many entries, or as many as are asked for, from either end', async () => {
    const { store } = await world.open()
    const key = (n: number): string => String(n).padStart(5, '0')
    const range = { gte: ['test', key(0)], lte: ['test', key(99_999)] }
    for (const count of [1, 15, 16, 17, 1015, 1016, 1017, 2500]) {
      await store.commit(Array.from({ length: count }, (_, n) => put(key(n), n & 255)))
      const numbers = Array.from({ length: count }, (_, n) => key(n))
      const [entries] = await store.entries([range])
      expect(entries!.map(([[, n]]) => n)).toEqual(numbers)
      expect(entries!.map(([, [value]]) => value)).toEqual(numbers.map(n => Number(n) & 255))
      expect((await store.keys(range)).map(([, n]) => n)).toEqual(numbers)
      expect((await store.keys(range, { limit: 17, reverse: true })).map(([, n]) => n)).toEqual(numbers.slice(-17).reverse())
    }
    expect((await store.getMany([['test', key(0)], ['test', 'none']])).map(value => value?.[0])).toEqual([0, undefined])
  })
})
