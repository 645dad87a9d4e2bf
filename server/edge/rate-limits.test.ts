/** How often an address and a person may call, and what they are told past that. */
import { describe, expect, test } from 'vitest'
import { serverLimits } from '../../shared/limits.ts'
import { RateLimited, RateLimits } from './rate-limits.ts'

const START = Date.UTC(2026, 10, 1)

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
