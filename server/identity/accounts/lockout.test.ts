/** How often passwords may be tried, on a clock of our own; over HTTP it stands in the tests of accounts. */
import { expect, test } from 'vitest'
import { accountLimits as limits } from '../../../shared/limits.ts'
import { createLockout } from './lockout.ts'
import type { Admission } from './lockout.ts'

const START = Date.UTC(2026, 10, 1)

const begin = () => {
  const clock = { now: START }
  const lockout = createLockout(() => clock.now)
  const waitOf = (admission: Admission): number => 'waitSeconds' in admission ? admission.waitSeconds : 0
  return { clock, admit: lockout, wait: (account: string, address: string) => waitOf(lockout(account, address)) }
}

test('a few wrong passwords are free, each further one doubles the wait, up to the longest', () => {
  const { clock, wait } = begin()
  for (let i = 0; i < limits.freeAttempts; i++) expect(wait('ada', '192.0.2.7')).toBe(0)
  const waits = [30, 60, 120, 240, 480, 900, 900]
  for (const seconds of waits) {
    expect(wait('ada', '192.0.2.7')).toBe(seconds)
    clock.now += seconds * 1000
    expect(wait('ada', '192.0.2.7')).toBe(0)
  }
})

test('the right one makes the account forget, and somebody elsewhere never had to wait', () => {
  const { clock, wait, admit } = begin()
  for (let i = 0; i < limits.freeAttempts; i++) wait('ada', '192.0.2.7')
  expect(wait('ada', '192.0.2.7')).toBeGreaterThan(0)
  expect(wait('ada', '192.0.2.8')).toBe(0)
  clock.now += limits.firstLockSeconds * 1000
  const right = admit('ada', '192.0.2.7')
  if ('attempt' in right) right.attempt.succeeded()
  for (let i = 0; i < limits.freeAttempts; i++) expect(wait('ada', '192.0.2.7')).toBe(0)
})

test.each([
  ['one address', (_: number) => '192.0.2.7', '192.0.2.8'],
  ['64 bits of addresses of one caller', (i: number) => `2001:db8:1:2::${i.toString(16)}`, '2001:db8:1:3::1'],
])('%s tries only so many passwords in an hour, whatever accounts they are of', (_, address, another) => {
  const { clock, wait } = begin()
  for (let i = 0; i < limits.failedSignInsPerAddressPerHour; i++) expect(wait(`person ${i}`, address(i))).toBe(0)
  expect(wait('one more', address(0))).toBe(3600)
  expect(wait('one more', another)).toBe(0)
  clock.now += 3_600_000
  expect(wait('one more', address(0))).toBe(0)
})

test('one account is tried only so often an hour from the addresses that one customer has, whichever of them it is', () => {
  const { clock, wait, admit } = begin()
  const address = (i: number): string => `2001:db8:1:${i.toString(16)}::1`
  const most = limits.failedSignInsPerAccountPerNetworkPerHour
  const right = admit('ada', address(0))
  if ('attempt' in right) right.attempt.succeeded()
  for (let i = 0; i < most; i++) expect(wait('ada', address(i))).toBe(0)
  expect(wait('ada', address(most))).toBe(3600)
  expect(wait('ben', address(most))).toBe(0)
  expect(wait('ada', '2001:db8:2:1::1')).toBe(0)
  clock.now += 3_600_000
  expect(wait('ada', address(most))).toBe(0)
})
