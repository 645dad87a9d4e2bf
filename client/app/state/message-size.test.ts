/** By how much a text is too long to be sent. */
import { expect, test } from 'vitest'
import { bytesOverLimit } from './message-size.ts'

test('a text that fits is not over the limit', () => {
  expect(bytesOverLimit('hello')).toBe(0)
  expect(bytesOverLimit('x'.repeat(900), 1000)).toBe(0)
})

test('a text that does not fit is over by its bytes, not its letters', () => {
  expect(bytesOverLimit('x'.repeat(2000), 1000)).toBeGreaterThan(1000)
  expect(bytesOverLimit('水'.repeat(400), 1000)).toBeGreaterThan(200)
})
