/** What is stored sealed: it opens with the secret and its purpose, and with nothing else. */
import { randomFillSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RandomBytes } from '../../shared/ids.ts'
import { Vault, VaultError } from './vault.ts'

const random: RandomBytes = target => randomFillSync(target)
const secretOf = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const KEY = 'sk-provider-key'
const adas = { purpose: 'provider key', owner: 'ada' }
const vault = new Vault([secretOf(1)], random)

test('what is sealed opens again, and shows nothing', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => {
    const place = { purpose: 'p', owner: text }
    expect(vault.open(vault.seal(text, place), place)).toBe(text)
  }))
  expect(vault.seal(KEY, adas)).not.toContain(KEY)
  expect(vault.seal(KEY, adas)).not.toBe(vault.seal(KEY, adas))
})

describe('nothing else opens it', () => {
  const sealed = vault.seal(KEY, adas)

  test('not another secret', () => expect(() => new Vault([secretOf(2)], random).open(sealed, adas)).toThrow(/a secret that this server does not have/))

  test.each([
    { ...adas, owner: 'bob' }, { ...adas, purpose: 'webhook' }, { purpose: 'provider key","ada', owner: '' }, { purpose: 'provider', owner: 'key ada' },
  ])('not in the place %j', place => expect(() => vault.open(sealed, place)).toThrow(VaultError))

  test('not with any byte of it flipped, left out or added', () => {
    const [version, id, ...parts] = sealed.split('.')
    const bytes = parts.map(part => Buffer.from(part, 'base64url'))
    const textOf = (part: number, changed: Uint8Array): string =>
      [version, id, ...bytes.map((each, i) => Buffer.from(i === part ? changed : each).toString('base64url'))].join('.')
    expect(vault.open(textOf(0, bytes[0]!), adas)).toBe(KEY)
    for (const [part, whole] of bytes.entries()) {
      for (let i = 0; i < whole.length; i++) {
        const flipped = whole.with(i, whole[i]! ^ 1)
        for (const changed of [flipped, whole.subarray(0, i), Buffer.concat([whole.subarray(0, i), Buffer.of(0), whole.subarray(i)])]) {
          expect(() => vault.open(textOf(part, changed), adas)).toThrow(VaultError)
        }
      }
    }
    expect(() => vault.open(sealed.replace('v1', 'v2'), adas)).toThrow(VaultError)
    expect(() => vault.open('', adas)).toThrow(VaultError)
  })

  test('and what is said of it repeats nothing', () => {
    const said = (() => {
      try {
        return vault.open(`${sealed}AAAA`, adas)
      } catch (error) {
        return String(error)
      }
    })()
    expect(said).not.toContain(KEY)
    expect(said).not.toContain(sealed.split('.')[3]!)
  })
})

test('after a rotation old values open, are sealed anew, and then do without the old secret', () => {
  const sealed = vault.seal(KEY, adas)
  const rotated = new Vault([secretOf(2), secretOf(1)], random)
  expect(rotated.open(sealed, adas)).toBe(KEY)
  const anew = rotated.reseal(sealed, adas)!
  expect(rotated.reseal(anew, adas)).toBeNull()
  expect(new Vault([secretOf(2)], random).open(anew, adas)).toBe(KEY)
  expect(() => vault.open(anew, adas)).toThrow(VaultError)
})
