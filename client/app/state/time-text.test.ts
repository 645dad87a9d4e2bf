/** Times as a person reads them. */
import { expect, test } from 'vitest'
import { clockTime, relativeTime, wasWrittenOffline } from './time-text.ts'

const at = (text: string) => new Date(text).getTime()
const now = at('2026-11-20T15:30:00')

test('the age of a conversation is told in the largest unit that fits', () => {
  expect(relativeTime(now - 20_000, now, 'en-GB')).toBe('now')
  expect(relativeTime(now - 5 * 60_000, now, 'en-GB')).toBe('5 min')
  expect(relativeTime(at('2026-11-20T12:10:00'), now, 'en-GB')).toBe('3 h')
  expect(relativeTime(at('2026-11-19T23:59:00'), now, 'en-GB')).toBe('Yesterday')
  expect(relativeTime(at('2026-11-16T09:00:00'), now, 'en-GB')).toBe('Mon')
  expect(relativeTime(at('2026-03-12T09:00:00'), now, 'en-GB')).toBe('12 Mar')
  expect(relativeTime(at('2025-03-12T09:00:00'), now, 'en-GB')).toBe('12 Mar 2025')
})

test('a clock that runs ahead says now, not a negative age', () => {
  expect(relativeTime(now + 90_000, now, 'en-GB')).toBe('now')
})

test('a message of today has a time, an older one a date too', () => {
  expect(clockTime(at('2026-11-20T09:05:00'), now, 'en-GB')).toBe('09:05')
  expect(clockTime(at('2026-11-18T09:05:00'), now, 'en-GB')).toMatch(/18 Nov.*09:05/)
})

test('a message counts as written offline when it was accepted more than a minute later', () => {
  expect(wasWrittenOffline(now, now + 5_000)).toBe(false)
  expect(wasWrittenOffline(now, now + 120_000)).toBe(true)
})
