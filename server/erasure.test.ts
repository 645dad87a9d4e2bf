/** What a deletion left on the disk is erased, tried again until it is. */
import { expect, it } from 'vitest'
import { createErasure, ERASE_AGAIN_MS } from './erasure.ts'
import { conversationName } from '../shared/ids.ts'
import { SkeinError } from '../shared/errors.ts'
import { ManualTime } from '../test/rig/manual-time.ts'
import { MemoryDirectory } from '../test/rig/memory-directory.ts'

const name = conversationName('c1')!

it('is tried again until it is done where the disk fails, and no more after the end', async () => {
  const time = new ManualTime()
  const directory = new MemoryDirectory()
  await directory.create(name, { kind: 'user', id: 'ada' as never, name: 'Ada' }, 1)
  await directory.remove(name, 2)
  let [failures, tried] = [2, 0]
  const rooms = {
    erase: () => {
      tried++
      return failures-- > 0 ? Promise.reject(new SkeinError('not-saved')) : Promise.resolve()
    }
  }
  const driver = { abandon: () => Promise.resolve() }
  const make = () => createErasure({ driver, rooms, directory, timers: time, logger: { error: () => {} } })
  await expect(make().erase(name)).rejects.toThrow(SkeinError)
  await time.advance(ERASE_AGAIN_MS)
  expect([tried, await directory.toErase()]).toEqual([2, [name]])
  await time.advance(ERASE_AGAIN_MS)
  expect([tried, await directory.toErase()]).toEqual([3, []])
  failures = 1
  const closed = make()
  await expect(closed.erase(name)).rejects.toThrow(SkeinError)
  closed.close()
  await time.advance(ERASE_AGAIN_MS)
  expect(tried).toBe(4)
})
