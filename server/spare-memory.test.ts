/** When memory is given back: after a busy time, when nothing is to be done, and not over and over. */
import { beforeEach, describe, expect, it } from 'vitest'
import { ManualTime } from '../test/rig/manual-time.ts'
import { LARGE_HEAP, LOOK_MS, giveSpareMemoryBack } from './spare-memory.ts'

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

  it('stays while there is something to do', async () => {
    start()
    for (let n = 0; n < 20; n++) {
      cpu += LOOK_MS / 10
      await time.advance(LOOK_MS)
    }
    expect(collections).toBe(0)
    await time.advance(LOOK_MS)
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
