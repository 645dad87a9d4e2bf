/** What an older version left of the directory in a data folder is read as what it meant: entries, and links that only had a role. */
import { readFile } from 'node:fs/promises'
import { randomFillSync } from 'node:crypto'
import { ClassicLevel } from 'classic-level'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLevelDbDirectory } from '../../server/directory/leveldb-directory.ts'
import type { Principal } from '../../shared/principal.ts'
import { codeOf } from '../contract/code-of.ts'
import { documentName, userId } from '../contract/samples.ts'
import { LevelDbWorld } from '../rig/leveldb-world.ts'

const { entries, secret } = JSON.parse(await readFile(new URL('./directory-store-1.json', import.meta.url), 'utf8')) as {
  entries: Record<string, string>
  /** Of the invitation, in clear. */
  secret: string
}
const a = documentName('a')
const cleo: Principal = { kind: 'user', id: userId('cleo'), name: 'Cleo' }

let world: LevelDbWorld
beforeEach(async () => {
  world = await LevelDbWorld.create()
  const database = new ClassicLevel(world.path, { keyEncoding: 'hex', valueEncoding: 'hex' })
  await database.batch(Object.entries(entries).map(([key, value]) => ({ type: 'put', key, value })))
  await database.close()
})
afterEach(() => world.dispose())

const open = async () => openLevelDbDirectory({ store: (await world.open()).store, random: target => randomFillSync(target) })

test('its entries and lists are as they were', async () => {
  const directory = await open()
  expect(await directory.find(a)).toEqual({
    name: a,
    createdAt: 5,
    members: new Map([['anna', { role: 'owner', name: 'Anna' }], ['ben', { role: 'viewer', name: 'Ben' }]]),
    readers: new Set(),
    removed: new Map(),
    firstEpoch: 'first',
    deletedAt: null,
  })
  expect(await directory.listOf(userId('ben'), '')).toEqual([{ name: a, role: 'viewer', createdAt: 5 }])
})

test('its invitation lets in whoever brings it, is listed, and can be revoked', async () => {
  const directory = await open()
  expect((await directory.accept(secret, cleo, 9)).members.get(cleo.id)?.role).toBe('editor')
  const [link] = await directory.links(a)
  expect(link).toEqual({ id: expect.any(String), kind: 'join', role: 'editor', by: 'anna', at: 6, expiresAt: null, maxUses: null, uses: 1 })
  await directory.revokeLink(a, 'join', link!.id)
  expect(await codeOf(directory.accept(secret, { ...cleo, id: userId('dora') }, 9))).toBe('not-found')
  expect(await directory.links(a)).toEqual([])
})

test('its invitation is listed though nobody ever used it, and goes with its document', async () => {
  const directory = await open()
  expect(await directory.links(a)).toHaveLength(1)
  await directory.remove(a, 9)
  expect(await codeOf(directory.accept(secret, cleo, 9))).toBe('not-found')
})
