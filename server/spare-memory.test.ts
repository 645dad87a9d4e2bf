/** When memory is given back: after a busy time, when little is to be done for what it brings, and not over and over. */
import { beforeEach, describe, expect, it } from 'vitest'
import { ManualTime } from '../test/rig/manual-time.ts'
import { LARGE_HEAP, LOOK_MS, REST_MS, giveSpareMemoryBack } from './spare-memory.ts'

const MEGABYTE = 1024 * 1024

let time: ManualTime
/** Resident megabytes, and what is left of them after a collection. */
let [resident, needed, heap] = [0, 0, 0]
let cpu = 0
let collections = 0

beforeEach(() => {
  time = new ManualTime();
  [resident, needed, heap, cpu, collections] = [150, 100, 30, 0, 0]
})

const start = (): (() => void) => giveSpareMemoryBack({
  after: time.after,
  cpu: () => cpu,
  memory: () => ({ resident: resident * MEGABYTE, heap: heap * MEGABYTE }),
  collect: () => {
    collections++
    resident = needed
  },
})

describe('memory that is not needed any more', () => {
  it('goes back when there is nothing to do, and once', async () => {
    start()
    await time.advance(10 * LOOK_MS)
    expect(collections).toBe(1)
    resident = 109
    await time.advance(10 * LOOK_MS)
    expect(collections).toBe(1)
    resident = 111
    await time.advance(LOOK_MS)
    expect(collections).toBe(2)
  })

  /** @param share of a core that is in use meanwhile */
  const busy = async (share: number, duration: number): Promise<void> => {
    for (let passed = 0; passed < duration; passed += LOOK_MS) {
      cpu += share * LOOK_MS
      await time.advance(LOOK_MS)
    }
  }

  it('stays while more is going on than it is worth', async () => {
    start()
    await busy(0.3, 20 * LOOK_MS)
    expect(collections).toBe(0)
    await time.advance(LOOK_MS)
    expect(collections).toBe(1)
  })

  it('goes back beside the more that is going on the more there is of it', async () => {
    start()
    await busy(0, LOOK_MS)
    resident = 130
    await busy(0.07, 2 * REST_MS)
    expect(collections).toBe(1)
    await busy(0.05, LOOK_MS)
    expect(collections).toBe(2)
    resident = 500
    await busy(0.21, 2 * REST_MS)
    expect(collections).toBe(2)
    await busy(0.19, LOOK_MS)
    expect(collections).toBe(3)
  })

  it('holds people up once a minute at most', async () => {
    start()
    await busy(0.15, LOOK_MS)
    resident = 300
    await busy(0.15, REST_MS - LOOK_MS)
    expect(collections).toBe(1)
    await busy(0.15, LOOK_MS)
    expect(collections).toBe(2)
    resident = 300
    await busy(0.01, LOOK_MS)
    expect(collections).toBe(3)
  })

  it('goes back where the heap is large of garbage', async () => {
    start()
    await busy(0.5, LOOK_MS)
    heap = 2 * LARGE_HEAP / MEGABYTE
    await busy(0.5, LOOK_MS)
    await busy(0, LOOK_MS)
    expect(collections).toBe(1)
    // All of it was in use.
    resident = 300
    await busy(0, 2 * REST_MS)
    expect(collections).toBe(1)
  })

  it('stays where so much is in use that everybody would wait for it', async () => {
    start()
    heap = LARGE_HEAP / MEGABYTE
    await time.advance(10 * LOOK_MS)
    expect(collections).toBe(0)
  })

  it('is not looked for after the end', async () => {
    start()()
    await time.advance(10 * LOOK_MS)
    expect([collections, time.pending]).toEqual([0, 0])
  })
})
