/** A link for a device is too old after some minutes, at whichever step it is, and goes from the store. */
import { randomFillSync } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDeviceLinks } from './device-links.ts'
import { deviceLimits } from '../../../shared/limits.ts'
import { userId } from '../../../test/contract/samples.ts'
import { LevelDbWorld } from '../../../test/rig/leveldb-world.ts'

const ann = { id: userId('ann'), kind: 'user' as const, name: 'Ann' }
const LASTS = deviceLimits.linkSeconds * 1000
let world: LevelDbWorld
let now = 1_000_000

beforeEach(async () => { world = await LevelDbWorld.create() })
afterEach(() => world.dispose())

const open = async () => {
  const { store } = await world.open()
  return { store, links: openDeviceLinks({ store, now: () => now, random: bytes => randomFillSync(bytes) }) }
}

test.each(['ask', 'answer', 'collect'] as const)('at the step "%s"', async step => {
  const { links } = await open()
  const { code, link } = await links.create(ann)
  if (step === 'ask') {
    now += LASTS
    return expect(await links.ask(code, '')).toBeNull()
  }
  const { claim } = (await links.ask(code, ''))!
  if (step === 'collect') expect(await links.answer(link.id, ann, true)).toBe(true)
  now += LASTS
  if (step === 'answer') expect(await links.answer(link.id, ann, true)).toBe(false)
  expect(await links.collect(claim)).toBeNull()
})

test('what is stored of it opens nothing, and goes with the next one', async () => {
  const { links, store } = await open()
  const { code } = await links.create(ann)
  const { claim } = (await links.ask(code, ''))!
  const stored = async () => (await store.entries([{ gte: ['skein', 'device-link'], lte: ['skein', 'device-link', 0xffffffff] }]))[0]!
  const text = (await stored()).map(([key, value]) => JSON.stringify(key) + new TextDecoder().decode(value)).join()
  for (const secret of [code, claim.split('.')[1]!]) expect(text).not.toContain(secret)
  now += 2 * LASTS
  await links.create(ann)
  expect(await stored()).toHaveLength(1)
})
