import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { serverLimits } from '../../shared/limits.ts'
import { RateLimited, RateLimits, RateTable } from './rate-limits.ts'

const START = Date.UTC(2026, 10, 1)

describe('one caller', () => {
  test('may spend a minute at once, and then as it comes back', () => {
    let now = START
    const table = new RateTable(60, () => now)
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
      const table = new RateTable(perMinute, () => now)
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
        expect(admitted).toBeLessThanOrEqual(perMinute * (1 + (now - START) / 60_000) + 1e-6)
      }
    }))
  })
})

describe('the limits of a server', () => {
  const limits = {
    ...serverLimits, readsPerMinutePerAddress: 3, writesPerMinutePerAddress: 2, signInsPerMinutePerAddress: 1,
    newGuestsPerMinutePerAddress: 1, readsPerMinutePerPerson: 2, writesPerMinutePerPerson: 1, credentialsPerMinutePerPerson: 1,
  }
  const create = () => new RateLimits(limits, () => START)

  test.each([['read', 3], ['write', 2], ['credential', 2], ['signIn', 1], ['newGuest', 1]] as const)('an address may %s %d times', (kind, times) => {
    const rates = create()
    for (let i = 0; i < times; i++) rates.admitAddress(kind, '192.0.2.7')
    expect(() => rates.admitAddress(kind, '192.0.2.7')).toThrow(RateLimited)
    expect(() => rates.admitAddress(kind, '192.0.2.8')).not.toThrow()
  })

  test.each([['read', 2], ['write', 1], ['credential', 1]] as const)('a person may %s %d times', (kind, times) => {
    const rates = create()
    for (let i = 0; i < times; i++) rates.admitPerson(kind, 'ada')
    expect(() => rates.admitPerson(kind, 'ada')).toThrow(RateLimited)
    expect(() => rates.admitPerson(kind, 'bob')).not.toThrow()
  })

  test('who has 64 bits of addresses for themselves is one caller', () => {
    const rates = create()
    rates.admitAddress('signIn', '2001:db8:1:2::1')
    expect(() => rates.admitAddress('signIn', '2001:db8:1:2:ffff::2')).toThrow(RateLimited)
    expect(() => rates.admitAddress('signIn', '2001:db8:1:3::1')).not.toThrow()
  })

  test('who is refused is told whole seconds', () => {
    const rates = create()
    rates.admitAddress('signIn', 'a')
    expect(() => rates.admitAddress('signIn', 'a')).toThrow(expect.objectContaining({ code: 'rate-limited', retryAfter: 60 }))
  })
})
