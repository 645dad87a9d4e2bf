/** What every adapter of the directory has to do, as one suite over a way to open it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Principal } from '../../shared/principal.ts'
import type { Directory } from '../../server/directory/port.ts'
import { codeOf } from './code-of.ts'
import { documentName, userId } from './samples.ts'

/** One place that directories are kept in. */
export interface DirectoryWorld {
  /** Opens it; what an earlier one kept is there. */
  open(): Promise<Directory>
  dispose(): Promise<void>
}

const person = (name: string): Principal => ({ kind: 'user', id: userId(name), name: name.toUpperCase() })

export const directoryContract = (adapter: string, create: () => Promise<DirectoryWorld>): void => {
  describe(`the directory contract, ${adapter}`, () => {
    const a = documentName('a')
    const [anna, ben, cleo] = [person('anna'), person('ben'), person('cleo')]
    let world: DirectoryWorld
    let directory: Directory

    beforeEach(async () => {
      world = await create()
      directory = await world.open()
    })
    afterEach(() => world.dispose())

    const rolesOf = async (name = a): Promise<Record<string, string>> =>
      Object.fromEntries([...(await directory.find(name))?.members ?? []].map(([user, { role }]) => [user, role]))

    test('knows nothing of a document that was never created', async () => {
      expect(await directory.find(a)).toBeNull()
      expect(await directory.listOf(anna.id, '')).toEqual([])
    })

    test('whoever creates a document owns it', async () => {
      const entry = await directory.create(a, anna, 5)
      expect(entry).toEqual({
        name: a, createdAt: 5, members: new Map([['anna', { role: 'owner', name: 'ANNA' }]]), firstEpoch: expect.any(String), deletedAt: null,
      })
      expect(await directory.find(a)).toEqual(entry)
    })

    test('creating again changes nothing, whoever does it', async () => {
      const first = await directory.create(a, anna, 5)
      expect(await directory.create(a, ben, 6)).toEqual(first)
      expect(await directory.listOf(ben.id, '')).toEqual([])
    })

    test('of many who create at once one is the owner, and all get the same entry', async () => {
      const people = Array.from({ length: 20 }, (_, n) => person(`user-${n}`))
      const entries = await Promise.all(people.map((owner, at) => directory.create(a, owner, at)))
      expect(new Set(entries.map(({ createdAt }) => createdAt)).size).toBe(1)
      expect(Object.keys(await rolesOf())).toHaveLength(1)
      const lists = await Promise.all(people.map(({ id }) => directory.listOf(id, '')))
      expect(lists.flat()).toHaveLength(1)
    })

    test('a member is set, set again, and renamed', async () => {
      await directory.create(a, anna, 5)
      await directory.setMember(a, { id: ben.id, role: 'viewer', name: 'Ben' })
      await directory.setMember(a, { id: ben.id, role: 'editor', name: 'Benjamin' })
      expect((await directory.find(a))?.members.get(ben.id)).toEqual({ role: 'editor', name: 'Benjamin' })
      expect(await directory.listOf(ben.id, '')).toEqual([{ name: a, role: 'editor', createdAt: 5 }])
    })

    test('members that are set at once are all there', async () => {
      await directory.create(a, anna, 5)
      const people = Array.from({ length: 20 }, (_, n) => userId(`user-${n}`))
      await Promise.all(people.map(user => directory.setMember(a, { id: user, role: 'viewer', name: user })))
      expect(Object.keys(await rolesOf())).toHaveLength(21)
    })

    test.each([
      ['owner', undefined, 'owner'], ['viewer', 'editor', 'editor'], ['editor', 'viewer', 'editor'], ['owner', 'owner', 'owner'],
    ] as const)('the membership of who has become another is that one’s: %s and %s become %s, once and again', async (role, other, best) => {
      await directory.create(a, cleo, 5)
      await directory.setMember(a, { id: ben.id, role, name: 'Ben' })
      if (other) await directory.setMember(a, { id: anna.id, role: other, name: 'Anna before' })
      for (let time = 0; time < 2; time++) {
        await directory.moveMember(a, ben.id, { id: anna.id, name: 'Anna' })
        expect(await rolesOf()).toEqual({ cleo: 'owner', anna: best })
        expect((await directory.find(a))?.members.get(anna.id)).toEqual({ role: best, name: 'Anna' })
        expect(await directory.listOf(anna.id, '')).toEqual([{ name: a, role: best, createdAt: 5 }])
        expect(await directory.listOf(ben.id, '')).toEqual([])
      }
    })

    test('of a document that is deleted or unknown no membership moves', async () => {
      await directory.moveMember(a, ben.id, anna)
      expect(await directory.find(a)).toBeNull()
      await directory.create(a, ben, 5)
      await directory.remove(a, 6)
      await directory.moveMember(a, ben.id, anna)
      expect(await rolesOf()).toEqual({ ben: 'owner' })
      expect(await directory.listOf(anna.id, '')).toEqual([])
    })

    test('an entry that was handed out does not change with what comes later', async () => {
      const entry = await directory.create(a, anna, 5)
      await directory.setMember(a, { id: ben.id, role: 'viewer', name: 'Ben' })
      expect(entry.members.size).toBe(1)
    })

    test('a person’s list has the documents that begin with the prefix, and nobody else’s', async () => {
      const names = ['a', 'ab', 'b'].map(documentName)
      for (const name of names) await directory.create(name, anna, 1)
      await directory.create(documentName('c'), person('anna2'), 1)
      expect((await directory.listOf(anna.id, 'conversation/')).map(({ name }) => name).sort()).toEqual([...names].sort())
      expect((await directory.listOf(anna.id, 'conversation/a')).length).toBe(2)
      expect(await directory.listOf(anna.id, 'artifact/')).toEqual([])
      expect((await directory.listOf(person('anna2').id, '')).map(({ name }) => name)).toEqual([documentName('c')])
    })

    test('a person whose id is special to JavaScript is a member like any other', async () => {
      const odd = person('__proto__')
      await directory.create(a, odd, 1)
      await directory.setMember(a, { id: userId('constructor'), role: 'viewer', name: 'C' })
      directory = await world.open()
      expect([...(await directory.find(a))!.members]).toEqual([
        ['__proto__', { role: 'owner', name: odd.name }], ['constructor', { role: 'viewer', name: 'C' }],
      ])
      expect(await directory.listOf(odd.id, '')).toHaveLength(1)
    })

    test('an unknown document has no members to set and nobody to invite', async () => {
      expect(await codeOf(directory.setMember(a, { id: ben.id, role: 'viewer', name: 'Ben' }))).toBe('not-found')
      expect(await codeOf(directory.invite(a, 'viewer', anna.id, 1))).toBe('not-found')
    })

    test('each document has a first epoch of its own', async () => {
      const [first, second] = [await directory.create(a, anna, 5), await directory.create(documentName('b'), anna, 5)]
      expect(first.firstEpoch).not.toBe(second.firstEpoch)
      await directory.setMember(a, { id: ben.id, role: 'viewer', name: 'Ben' })
      expect((await directory.find(a))?.firstEpoch).toBe(first.firstEpoch)
    })

    describe('a deleted document', () => {
      let secret: string
      beforeEach(async () => {
        await directory.create(a, anna, 5)
        await directory.setMember(a, { id: ben.id, role: 'viewer', name: 'Ben' })
        secret = await directory.invite(a, 'editor', anna.id, 6)
        await directory.remove(a, 7)
      })

      test('is in nobody’s list and keeps nobody’s name, only who may be told', async () => {
        expect([...await directory.listOf(anna.id, ''), ...await directory.listOf(ben.id, '')]).toEqual([])
        const members = new Map([['anna', { role: 'owner', name: '' }], ['ben', { role: 'viewer', name: '' }]])
        expect(await directory.find(a)).toMatchObject({ createdAt: 5, deletedAt: 7, members })
      })

      test('cannot be created, changed, joined or deleted again, not even after opening again', async () => {
        directory = await world.open()
        expect(await directory.create(a, cleo, 8)).toMatchObject({ createdAt: 5, deletedAt: 7 })
        expect(await directory.remove(a, 9)).toMatchObject({ deletedAt: 7 })
        expect(await codeOf(directory.setMember(a, { id: cleo.id, role: 'viewer', name: 'C' }))).toBe('gone')
        expect(await codeOf(directory.invite(a, 'viewer', anna.id, 8))).toBe('gone')
        expect(await directory.accept(secret, cleo)).toBeNull()
        expect(await directory.listOf(cleo.id, '')).toEqual([])
      })

      test('is to be erased until that is done, and only then no longer', async () => {
        directory = await world.open()
        expect(await directory.toErase()).toEqual([a])
        await directory.erased(a)
        directory = await world.open()
        expect(await directory.toErase()).toEqual([])
        expect(await directory.find(a)).toMatchObject({ deletedAt: 7 })
      })
    })

    test('deleting one that does not exist says so', async () => {
      expect(await codeOf(directory.remove(a, 1))).toBe('not-found')
    })

    describe('an invitation', () => {
      beforeEach(() => directory.create(a, anna, 5))

      test('lets its bearers in with its role, as many as come', async () => {
        const secret = await directory.invite(a, 'editor', anna.id, 6)
        const entry = await directory.accept(secret, ben)
        expect(entry?.members.get(ben.id)).toEqual({ role: 'editor', name: 'BEN' })
        await directory.accept(secret, cleo)
        expect(await rolesOf()).toEqual({ anna: 'owner', ben: 'editor', cleo: 'editor' })
        expect(await directory.listOf(cleo.id, '')).toEqual([{ name: a, role: 'editor', createdAt: 5 }])
      })

      test('raises a role and never lowers one', async () => {
        const [view, edit] = [await directory.invite(a, 'viewer', anna.id, 6), await directory.invite(a, 'editor', anna.id, 6)]
        await directory.accept(view, ben)
        await directory.accept(edit, ben)
        expect(await rolesOf()).toEqual({ anna: 'owner', ben: 'editor' })
        await directory.accept(view, ben)
        expect((await directory.accept(edit, anna))?.members.get(anna.id)?.role).toBe('owner')
        expect(await rolesOf()).toEqual({ anna: 'owner', ben: 'editor' })
      })

      test('opens only the document that it is for', async () => {
        const b = documentName('b')
        await directory.create(b, cleo, 5)
        await directory.accept(await directory.invite(a, 'viewer', anna.id, 6), ben)
        expect(await rolesOf(b)).toEqual({ cleo: 'owner' })
      })

      test('is a new secret each time', async () => {
        expect(await directory.invite(a, 'viewer', anna.id, 6)).not.toBe(await directory.invite(a, 'viewer', anna.id, 6))
      })

      test.each(['', 'x', '../a', 'A'.repeat(43), 'A'.repeat(100_000)])('that was never made (%#) lets nobody in', async (secret) => {
        expect(await directory.accept(secret, ben)).toBeNull()
        expect(await rolesOf()).toEqual({ anna: 'owner' })
      })
    })

    test('everything is there after opening again', async () => {
      await directory.create(a, anna, 5)
      const secret = await directory.invite(a, 'editor', anna.id, 6)
      directory = await world.open()
      await directory.accept(secret, ben)
      directory = await world.open()
      expect(await rolesOf()).toEqual({ anna: 'owner', ben: 'editor' })
    })
  })
}
