/** A device that was told to forget somebody does so, also when its page died before it could. */
import { expect, test } from 'vitest'
import { pageStorage } from '../../../test/rig/page-storage.ts'
import { OwedClears } from './owed-clears.ts'

test('what a page that died was to remove is owed to the next one, until it is removed', () => {
  const storage = pageStorage()
  new OwedClears(storage).note('ada', 'asked')
  new OwedClears(storage).note('ada', 'done')
  const next = new OwedClears(storage)
  expect(next.owed('guest')).toEqual(['ada'])
  next.forget('ada')
  expect(next.owed('guest')).toEqual([])
})

test('who signs out and keeps what is here has decided that, in every tab, until they are back', () => {
  const storage = pageStorage()
  new OwedClears(storage).note('ada', 'kept')
  const other = new OwedClears(storage)
  expect([other.decided('ada'), other.has('ada'), other.owed('guest'), other.decided('ada')]).toEqual([true, false, [], true])
  expect([other.owed('ada'), other.decided('ada')]).toEqual([[], false])
})

test('who is still signed in had only asked: nothing of theirs is removed, now or later', () => {
  const storage = pageStorage()
  new OwedClears(storage).note('ada', 'asked')
  const next = new OwedClears(storage)
  expect(next.owed('ada')).toEqual([])
  expect(next.owed('guest')).toEqual([])
})
