/** A guest becomes a person over a real store whose process dies at each of its writes: nothing is lost, nothing doubled. */
import { randomFillSync } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { setMember } from './directory/membership.ts'
import { createCarryOvers, SETTLED_AFTER_MS } from './carry-over.ts'
import { openLevelDbDirectory } from './directory/leveldb-directory.ts'
import { openLevelDbAliases } from './identity/aliases/leveldb-aliases.ts'
import { membershipsOf } from './room/access.ts'
import type { Principal } from '../shared/principal.ts'
import { documentName, userId } from '../test/contract/samples.ts'
import { LevelDbWorld } from '../test/rig/leveldb-world.ts'
import { ManualTime } from '../test/rig/manual-time.ts'
import { until } from '../test/rig/until.ts'

const [g, ann, ben, cleo] = ['guest-1', 'ann', 'ben', 'cleo'].map(userId) as [never, never, never, never]
const person = (id: never): Principal => ({ kind: 'user', id, name: String(id) })
const [own, both, others] = ['own', 'both', 'others'].map(documentName) as [never, never, never]

let world: LevelDbWorld
beforeEach(async () => { world = await LevelDbWorld.create() })
afterEach(() => world.dispose())

const open = async () => {
  const { store } = await world.open()
  const time = new ManualTime()
  const aliases = openLevelDbAliases(store)
  const directory = openLevelDbDirectory({ store, random: bytes => randomFillSync(bytes) })
  const [revoked, errors]: unknown[][] = [[], []]
  const carryOvers = createCarryOvers({
    aliases, directory, timers: time, revoke: guest => revoked!.push(guest),
    logger: { error: fields => errors!.push(fields) }
  })
  const rolesIn = async (name: never): Promise<Record<string, string>> =>
    Object.fromEntries([...(await directory.find(name))!.members].map(([id, { role }]) => [id, role]))
  return { time, aliases, directory, carryOvers, revoked, errors, rolesIn }
}
type World = Awaited<ReturnType<typeof open>>

/** The guest owns one document, edits another in which Ann reads, and reads a third. */
const begin = async (): Promise<World> => {
  const opened = await open()
  const { directory } = opened
  await directory.create(own, person(g), 1)
  await directory.create(both, person(cleo), 2)
  await directory.change(both, setMember({ id: g, role: 'editor', name: 'Guest' }))
  await directory.change(both, setMember({ id: ann, role: 'viewer', name: 'Ann' }))
  await directory.create(others, person(ben), 3)
  await directory.change(others, setMember({ id: g, role: 'viewer', name: 'Guest' }))
  return opened
}

const expectDone = async ({ aliases, directory, rolesIn }: World): Promise<void> => {
  expect([await rolesIn(own), await rolesIn(both), await rolesIn(others)])
    .toEqual([{ ann: 'owner' }, { cleo: 'owner', ann: 'editor' }, { ben: 'owner', ann: 'viewer' }])
  expect(await directory.listOf(g, '')).toEqual([])
  expect(await directory.listOf(ann, '')).toHaveLength(3)
  expect([await aliases.personOf(g), await aliases.aliasesOf(ann)]).toEqual([ann, [g]])
}

test('what the guest was a member of is the person’s, in the better role, and what went on in the guest’s name ends', async () => {
  const opened = await begin()
  expect(await opened.carryOvers.begin(g, { id: ann, name: 'Ann' })).toBe(true)
  await expectDone(opened)
  expect(opened.revoked).toEqual([g])
})

test('what a request that had proved the guest before still makes it a member of moves too', async () => {
  const { carryOvers, directory, time, aliases, rolesIn } = await begin()
  await carryOvers.begin(g, { id: ann, name: 'Ann' })
  const late = documentName('late')
  await directory.create(late, person(g), 9)
  expect(await aliases.unfinished()).toHaveLength(1)
  await time.advance(SETTLED_AFTER_MS)
  await until('the note is gone', async () => (await aliases.unfinished()).length === 0)
  expect([await rolesIn(late as never), time.pending]).toEqual([{ ann: 'owner' }, 0])
})

test('a guest that became another person stays theirs: nothing moves', async () => {
  const { carryOvers, rolesIn, revoked } = await begin()
  await carryOvers.begin(g, { id: ann, name: 'Ann' })
  expect(await carryOvers.begin(g, { id: ben, name: 'Ben' })).toBe(false)
  expect([await rolesIn(own), revoked]).toEqual([{ ann: 'owner' }, [g]])
})

test('a disk that fails after the note is tried again until all is moved', async () => {
  const opened = await begin()
  world.failOn(2)
  expect(await opened.carryOvers.begin(g, { id: ann, name: 'Ann' })).toBe(true)
  expect(opened.errors).toHaveLength(1)
  await until('it is tried again', async () => {
    await opened.time.advance(SETTLED_AFTER_MS)
    return (await opened.aliases.unfinished()).length === 0
  })
  await expectDone(opened)
})

/** @returns whether it came to its end before the write with this number */
const dieAt = async (write: number): Promise<boolean> => {
  const opened = await begin()
  const death = world.dieAt(write)
  const linked = await opened.carryOvers.begin(g, { id: ann, name: 'Ann' }).catch(() => false)
  await opened.time.advance(SETTLED_AFTER_MS)
  await until('it is done, or the process is gone', async () => death.isDead() || (await opened.aliases.unfinished()).length === 0)
  opened.carryOvers.close()
  await death.end()
  const next = await open()
  // Before anything is gone on with: the person's roles count already wherever the note stands.
  const aliases = await next.aliases.aliasesOf(ann)
  const held = await membershipsOf(next.directory, { ...person(ann), aliases }, '')
  if (linked) expect(held.map(({ name, role }) => [name, role]).sort()).toEqual([[both, 'editor'], [others, 'viewer'], [own, 'owner']])
  await next.carryOvers.finish()
  if (!linked) expect(await next.carryOvers.begin(g, { id: ann, name: 'Ann' })).toBe(true)
  await expectDone(next)
  await next.carryOvers.finish()
  expect(await next.aliases.unfinished()).toEqual([])
  next.carryOvers.close()
  await world.dispose()
  world = await LevelDbWorld.create()
  return !death.isDead()
}

test('a process that dies at any write loses nothing and doubles nothing, tried again at the start or by the person', async () => {
  let write = 0
  while (!await dieAt(write)) write++
  // The note, three memberships, the end of the note.
  expect(write).toBe(5)
})

test('an account becomes nobody, whoever asks for it', async () => {
  const { carryOvers, aliases, directory } = await open()
  await directory.create(own, person(ben), 1)
  expect(await carryOvers.begin(ben, { id: ann, name: 'Ann' })).toBe(false)
  expect([await aliases.personOf(ben), await aliases.aliasesOf(ann), await directory.listOf(ann, '')]).toEqual([null, [], []])
})
