/** The order in which submissions are written, and what each of them hears. */
import { describe, expect, test } from 'vitest'
import { GATHER_MS, GroupCommit } from './group-commit.ts'
import type { Clock } from './group-commit.ts'

/** A disk whose writes end when the test says so. */
const createDisk = () => {
  const written: string[][] = []
  const waiting: PromiseWithResolvers<void>[] = []
  const failures: unknown[] = []
  /** Waits for the clock, and until when. */
  const patient: { until: number, go: () => void }[] = []
  let time = 0
  const clock: Clock = { now: () => time, wait: ms => new Promise(resolve => patient.push({ until: time + ms, go: resolve })) }
  const commits = new GroupCommit<string>((operations) => {
    written.push(operations)
    const end = Promise.withResolvers<void>()
    waiting.push(end)
    return end.promise
  }, cause => failures.push(cause), clock)
  const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
  return {
    commits,
    written,
    failures,
    /** Lets time pass. */
    pass: async (ms: number): Promise<void> => {
      time += ms
      while (patient[0] && patient[0].until <= time) patient.shift()!.go()
      await settle()
    },
    finish: async (): Promise<void> => {
      waiting.shift()?.resolve()
      await settle()
    },
    fail: async (cause: unknown): Promise<void> => {
      waiting.shift()?.reject(cause)
      await settle()
    },
  }
}

/** Collects in which order promises end, and how. */
const createJournal = () => {
  const entries: string[] = []
  return {
    entries,
    note: (name: string, promise: Promise<void>): void => {
      promise.then(() => entries.push(name), (cause: unknown) => entries.push(`${name}: ${String(cause)}`))
    },
  }
}

describe('group commit', () => {
  test('writes at once when nothing is in flight', () => {
    const { commits, written } = createDisk()
    void commits.submit(['a'])
    expect(written).toEqual([['a']])
  })

  test('gathers all that comes while a write is in flight into the next one, in order', async () => {
    const { commits, written, finish } = createDisk()
    for (const operations of [['a'], ['b', 'c'], ['d'], ['e']]) void commits.submit(operations)
    expect(written).toEqual([['a']])
    await finish()
    expect(written).toEqual([['a'], ['b', 'c', 'd', 'e']])
  })

  test('gathers for some milliseconds, from the beginning of a write that several shared, before it writes again', async () => {
    const { commits, written, finish, pass } = createDisk()
    for (const operations of [['a'], ['b'], ['c']]) void commits.submit(operations)
    await finish()
    void commits.submit(['d'])
    await pass(1)
    await finish()
    expect(written).toEqual([['a'], ['b', 'c']])
    await pass(GATHER_MS - 2)
    void commits.submit(['e'])
    expect(written).toEqual([['a'], ['b', 'c']])
    await pass(1)
    expect(written).toEqual([['a'], ['b', 'c'], ['d', 'e']])
  })

  test('who writes alone never waits, nor does who only waits for others', async () => {
    const { commits, written, finish, pass } = createDisk()
    const { entries, note } = createJournal()
    for (const operations of [['a'], ['b'], ['c']]) void commits.submit(operations)
    await finish()
    await finish()
    note('barrier', commits.submit([]))
    await pass(0)
    expect(entries).toEqual(['barrier'])
    await pass(GATHER_MS)
    for (const name of ['d', 'e', 'f']) {
      const submitted = commits.submit([name])
      expect(written.at(-1)).toEqual([name])
      await finish()
      await submitted
    }
  })

  test('resolves no submission before the write that carries it has ended', async () => {
    const { commits, finish } = createDisk()
    const { entries, note } = createJournal()
    for (const name of ['a', 'b', 'c']) note(name, commits.submit([name]))
    await new Promise(resolve => setImmediate(resolve))
    expect(entries).toEqual([])
    await finish()
    expect(entries).toEqual(['a'])
    await finish()
    expect(entries).toEqual(['a', 'b', 'c'])
  })

  test('an empty submission is a barrier: it waits for those before it and writes nothing', async () => {
    const { commits, written, finish } = createDisk()
    const { entries, note } = createJournal()
    note('a', commits.submit(['a']))
    note('barrier', commits.submit([]))
    await finish()
    expect(entries).toEqual(['a', 'barrier'])
    expect(written).toEqual([['a']])
  })

  test('a failed write rejects its group and everything behind it, and writes nothing of those', async () => {
    const { commits, written, fail } = createDisk()
    const { entries, note } = createJournal()
    for (const name of ['a', 'b', 'c']) note(name, commits.submit([name]))
    await fail('disk full')
    expect(entries).toEqual(['a: disk full', 'b: disk full', 'c: disk full'])
    expect(written).toEqual([['a']])
  })

  test('tells its owner of a failure before it tells any submission', async () => {
    const disk = createDisk()
    const seen: number[] = []
    disk.commits.submit(['a']).catch(() => seen.push(disk.failures.length))
    await disk.fail('disk full')
    expect(seen).toEqual([1])
  })

  test('goes on with what comes after a failure', async () => {
    const { commits, written, fail, finish } = createDisk()
    const { entries, note } = createJournal()
    note('a', commits.submit(['a']))
    await fail('disk full')
    note('b', commits.submit(['b']))
    await finish()
    expect(entries).toEqual(['a: disk full', 'b'])
    expect(written).toEqual([['a'], ['b']])
  })

  test('a write that throws at once fails like any other', async () => {
    const commits = new GroupCommit<string>(() => { throw new Error('no disk') }, () => undefined)
    await expect(commits.submit(['a'])).rejects.toThrow('no disk')
    await expect(commits.submit(['b'])).rejects.toThrow('no disk')
  })
})
