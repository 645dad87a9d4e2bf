/** How often one caller may come, and who counts as one caller. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RateTable, limitKey, networkKey } from './rate-table.ts'

const START = Date.UTC(2026, 10, 1)
const MINUTE = 60_000

describe('one caller', () => {
  test('may spend a minute at once, and then as it comes back', () => {
    let now = START
    const table = new RateTable(60, MINUTE, () => now)
    expect(Array.from({ length: 60 }, () => table.spend('a'))).toEqual(Array(60).fill(0))
    expect(table.spend('a')).toBe(1000)
    now += 999
    expect(table.spend('a')).toBe(1)
    now += 1
    expect(table.spend('a')).toBe(0)
    expect(table.spend('a')).toBe(1000)
    expect(table.spend('b')).toBe(0)
  })

  test('has never had more than a burst and its share, and who comes when told is let in', () => {
    const gapsBetween = fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 300 })
    fc.assert(fc.property(fc.integer({ min: 1, max: 500 }), gapsBetween, (perMinute, gaps) => {
      let now = START
      const table = new RateTable(perMinute, MINUTE, () => now)
      let admitted = 0
      for (const gap of gaps) {
        now += gap
        const wait = table.spend('a')
        if (wait === 0) admitted++
        else if (gap % 7 === 0) {
          now += Math.ceil(wait)
          expect(table.spend('a')).toBe(0)
          admitted++
        }
        expect(admitted).toBeLessThanOrEqual(perMinute * (1 + (now - START) / MINUTE) + 1e-6)
      }
    }))
  })
})

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:db8::9', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['1::', '1:0:0:0::/64'],
  ['unknown', 'unknown'],
])('limits count %s as %s', (address, key) => expect(limitKey(address)).toBe(key))

test.each([['192.0.2.7', null], ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'], ['2001:db8::9', '2001:db8:0::/48'], ['unknown', null]])(
  'one customer may have all that is with %s: %s', (address, key) => expect(networkKey(address)).toBe(key))
