/** What was used lately is remembered, in bounded memory. */
import { expect, test } from 'vitest'
import { RecentMap } from './recent-map.ts'

test('a million keys take no more places than it has, and what is used is not forgotten', () => {
  const map = new RecentMap<number>(1000)
  map.set('busy', -1)
  for (let i = 0; i < 1_000_000; i++) {
    map.set(`key-${i}`, i)
    if (i % 100 === 0) map.set('busy', map.get('busy')!)
  }
  expect(map.size).toBeLessThanOrEqual(1000)
  expect(map.get('busy')).toBe(-1)
  for (let i = 999_999; i > 999_500; i--) expect(map.get(`key-${i}`)).toBe(i)
  expect(map.get('key-0')).toBeUndefined()
})

test('a key has its latest value', () => {
  const map = new RecentMap<number>(2)
  map.set('a', 1)
  map.set('b', 2)
  map.set('a', 3)
  expect([map.get('a'), map.get('b'), map.size]).toEqual([3, 2, 2])
})

test('values that weigh more take more of it, and one that is too heavy is not remembered', () => {
  const map = new RecentMap<number>(10, value => value)
  map.set('a', 3)
  map.set('a', 1)
  map.set('b', 4)
  expect([map.get('a'), map.get('b')]).toEqual([1, 4])
  map.set('c', 5)
  map.set('d', 1)
  expect(['a', 'b', 'c', 'd'].map(key => map.get(key))).toEqual([undefined, undefined, 5, 1])
  map.set('d', 6)
  expect([map.get('c'), map.get('d')]).toEqual([5, undefined])
})
