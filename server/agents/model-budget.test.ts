/** Replies of language models that people have in a day, counted in LevelDB. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AgentWorld } from '../../test/rig/agent-world.ts'
import { settle } from '../../test/rig/manual-time.ts'
import { ScriptedAgent } from '../../test/rig/scripted-agent.ts'
import { openLevelDbLog } from '../log/leveldb/leveldb-log.ts'
import type { LevelDbLog } from '../log/leveldb/leveldb-log.ts'
import { openLevelDbCounts } from './adapters/leveldb-counts.ts'
import { createModelBudget, sayWhatIsSpent } from './model-budget.ts'

const limits = { repliesPerDayPerGuest: 1, repliesPerDayPerPerson: 2, repliesPerDayOfGuests: 2, repliesPerDay: 4 }
const NOON = Date.UTC(2026, 10, 21, 12)
const DAY_MS = 24 * 60 * 60 * 1000

let folder: string
let log: LevelDbLog
const open = async (): Promise<void> => {
  log = await openLevelDbLog({ path: join(folder, 'log'), durability: 'fsync' })
}
const budget = () => createModelBudget(openLevelDbCounts(log.store), limits)
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skein-budget-'))
  await open()
})
afterEach(async () => {
  await log.close()
  await rm(folder, { recursive: true })
})

describe('replies of language models', () => {
  it('are counted per guest, per person, and all together, until midnight', async () => {
    const { spend } = budget()
    expect(await spend('guest-1', NOON)).toBeNull()
    expect(await spend('guest-1', NOON)).toEqual({ whose: 'guest', againInMs: DAY_MS / 2 })
    expect(await spend('ann', NOON)).toBeNull()
    expect(await spend('ann', NOON)).toBeNull()
    expect(await spend('ann', NOON)).toEqual({ whose: 'person', againInMs: DAY_MS / 2 })
    expect(await spend('bob', NOON)).toBeNull()
    expect(await spend('bob', NOON)).toEqual({ whose: 'server', againInMs: DAY_MS / 2 })
    expect(await spend('bob', NOON + DAY_MS)).toBeNull()
    expect(await spend('guest-1', NOON + DAY_MS)).toBeNull()
  })

  it('of all guests together are bounded, and what these spent is no one else\'s loss beyond that', async () => {
    const { spend } = budget()
    expect([await spend('guest-1', NOON), await spend('guest-2', NOON)]).toEqual([null, null])
    expect(await spend('guest-3', NOON)).toEqual({ whose: 'guests', againInMs: DAY_MS / 2 })
    // Nobody is a guest because of what their name begins with.
    expect([await spend('ann', NOON), await spend('guestbook', NOON)]).toEqual([null, null])
    expect(await spend('guest-3', NOON + DAY_MS)).toBeNull()
  })

  it('are counted once each, however many are asked for at the same moment', async () => {
    const { spend } = budget()
    const spent = await Promise.all(Array.from({ length: 10 }, () => spend('ann', NOON)))
    expect(spent.filter(each => each === null)).toHaveLength(2)
  })

  it('that are refused take nothing from any share', async () => {
    const counts = openLevelDbCounts(log.store)
    const { spend } = createModelBudget(counts, { ...limits, repliesPerDay: 1 })
    await spend('ann', NOON)
    expect(await spend('bob', NOON)).toMatchObject({ whose: 'server' })
    expect(await spend('guest-1', NOON)).toMatchObject({ whose: 'server' })
    const day = Math.floor(NOON / DAY_MS)
    expect(await Promise.all(['ann', 'bob', 'guest-1', 'all guests', 'the server'].map(name => counts.read(day, name)))).toEqual([1, 0, 0, 0, 1])
  })

  it('are remembered over a restart, and those of other days are forgotten', async () => {
    await budget().spend('guest-1', NOON)
    await log.close()
    await open()
    expect(await budget().spend('guest-1', NOON)).toMatchObject({ whose: 'guest' })
    expect(await budget().spend('ann', NOON)).toBeNull()
    expect(await budget().spend('guest-1', NOON)).toMatchObject({ whose: 'guest' })
    await budget().spend('guest-2', NOON + DAY_MS)
    expect(await log.store.keys({ gte: ['skein', 'model-replies'], lte: ['skein', 'model-replies', 0xffffffff] })).toHaveLength(3)
  })

  it('that are used up are said to be, with when there are new ones', () => {
    expect(sayWhatIsSpent({ whose: 'guest', againInMs: 90 * 60 * 1000 })).toMatch(/a guest may ask for in a day.* in 2 hours\.$/)
    expect(sayWhatIsSpent({ whose: 'guests', againInMs: 1000 })).toMatch(/to guests in a day.*sign in/)
    expect(sayWhatIsSpent({ whose: 'server', againInMs: 1000 })).toMatch(/^This server .* in an hour\.$/)
  })
})

describe('a run of a language model', () => {
  const model = (): ScriptedAgent => Object.assign(new ScriptedAgent(), { isLanguageModel: true })

  it('ends with the reason, without the model being asked, when the share is used up', async () => {
    const agent = model()
    const world = await AgentWorld.start([agent], { budget: { spend: async () => ({ whose: 'person', againInMs: 1000 }) } })
    await world.say('Hello')
    await settle()
    expect(agent.replies).toEqual([])
    const error = { code: 'budget-spent', message: expect.stringContaining('try again') as string }
    expect(world.replies).toMatchObject([{ metadata: { status: 'error', error } }])
  })

  it('is counted when it begins, and not again after a crash', async () => {
    let spent = 0
    const counting = { spend: async () => (spent++, null) }
    const before = await AgentWorld.start([model()], { budget: counting })
    await before.say('Hello')
    const after = before.log.afterCrash()
    const agent = model()
    await AgentWorld.start([agent], { log: after, budget: counting })
    await settle()
    expect(agent.replies).toHaveLength(1)
    expect(spent).toBe(1)
  })

  it('of which nobody pays is not counted', async () => {
    const agent = new ScriptedAgent()
    const world = await AgentWorld.start([agent], { budget: { spend: async () => ({ whose: 'server', againInMs: 1000 }) } })
    await world.say('Hello')
    expect(agent.replies).toHaveLength(1)
  })
})
