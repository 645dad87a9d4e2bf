/** Writes to the store go in order, together, and again when they failed. */
import { describe, expect, it } from 'vitest'
import { WriteQueue } from './write-queue.ts'

/** A place that can be made to fail, and a timer that is wound by hand. */
const setUp = () => {
  const batches: string[][] = []
  const problems: unknown[] = []
  const timers: (() => void)[] = []
  const place = { error: null as Error | null }
  const queue = new WriteQueue<string>({
    write: async items => {
      if (place.error) throw place.error
      batches.push([...items])
    },
    onProblem: error => problems.push(error),
    after: (_milliseconds, task) => {
      timers.push(task)
      return () => timers.splice(timers.indexOf(task), 1)
    }
  })
  return { queue, batches, problems, timers, place }
}

describe('the write queue', () => {
  it('writes what one tick pushes as one batch, in order', async () => {
    const { queue, batches } = setUp()
    await Promise.all([queue.push('a'), queue.push('b'), queue.push('c')])
    expect(batches).toEqual([['a', 'b', 'c']])
  })

  it('puts what is pushed during a write into the next batch', async () => {
    const { queue, batches } = setUp()
    await queue.push('a').then(() => queue.push('b'))
    expect(batches).toEqual([['a'], ['b']])
  })

  it('keeps what failed and writes it first with the next push', async () => {
    const { queue, batches, problems, place } = setUp()
    place.error = new Error('disk full')
    const first = queue.push('a')
    await queue.flush()
    expect(problems.at(-1)).toBe(place.error)
    place.error = null
    await Promise.all([first, queue.push('b')])
    expect(batches).toEqual([['a', 'b']])
    expect(problems.at(-1)).toBe(null)
  })

  it('tries again by itself after a while', async () => {
    const { queue, batches, place, timers } = setUp()
    place.error = new Error('busy')
    const first = queue.push('a')
    await queue.flush()
    expect(timers).toHaveLength(1)
    place.error = null
    timers[0]!()
    await first
    expect(batches).toEqual([['a']])
  })

  it('stops trying when it is closed, after one last attempt', async () => {
    const { queue, batches, place, timers } = setUp()
    place.error = new Error('gone')
    void queue.push('a')
    await queue.close()
    expect(batches).toEqual([])
    expect(timers).toHaveLength(0)
  })
})
