/** What people made beside their identity goes with them. */
import { randomFillSync } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { LevelDbWorld } from '../../test/rig/leveldb-world.ts'
import type { UserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import { createNoIdentity } from './none.ts'
import type { Identity, Revocation } from './port.ts'
import { withTokens } from './with-tokens.ts'

test('tokens and bots of who leaves are gone before the rest of them is, whether or not that tells of it', async () => {
  const world = await LevelDbWorld.create()
  onTestFinished(() => world.dispose())
  const { store } = await world.open()
  const [ada, bob] = ['ada', 'bob'].map(id => ({ kind: 'user', id: id as UserId, name: id }) as const) as [Principal, Principal]
  const left: (readonly unknown[])[] = []
  const people: Identity = {
    ...createNoIdentity(),
    leaving: {
      forget: async () => void left.push(await tokens.listOf([ada.id]), await bots.listOf([ada.id])),
    } as never,
  }
  const { identity, tokens, bots } = withTokens({
    people, store, secret: new Uint8Array(32), random: target => randomFillSync(target), now: () => 1,
    onRefused: () => {}, onError: () => {},
  })
  const told: Revocation[] = []
  identity.onRevoked(gone => told.push(gone))
  const bot = await bots.register([ada.id], { name: 'Deploys', description: '' })
  const { token, secret } = await tokens.create(ada, { name: 'a script', scopes: { read: true, actAs: [bot.id as never] } })
  const others = await tokens.create(bob, { name: 'a script', scopes: { read: true } })
  await identity.leaving!.forget(ada.id, [ada.id])
  expect([left, told]).toEqual([[[], []], [{ credential: `token-${token.id}` }]])
  const who = async (given: string) => (await identity.authenticate({ authorization: `Bearer ${given}`, address: '' }))?.id
  expect([await who(secret), await who(others.secret)]).toEqual([undefined, bob.id])
})
