/** What a person is told of a connection that is gone, and when. */
import { expect, test } from 'vitest'
import { connectionNotice, nextNoticeIn } from './connection-notice.ts'

test('a short break is not mentioned, a longer one calmly, of a lasting one it is said that the server cannot be reached', () => {
  const facts = { online: false, networkUp: true }
  expect(connectionNotice({ ...facts, downFor: 300 })).toBe('none')
  expect(connectionNotice({ ...facts, downFor: 2_000 })).toBe('reconnecting')
  expect(connectionNotice({ ...facts, downFor: 10_000 })).toBe('unreachable')
})

test('without a network the person is offline at once', () => {
  expect(connectionNotice({ online: true, networkUp: false, downFor: 0 })).toBe('offline')
})

test('following the announced waits passes through every notice and ends', () => {
  let downFor = 0
  const seen: string[] = []
  for (let wait: number | null = 0; wait !== null; wait = nextNoticeIn({ online: false, networkUp: true, downFor })) {
    downFor += wait
    seen.push(connectionNotice({ online: false, networkUp: true, downFor }))
  }
  expect(seen).toEqual(['none', 'reconnecting', 'unreachable'])
})
