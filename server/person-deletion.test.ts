/** A person is deleted on a real store whose process dies at each of its writes: what is theirs alone goes, the rest goes over, once. */
import { randomFillSync } from 'node:crypto'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { openLevelDbDirectory } from './directory/leveldb-directory.ts'
import { setMember } from './directory/membership.ts'
import { openLevelDbDeletions } from './identity/leveldb-deletions.ts'
import { createDeletions, DELETED_NAME } from './person-deletion.ts'
import type { Principal } from '../shared/principal.ts'
import { documentName, userId } from '../test/contract/samples.ts'
import { LevelDbWorld } from '../test/rig/leveldb-world.ts'
import { ManualTime } from '../test/rig/manual-time.ts'
import { until } from '../test/rig/until.ts'

const [ann, guest, ben, cleo] = ['ann', 'guest-1', 'ben', 'cleo'].map(userId) as [never, never, never, never]
const person = (id: never): Principal => ({ kind: 'user', id, name: String(id) })
const [alone, heir, reader, others] = ['alone', 'heir', 'reader', 'others'].map(documentName) as [never, never, never, never]

const open = async (world: LevelDbWorld) => {
  const { store: kept } = await world.open()
  const time = new ManualTime()
  const directory = openLevelDbDirectory({ store: kept, random: bytes => randomFillSync(bytes) })
  const [renamed, erased, forgotten]: unknown[][] = [[], [], []]
  const writer = { doc: new Y.Doc(), renameAuthor: (ids: unknown, name: unknown) => renamed!.push([ids, name]) }
  const rooms = { use: async (name: unknown, use: (room: never) => Promise<unknown>) => {
    renamed!.push(name)
    return use({ write: async (_actor: string, change: (writer: never) => unknown) => change(writer as never) } as never)
  } }
  const store = openLevelDbDeletions(kept)
  const deletions = createDeletions({
    store, directory, rooms: rooms as never, now: time.now, timers: time, logger: { error: () => {} },
    erase: async name => {
      erased!.push(name)
      await directory.erased(name)
    },
    forget: async who => void forgotten!.push(who)
  })
  return { directory, deletions, store, renamed, erased, forgotten }
}

const begin = async (world: LevelDbWorld) => {
  const opened = await open(world)
  const { directory } = opened
  for (const [name, owner] of [[alone, guest], [heir, ann], [reader, ann], [others, ben]]) await directory.create(name!, person(owner!), 1)
  await directory.change(heir, setMember({ id: cleo, role: 'viewer', name: 'Cleo' }))
  await directory.change(heir, setMember({ id: ben, role: 'editor', name: 'Ben' }))
  await directory.change(reader, setMember({ id: cleo, role: 'viewer', name: 'Cleo' }))
  await directory.change(others, setMember({ id: ann, role: 'editor', name: 'Ann' }))
  return opened
}

/** @returns whether it came to its end before the write with this number */
const dieAt = async (write: number): Promise<boolean> => {
  const world = await LevelDbWorld.create()
  const { deletions, store } = await begin(world)
  const death = world.dieAt(write)
  const leaving = { ...person(ann), aliases: [guest] }
  const begun = await deletions.begin(leaving).then(() => true, () => false)
  await until('it is done, or the process is gone', async () => death.isDead() || (begun && (await store.unfinished()).length === 0))
  deletions.close()
  await death.end()
  const next = await open(world)
  if (begun) expect(!death.isDead() || (await next.store.unfinished()).length).toBeTruthy()
  await next.deletions.finish()
  if (!begun) {
    await next.deletions.begin(leaving)
    await until('it is done', async () => (await next.store.unfinished()).length === 0)
  }
  const rolesIn = async (name: never) =>
    Object.fromEntries([...(await next.directory.find(name))!.members].map(([id, { role }]) => [id, role]))
  expect([await rolesIn(heir), await rolesIn(reader), await rolesIn(others)])
    .toEqual([{ cleo: 'viewer', ben: 'owner' }, { cleo: 'owner' }, { ben: 'owner' }])
  expect((await next.directory.find(alone))?.deletedAt).not.toBeNull()
  for (const id of [ann, guest]) expect(await next.directory.listOf(id, '')).toEqual([])
  expect(await next.store.unfinished()).toEqual([])
  await world.dispose()
  return !death.isDead()
}

test('whichever write it dies at, the next start brings it to its end', async () => {
  let write = 0
  while (!await dieAt(write)) write++
  // The note, one erased with its tombstone, three left, the end of the note.
  expect(write).toBeGreaterThanOrEqual(6)
})

test('who cannot come in any more and what is told otherwise comes before what it is found by is gone', async () => {
  const world = await LevelDbWorld.create()
  const { deletions, store, renamed, erased, forgotten } = await begin(world)
  await deletions.begin({ ...person(ann), aliases: [guest] })
  expect(forgotten).toEqual([ann])
  await until('it is done', async () => (await store.unfinished()).length === 0)
  expect(erased).toEqual([alone])
  expect(renamed!.filter(each => Array.isArray(each))).toEqual([1, 2, 3].map(() => [[ann, guest], DELETED_NAME]))
  await world.dispose()
})
