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

test('who is still signed in had only asked: nothing of theirs is removed, now or later', () => {
  const storage = pageStorage()
  new OwedClears(storage).note('ada', 'asked')
  const next = new OwedClears(storage)
  expect(next.owed('ada')).toEqual([])
  expect(next.owed('guest')).toEqual([])
})
