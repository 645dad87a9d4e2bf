/** What only the stored directory has to do; what every directory does is in `test/contract/directory.ts`. */
import { randomFillSync } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseUserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import { codeOf } from '../../test/contract/code-of.ts'
import { bytes, documentName, record } from '../../test/contract/samples.ts'
import { LevelDbWorld } from '../../test/rig/leveldb-world.ts'
import type { LevelDbLog } from '../log/leveldb/leveldb-log.ts'
import { openLevelDbDirectory } from './leveldb-directory.ts'
import { setMember } from './membership.ts'
import type { Directory } from './port.ts'

const a = documentName('a')
const anna: Principal = { kind: 'user', id: parseUserId('anna')!, name: 'Anna' }

let world: LevelDbWorld
let log: LevelDbLog
let directory: Directory
beforeEach(async () => {
  world = await LevelDbWorld.create()
  log = await world.open()
  directory = openLevelDbDirectory({ store: log.store, random: target => randomFillSync(target) })
})
afterEach(() => world.dispose())

describe('the directory on LevelDB', () => {
  test('an invitation is 32 random bytes, of which the disk only has the hash', async () => {
    await directory.create(a, anna, 1)
    const { secret } = await directory.makeLink(a, { kind: 'join', role: 'viewer', by: anna.id, at: 2, expiresAt: null, maxUses: null })
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/)
    await log.close()
    const entries = await world.raw(database => database.iterator().all())
    const stored = entries.map(([key, value]) => `${key.join(' ')} ${Buffer.from(value).toString('latin1')}`).join('\n')
    expect(stored).toContain('invitation')
    expect(stored).not.toContain(secret)
  })

  test('is whole after a process was killed', async () => {
    await directory.create(a, anna, 1)
    await world.crash()
    log = await world.open()
    directory = openLevelDbDirectory({ store: log.store, random: target => randomFillSync(target) })
    expect((await directory.find(a))?.members.get(anna.id)?.role).toBe('owner')
    expect(await directory.listOf(anna.id, '')).toHaveLength(1)
  })

  test('a change that could not be stored is not there, neither in the entry nor in the list, and the next one is', async () => {
    world.failNext('before')
    expect(await codeOf(directory.create(a, anna, 1))).toBe('not-saved')
    expect(await directory.find(a)).toBeNull()
    expect(await directory.listOf(anna.id, '')).toEqual([])
    expect((await directory.create(a, anna, 2)).createdAt).toBe(2)
  })

  test.each(['before', 'after'] as const)('a change whose outcome is unknown, it failed %s the write, is found as the disk has it', async (when) => {
    const roles = async () => [...(await directory.find(a))!.members].map(([id, { role }]) => `${id} ${role}`)
    await directory.create(a, anna, 1)
    world.failNext(when)
    expect(await codeOf(directory.change(a, setMember({ id: parseUserId('ben')!, role: 'viewer', name: 'Ben' })))).toBe('not-saved')
    const found = await roles()
    expect(found).toEqual(when === 'before' ? ['anna owner'] : ['anna owner', 'ben viewer'])
    await world.crash()
    log = await world.open()
    directory = openLevelDbDirectory({ store: log.store, random: target => randomFillSync(target) })
    expect(await roles()).toEqual(found)
  })

  test('one damaged membership does not take the list with it; it is named, once', async () => {
    const b = documentName('b')
    for (const name of [a, b]) await directory.create(name, anna, 1)
    await log.close()
    await world.raw(database => database.put(['skein', 'membership', anna.id, a], Buffer.from([1, 2, 3, 4, 5, 6])))
    log = await world.open()
    directory = openLevelDbDirectory({ store: log.store, random: target => randomFillSync(target) })
    for (let n = 0; n < 2; n++) expect((await directory.listOf(anna.id, '')).map(({ name }) => name)).toEqual([b])
    expect(world.damage).toEqual([`the entry "membership anna ${a}" was changed`])
    expect((await directory.find(a))?.members.size).toBe(1)
  })

  test('who belongs to a document is known when its records were erased', async () => {
    await directory.create(a, anna, 1)
    await log.append(a, record(bytes(0)))
    await log.erase(a)
    expect((await directory.find(a))?.members.size).toBe(1)
  })
})
