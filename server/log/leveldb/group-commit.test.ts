/** The order in which submissions are written, and what each of them hears. */
import { describe, expect, test } from 'vitest'
import { GroupCommit } from './group-commit.ts'
import { LATELY_MS, SPACE_MS } from './pace-of-writes.ts'
import type { Clock } from './group-commit.ts'

/** Of the event loop that a moment may take. */
const TURNS = 4

/** A disk whose writes end when the test says so. */
const createDisk = () => {
  const written: string[][] = []
  const waiting: PromiseWithResolvers<void>[] = []
  const failures: unknown[] = []
  /** Waits for the clock, and until when. */
  const patient: { until: number, go: () => void }[] = []
  let time = 0
  const clock: Clock = {
    now: () => time,
    wait: ms => new Promise(resolve => patient.push({ until: time + ms, go: resolve })),
    turn: () => settle(),
  }
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
      for (let i = 0; i < TURNS; i++) await settle()
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
    const { commits, written, finish, pass } = createDisk()
    for (const operations of [['a'], ['b', 'c'], ['d'], ['e']]) void commits.submit(operations)
    expect(written).toEqual([['a']])
    await finish()
    await pass(1)
    expect(written).toEqual([['a'], ['b', 'c', 'd', 'e']])
  })

  test('waits as many milliseconds after the beginning of a write as submissions were written lately', async () => {
    const { commits, written, finish, pass } = createDisk()
    for (const operations of [['a'], ['b'], ['c']]) void commits.submit(operations)
    await finish()
    await pass(0)
    void commits.submit(['d'])
    await finish()
    expect(written).toEqual([['a']])
    await pass(1)
    expect(written).toEqual([['a'], ['b', 'c', 'd']])
    await finish()
    void commits.submit(['e'])
    await pass(3)
    void commits.submit(['f'])
    expect(written).toHaveLength(2)
    await pass(1)
    expect(written.at(-1)).toEqual(['e', 'f'])
  })

  test('waits for a bounded time, however many write', async () => {
    const { commits, written, finish, pass } = createDisk()
    for (let n = 0; n < 1000; n++) void commits.submit([String(n)])
    await finish()
    await pass(1)
    await finish()
    expect(written).toHaveLength(2)
    void commits.submit(['next'])
    await pass(SPACE_MS - 1)
    expect(written).toHaveLength(2)
    await pass(1)
    expect(written.at(-1)).toEqual(['next'])
  })

  test('who writes after a quiet moment never waits, nor does who only waits for others', async () => {
    const { commits, written, finish, pass } = createDisk()
    const { entries, note } = createJournal()
    for (const operations of [['a'], ['b'], ['c']]) void commits.submit(operations)
    await finish()
    await pass(1)
    await finish()
    note('barrier', commits.submit([]))
    await pass(0)
    expect(entries).toEqual(['barrier'])
    for (const name of ['d', 'e', 'f']) {
      await pass(SPACE_MS)
      const submitted = commits.submit([name])
      expect(written.at(-1)).toEqual([name])
      await finish()
      await submitted
    }
  })

  test('after a wait that gathered nobody, nobody waits for a while', async () => {
    const { commits, written, finish, pass } = createDisk()
    void commits.submit(['a'])
    await finish()
    void commits.submit(['b'])
    expect(written).toHaveLength(1)
    await pass(1)
    expect(written).toHaveLength(2)
    for (let n = 0; n < 10; n++) {
      await finish()
      void commits.submit([String(n)])
      expect(written).toHaveLength(3 + n)
    }
    await finish()
    await pass(LATELY_MS - 1)
    for (const name of ['c', 'd']) {
      void commits.submit([name])
      expect(written.at(-1)).toEqual([name])
      await finish()
    }
    await pass(1)
    void commits.submit(['e'])
    expect(written.at(-1)).toEqual(['d'])
  })

  test('what is to be done before a write is done at once where that may begin now', () => {
    const { commits } = createDisk()
    const done: string[] = []
    commits.beforeWrite(() => done.push('a'))
    expect(done).toEqual(['a'])
  })

  test('what is to be done before a write is done when it may begin, and what it submits, by promise too, is in it', async () => {
    const { commits, written, finish, pass } = createDisk()
    for (const operations of [['a'], ['b'], ['c']]) void commits.submit(operations)
    await finish()
    await pass(1)
    await finish()
    const done: string[] = []
    const write = (name: string) => (): void => {
      done.push(name)
      void (async () => {
        // As many steps as somebody may take who waits for nothing.
        for (let step = 0; step < 20; step++) await Promise.resolve()
        void commits.submit([name])
      })()
    }
    commits.beforeWrite(write('d'))
    commits.beforeWrite(write('e'))
    void commits.submit(['f'])
    await pass(2)
    expect(done).toEqual([])
    await pass(1)
    expect(done).toEqual(['d', 'e'])
    expect(written.at(-1)).toEqual(['f', 'd', 'e'])
  })

  test('what becomes one submission counts as often as somebody asked for it: the wait was not in vain, and the next one is longer', async () => {
    const { commits, written, finish, pass } = createDisk()
    const ask = (name: string, others: number): void => {
      commits.beforeWrite(() => void commits.submit([name]))
      for (let i = 0; i < others; i++) commits.beforeWrite(() => {})
    }
    for (const operations of [['a'], ['b'], ['c']]) void commits.submit(operations)
    await finish()
    await pass(1)
    await finish()
    ask('d', 4)
    await pass(3)
    expect(written.at(-1)).toEqual(['d'])
    await finish()
    ask('e', 0)
    await pass(7)
    expect(written.at(-1)).toEqual(['d'])
    await pass(1)
    expect(written.at(-1)).toEqual(['e'])
  })

  test('what is to be done before a write does not wait for a slow one to end', async () => {
    const { commits, pass } = createDisk()
    const done: string[] = []
    void commits.submit(['a'])
    commits.beforeWrite(() => done.push('b'))
    await pass(1)
    expect(done).toEqual(['b'])
  })

  test('a write begins although there is always something left to be done before the next one', async () => {
    const { commits, written, finish, pass } = createDisk()
    for (const operations of [['a'], ['b'], ['c']]) void commits.submit(operations)
    await finish()
    await pass(1)
    await finish()
    let done = 0
    const goOn = (): void => {
      done++
      void commits.submit([`more ${done}`])
      // As somebody's who writes on, whenever the event loop goes round.
      void Promise.resolve().then(() => commits.beforeWrite(goOn))
    }
    commits.beforeWrite(goOn)
    for (let ms = 0; ms < 5 * SPACE_MS && written.length < 3; ms++) await pass(1)
    expect(written).toHaveLength(3)
    const before = done
    await finish()
    await pass(SPACE_MS)
    expect(done).toBeGreaterThan(before)
  })

  test('resolves no submission before the write that carries it has ended', async () => {
    const { commits, finish, pass } = createDisk()
    const { entries, note } = createJournal()
    for (const name of ['a', 'b', 'c']) note(name, commits.submit([name]))
    await new Promise(resolve => setImmediate(resolve))
    expect(entries).toEqual([])
    await finish()
    expect(entries).toEqual(['a'])
    await pass(1)
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
    const { commits, written, fail, finish, pass } = createDisk()
    const { entries, note } = createJournal()
    note('a', commits.submit(['a']))
    await fail('disk full')
    note('b', commits.submit(['b']))
    await pass(1)
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
