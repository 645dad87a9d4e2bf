/** A device that was told to forget somebody does so, also when its page died before it could. */
import { expect, test } from 'vitest'
import { OwedClears } from './owed-clears.ts'

const memory = (): Storage => Object.create({
  setItem(this: Record<string, string>, key: string, value: string) { this[key] = value },
  removeItem(this: Record<string, string>, key: string) { delete this[key] },
}) as Storage

test('what a page that died was to remove is owed to the next one, until it is removed', () => {
  const storage = memory()
  new OwedClears(storage).note('ada', 'asked')
  new OwedClears(storage).note('ada', 'done')
  const next = new OwedClears(storage)
  expect(next.owed('guest')).toEqual(['ada'])
  next.forget('ada')
  expect(next.owed('guest')).toEqual([])
})

test('who is still signed in had only asked: nothing of theirs is removed, now or later', () => {
  const storage = memory()
  new OwedClears(storage).note('ada', 'asked')
  const next = new OwedClears(storage)
  expect(next.owed('ada')).toEqual([])
  expect(next.owed('guest')).toEqual([])
})
