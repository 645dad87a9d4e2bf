/** Roles of whoever has a document open, while the directory changes under them. */
import { beforeEach, describe, expect, it } from 'vitest'
import { changeRole, removeMember, setMember } from '../directory/membership.ts'
import type { Directory, DirectoryEntry } from '../directory/port.ts'
import type { DocumentName, UserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import { MemoryDirectory } from '../../test/rig/memory-directory.ts'
import { LiveRoles } from './live-roles.ts'

const [talk, other] = ['conversation/talk', 'conversation/other'] as DocumentName[] as [DocumentName, DocumentName]
const person = (id: string): Principal => ({ kind: 'user', id: id as UserId, name: id })
const [ada, ben] = [person('ada'), person('ben')]

let directory: MemoryDirectory
let roles: LiveRoles
beforeEach(async () => {
  directory = new MemoryDirectory()
  roles = new LiveRoles({ directory, now: () => 1, openToAll: false })
  for (const name of [talk, other]) await directory.create(name, ada, 1)
  await directory.change(talk, setMember({ id: ben.id, role: 'editor', name: 'Ben' }))
})

/** Answers `find` when it is told to. */
const slowDirectory = (): { slow: Directory, answer: () => void } => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const find = async (name: DocumentName): Promise<DirectoryEntry | null> => {
    const read = await directory.find(name)
    await promise
    return read
  }
  return { slow: new Proxy<Directory>(directory, { get: (target, key) => key === 'find' ? find : Reflect.get(target, key, target).bind(target) }), answer: resolve }
}

describe('who has a document open', () => {
  it('is told of each change of their role at once, and of nobody else\'s', async () => {
    const held = (await roles.enter(talk, ben))!
    const told: unknown[] = []
    held.whenChanged(role => { told.push(role) })
    await directory.change(talk, changeRole(ada, ben.id, 'viewer'))
    await directory.change(talk, setMember({ id: 'cleo' as UserId, role: 'editor', name: 'C' }))
    await directory.change(other, setMember({ id: ben.id, role: 'owner', name: 'Ben' }))
    await directory.change(talk, removeMember(ada, ben.id, 2))
    expect(told).toEqual(['viewer', null])
    expect(held.role).toBeNull()
  })

  it('has the best role of all their ids, as far as their credential goes', async () => {
    const account = (await roles.enter(talk, { ...person('carol'), aliases: [ben.id] }))!
    const token = (await roles.enter(talk, { ...ada, scopes: { read: true, write: true } }))!
    await directory.change(talk, changeRole(ada, ben.id, 'owner'))
    expect([account.role, token.role]).toEqual(['owner', 'editor'])
    await directory.change(talk, changeRole(ben, ada.id, 'viewer'))
    expect([account.role, token.role]).toEqual(['owner', 'viewer'])
  })

  it('misses no change that comes while their role is being read', async () => {
    const { slow, answer } = slowDirectory()
    const entering = new LiveRoles({ directory: slow, now: () => 1, openToAll: false }).enter(talk, ben)
    await Promise.resolve()
    await directory.change(talk, changeRole(ada, ben.id, 'viewer'))
    answer()
    expect((await entering)?.role).toBe('viewer')
  })

  it('is not let in when they are removed while their role is being read', async () => {
    const { slow, answer } = slowDirectory()
    const entering = new LiveRoles({ directory: slow, now: () => 1, openToAll: false }).enter(talk, ben)
    await Promise.resolve()
    await directory.change(talk, removeMember(ada, ben.id, 2))
    answer()
    expect(await entering).toBeNull()
  })

  it('leaves nothing behind, whether they were let in or not', async () => {
    const held = await roles.enter(talk, ben)
    expect(await roles.enter(talk, person('stranger'))).toBeNull()
    await directory.remove(other, 2)
    await expect(roles.enter(other, ada)).rejects.toMatchObject({ code: 'gone' })
    expect(roles.size).toBe(1)
    held!.leave()
    expect(roles.size).toBe(0)
  })
})
