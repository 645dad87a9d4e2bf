// An identity that is wrapped in another keeps all its methods.
import { expect, test } from 'vitest'
import { parseUserId } from '../../shared/ids.ts'
import { wrapped } from './port.ts'
import type { Identity } from './port.ts'

/** As accounts are: methods of a class, with state of its own. */
class Inner implements Identity {
  readonly #name = 'inner'
  async authenticate() { return { kind: 'user' as const, id: parseUserId(this.#name)!, name: this.#name } }
  async admitGuest() { return null }
  onRevoked() { return () => {} }
  async whatBecameOf() { return this.#name === 'inner' ? 'removed' as const : null }
}

test('what the outer one leaves out is the inner one’s, what it does is its own, and what neither has is absent', async () => {
  const outer = wrapped(new Inner(), { admitGuest: async () => { throw new Error('of the outer one') } })
  expect(await outer.authenticate({ address: '' })).toMatchObject({ name: 'inner' })
  expect(await outer.whatBecameOf?.('', '')).toBe('removed')
  await expect(outer.admitGuest({ address: '' }, false)).rejects.toThrow('of the outer one')
  expect(Object.keys(outer).sort()).toEqual(['admitGuest', 'authenticate', 'onRevoked', 'whatBecameOf'])
})
