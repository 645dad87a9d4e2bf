/** What every adapter of the directory has to do, as one suite over a way to open it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Principal } from '../../shared/principal.ts'
import { changeRole, handOver, leave, removeMember, setMember } from '../../server/directory/membership.ts'
import type { Directory, NewLink } from '../../server/directory/port.ts'
import { readerId } from '../../shared/ids.ts'
import type { UserId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
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

    const wanted: NewLink = { kind: 'join', role: 'viewer', by: anna.id, at: 6, expiresAt: null, maxUses: null }
    const invite = async (role: NewLink['role'], more: Partial<NewLink> = {}, name = a): Promise<string> =>
      (await directory.makeLink(name, { ...wanted, role, ...more })).secret
    const share = (expiresAt: number | null = null) => directory.makeLink(a, { ...wanted, kind: 'read', expiresAt })

    const rolesOf = async (name = a): Promise<Record<string, string>> =>
      Object.fromEntries([...(await directory.find(name))?.members ?? []].map(([user, { role }]) => [user, role]))

    test('knows nothing of a document that was never created', async () => {
      expect(await directory.find(a)).toBeNull()
      expect(await directory.listOf(anna.id, '')).toEqual([])
    })

    test('whoever creates a document owns it', async () => {
      const entry = await directory.create(a, anna, 5)
      expect(entry).toEqual({
        name: a, createdAt: 5, members: new Map([['anna', { role: 'owner', name: 'ANNA' }]]), readers: new Set(), removed: new Map(),
        firstEpoch: expect.any(String), deletedAt: null,
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
      await directory.change(a, setMember({ id: ben.id, role: 'viewer', name: 'Ben' }))
      await directory.change(a, setMember({ id: ben.id, role: 'editor', name: 'Benjamin' }))
      expect((await directory.find(a))?.members.get(ben.id)).toEqual({ role: 'editor', name: 'Benjamin' })
      expect(await directory.listOf(ben.id, '')).toEqual([{ name: a, role: 'editor', createdAt: 5 }])
    })

    test('members that are set at once are all there', async () => {
      await directory.create(a, anna, 5)
      const people = Array.from({ length: 20 }, (_, n) => userId(`user-${n}`))
      await Promise.all(people.map(user => directory.change(a, setMember({ id: user, role: 'viewer', name: user }))))
      expect(Object.keys(await rolesOf())).toHaveLength(21)
    })

    test.each([
      ['owner', undefined, 'owner'], ['viewer', 'editor', 'editor'], ['editor', 'viewer', 'editor'], ['owner', 'owner', 'owner'],
    ] as const)('the membership of who has become another is that one’s: %s and %s become %s, once and again', async (role, other, best) => {
      await directory.create(a, cleo, 5)
      await directory.change(a, setMember({ id: ben.id, role, name: 'Ben' }))
      if (other) await directory.change(a, setMember({ id: anna.id, role: other, name: 'Anna before' }))
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
      await directory.change(a, setMember({ id: ben.id, role: 'viewer', name: 'Ben' }))
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
      await directory.change(a, setMember({ id: userId('constructor'), role: 'viewer', name: 'C' }))
      directory = await world.open()
      expect([...(await directory.find(a))!.members]).toEqual([
        ['__proto__', { role: 'owner', name: odd.name }], ['constructor', { role: 'viewer', name: 'C' }],
      ])
      expect(await directory.listOf(odd.id, '')).toHaveLength(1)
    })

    test('an unknown document has no members to set and nobody to invite', async () => {
      expect(await codeOf(directory.change(a, setMember({ id: ben.id, role: 'viewer', name: 'Ben' })))).toBe('not-found')
      expect(await codeOf(invite('viewer'))).toBe('not-found')
    })

    test('each document has a first epoch of its own', async () => {
      const [first, second] = [await directory.create(a, anna, 5), await directory.create(documentName('b'), anna, 5)]
      expect(first.firstEpoch).not.toBe(second.firstEpoch)
      await directory.change(a, setMember({ id: ben.id, role: 'viewer', name: 'Ben' }))
      expect((await directory.find(a))?.firstEpoch).toBe(first.firstEpoch)
    })

    describe('a deleted document', () => {
      let secret: string
      beforeEach(async () => {
        await directory.create(a, anna, 5)
        await directory.change(a, setMember({ id: ben.id, role: 'viewer', name: 'Ben' }))
        secret = await invite('editor')
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
        expect(await codeOf(directory.change(a, setMember({ id: cleo.id, role: 'viewer', name: 'C' })))).toBe('gone')
        expect(await codeOf(invite('viewer'))).toBe('gone')
        expect(await codeOf(directory.accept(secret, cleo, 8))).toBe('not-found')
        expect(await directory.links(a)).toEqual([])
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
        const secret = await invite('editor')
        const entry = await directory.accept(secret, ben, 7)
        expect(entry.members.get(ben.id)).toEqual({ role: 'editor', name: 'BEN' })
        await directory.accept(secret, cleo, 7)
        expect(await rolesOf()).toEqual({ anna: 'owner', ben: 'editor', cleo: 'editor' })
        expect(await directory.listOf(cleo.id, '')).toEqual([{ name: a, role: 'editor', createdAt: 5 }])
      })

      test('raises a role and never lowers one', async () => {
        const [view, edit] = [await invite('viewer'), await invite('editor')]
        await directory.accept(view, ben, 7)
        await directory.accept(edit, ben, 7)
        expect(await rolesOf()).toEqual({ anna: 'owner', ben: 'editor' })
        await directory.accept(view, ben, 7)
        expect((await directory.accept(edit, anna, 7)).members.get(anna.id)?.role).toBe('owner')
        expect(await rolesOf()).toEqual({ anna: 'owner', ben: 'editor' })
      })

      test('opens only the document that it is for', async () => {
        const b = documentName('b')
        await directory.create(b, cleo, 5)
        await directory.accept(await invite('viewer'), ben, 7)
        expect(await rolesOf(b)).toEqual({ cleo: 'owner' })
      })

      test('reads nothing by itself: it is no share link', async () => {
        expect(await directory.readerOf(await invite('viewer'))).toBeNull()
      })

      test('is a new secret each time', async () => {
        expect(await invite('viewer')).not.toBe(await invite('viewer'))
      })

      test.each(['', 'x', '../a', 'A'.repeat(43), 'A'.repeat(100_000)])('that was never made (%#) lets nobody in', async (secret) => {
        expect(await codeOf(directory.accept(secret, ben, 7))).toBe('not-found')
        expect(await directory.readerOf(secret)).toBeNull()
        expect(await rolesOf()).toEqual({ anna: 'owner' })
      })

      test('is listed with what it is and how many it let in, and never with its secret', async () => {
        const secret = await invite('editor', { expiresAt: 20, maxUses: 2 })
        await directory.accept(secret, ben, 7)
        directory = await world.open()
        const [link] = await directory.links(a)
        expect(link).toEqual({ ...wanted, role: 'editor', expiresAt: 20, maxUses: 2, id: expect.any(String), uses: 1 })
        expect(JSON.stringify(link)).not.toContain(secret)
        expect(await directory.links(documentName('ab'))).toEqual([])
      })

      test('lets nobody new in once it has expired', async () => {
        const secret = await invite('editor', { expiresAt: 20 })
        await directory.accept(secret, ben, 19)
        expect(await codeOf(directory.accept(secret, cleo, 20))).toBe('link-expired')
        expect((await directory.accept(secret, ben, 21)).members.get(ben.id)?.role).toBe('editor')
      })

      test('lets in as many as it was made for, however many come at once, and who is in does not count again', async () => {
        const secret = await invite('viewer', { maxUses: 2 })
        const people = Array.from({ length: 10 }, (_, n) => person(`user-${n}`))
        const came = await Promise.all(people.map(each => codeOf(directory.accept(secret, each, 7))))
        expect(came.filter(code => code === 'link-used-up')).toHaveLength(8)
        expect(Object.keys(await rolesOf())).toHaveLength(3)
        await directory.accept(secret, people[came.findIndex(code => code !== 'link-used-up')]!, 8)
        expect((await directory.links(a))[0]?.uses).toBe(2)
      })

      test('that was revoked was never made', async () => {
        const secret = await invite('viewer')
        const { id } = (await directory.links(a))[0]!
        expect(await codeOf(directory.revokeLink(documentName('b'), 'join', id))).toBe('not-found')
        expect(await codeOf(directory.revokeLink(a, 'read', id))).toBe('not-found')
        await directory.revokeLink(a, 'join', id)
        directory = await world.open()
        expect(await codeOf(directory.accept(secret, ben, 7))).toBe('not-found')
        expect(await codeOf(directory.revokeLink(a, 'join', id))).toBe('not-found')
        expect(await directory.links(a)).toEqual([])
      })

      test('from before an owner removed somebody does not let them in again, a later one does', async () => {
        const secret = await invite('viewer', { at: 6 })
        await directory.accept(secret, ben, 7)
        await directory.change(a, removeMember(anna, ben.id, 8))
        directory = await world.open()
        expect(await codeOf(directory.accept(secret, ben, 9))).toBe('removed-before')
        expect(await codeOf(directory.accept(secret, { ...cleo, aliases: [ben.id] }, 9))).toBe('removed-before')
        await directory.accept(await invite('viewer', { at: 9 }), ben, 10)
        expect(await rolesOf()).toEqual({ anna: 'owner', ben: 'viewer' })
      })

      test('is one of so many of its document, and no more', async () => {
        const made = await Promise.all(Array.from({ length: limits.linksPerDocument + 1 }, () => codeOf(invite('viewer'))))
        expect(made.filter(code => code === 'too-many-links')).toHaveLength(1)
      })

      test('lets in so many members of its document, and no more', async () => {
        const others = Array.from({ length: limits.membersPerDocument - 2 }, (_, n) => [`user-${n}` as UserId, { role: 'viewer' as const, name: '' }] as const)
        await directory.change(a, ({ members }) => ({ members: new Map([...members, ...others]) }))
        const secret = await invite('editor')
        await directory.accept(secret, ben, 7)
        expect(await codeOf(directory.accept(secret, cleo, 7))).toBe('too-many-members')
        await directory.accept(secret, person('user-0'), 7)
      })
    })

    describe('a share link', () => {
      beforeEach(() => directory.create(a, anna, 5))

      test('lets whoever brings it read that document, and makes nobody a member', async () => {
        const { link, secret } = await share(20)
        directory = await world.open()
        expect(await directory.readerOf(secret)).toEqual({ name: a, link })
        expect((await directory.find(a))?.readers).toEqual(new Set([readerId(link.id)]))
        expect(await directory.listOf(readerId(link.id), '')).toEqual([{ name: a, role: 'viewer', createdAt: 5 }])
        expect(await codeOf(directory.accept(secret, ben, 7))).toBe('not-found')
        expect(await rolesOf()).toEqual({ anna: 'owner' })
      })

      test('that was revoked lets nobody read, nor does one of a deleted document', async () => {
        const [one, other] = [await share(), await share()]
        await directory.revokeLink(a, 'read', one.link.id)
        expect(await directory.readerOf(one.secret)).toBeNull()
        expect(await directory.listOf(readerId(one.link.id), '')).toEqual([])
        expect((await directory.find(a))?.readers).toEqual(new Set([readerId(other.link.id)]))
        await directory.remove(a, 7)
        expect(await directory.readerOf(other.secret)).toBeNull()
        expect(await directory.listOf(readerId(other.link.id), '')).toEqual([])
      })
    })

    describe('members', () => {
      beforeEach(async () => {
        await directory.create(a, anna, 5)
        for (const [who, role] of [[ben, 'editor'], [cleo, 'viewer']] as const) await directory.change(a, setMember({ id: who.id, role, name: who.name }))
      })

      test('are made more or less by an owner, and by nobody else', async () => {
        await directory.change(a, changeRole(anna, ben.id, 'viewer'))
        await directory.change(a, changeRole(anna, cleo.id, 'owner'))
        expect(await rolesOf()).toEqual({ anna: 'owner', ben: 'viewer', cleo: 'owner' })
        expect(await directory.listOf(ben.id, '')).toEqual([{ name: a, role: 'viewer', createdAt: 5 }])
        expect(await codeOf(directory.change(a, changeRole(ben, ben.id, 'owner')))).toBe('not-allowed')
        expect(await codeOf(directory.change(a, changeRole(person('dora'), ben.id, 'owner')))).toBe('not-allowed')
        expect(await codeOf(directory.change(a, changeRole(anna, userId('dora'), 'viewer')))).toBe('not-found')
      })

      test('that are removed are in no list', async () => {
        expect(await codeOf(directory.change(a, removeMember(cleo, ben.id, 6)))).toBe('not-allowed')
        await directory.change(a, removeMember(anna, ben.id, 6))
        directory = await world.open()
        expect(await rolesOf()).toEqual({ anna: 'owner', cleo: 'viewer' })
        expect(await directory.listOf(ben.id, '')).toEqual([])
        expect((await directory.find(a))?.removed).toEqual(new Map([[ben.id, 6]]))
      })

      test('leave under all of their ids, and may come back by an invitation', async () => {
        const secret = await invite('viewer')
        await directory.change(a, leave({ ...person('dora'), aliases: [ben.id, cleo.id] }))
        expect(await rolesOf()).toEqual({ anna: 'owner' })
        expect(await codeOf(directory.change(a, leave(ben)))).toBe('not-found')
        await directory.accept(secret, ben, 7)
        expect(await rolesOf()).toEqual({ anna: 'owner', ben: 'viewer' })
      })

      test('always have an owner among them: the last one hands over first', async () => {
        const tries = [leave(anna), changeRole(anna, anna.id, 'editor'), removeMember(anna, anna.id, 6)]
        for (const decision of tries) expect(await codeOf(directory.change(a, decision))).toBe('last-owner')
        await directory.change(a, handOver(anna, ben.id))
        expect(await rolesOf()).toEqual({ anna: 'editor', ben: 'owner', cleo: 'viewer' })
        await directory.change(a, leave(anna))
        expect(await codeOf(directory.change(a, handOver(anna, cleo.id)))).toBe('not-allowed')
        expect(await codeOf(directory.change(a, handOver(ben, anna.id)))).toBe('not-found')
      })

      test('two owners who make each other less at once leave one', async () => {
        await directory.change(a, changeRole(anna, ben.id, 'owner'))
        const codes = await Promise.all([
          codeOf(directory.change(a, changeRole(anna, ben.id, 'viewer'))), codeOf(directory.change(a, changeRole(ben, anna.id, 'viewer'))),
        ])
        expect(codes).toContain('not-allowed')
        expect(Object.values(await rolesOf()).filter(role => role === 'owner')).toHaveLength(1)
      })

      test('of whom so many were removed are forgotten from the first', async () => {
        const others = Array.from({ length: limits.removedPerDocument }, (_, n) => [`user-${n}` as UserId, n] as const)
        await directory.change(a, () => ({ removed: new Map(others) }))
        await directory.change(a, removeMember(anna, ben.id, 6))
        const { removed } = (await directory.find(a))!
        expect([removed.size, removed.has('user-0' as UserId), removed.get(ben.id)]).toEqual([limits.removedPerDocument, false, 6])
      })
    })

    test('every change of who belongs to a document is told, in order, with what is so by then, and nothing else is', async () => {
      const told: string[] = []
      const stop = directory.onChanged((entry, ids) => {
        told.push(ids.map(id => `${id} ${entry.members.get(id)?.role ?? (entry.readers.has(id) ? 'reads' : 'nothing')}`).join())
      })
      await directory.create(a, anna, 5)
      await directory.accept(await invite('editor'), ben, 7)
      await directory.change(a, changeRole(anna, ben.id, 'viewer'))
      await directory.change(a, changeRole(anna, ben.id, 'viewer'))
      await directory.change(a, removeMember(anna, ben.id, 8))
      expect(await codeOf(directory.change(a, leave(anna)))).toBe('last-owner')
      const { link } = await share()
      await directory.revokeLink(a, 'read', link.id)
      expect(told).toEqual(['ben editor', 'ben viewer', 'ben nothing', `${readerId(link.id)} reads`, `${readerId(link.id)} nothing`])
      await directory.change(a, setMember({ id: ben.id, role: 'viewer', name: 'B' }))
      await directory.moveMember(a, ben.id, cleo)
      expect(told.splice(5)).toEqual(['ben viewer', 'cleo viewer'])
      stop()
      await directory.change(a, setMember({ id: cleo.id, role: 'editor', name: 'C' }))
      await directory.remove(a, 9)
      expect(told).toHaveLength(5)
    })

    test('whoever asks after a change finds what it made, however many ask meanwhile', async () => {
      await directory.create(a, anna, 5)
      directory = await world.open()
      let done = 0
      const found: Promise<number>[] = []
      const ask = async (): Promise<number> => {
        const atLeast = done
        return Number((await directory.find(a))!.members.get(ben.id)?.name ?? 0) - atLeast
      }
      for (let n = 1; n <= 20; n++) {
        found.push(ask(), ask())
        const changed = directory.change(a, setMember({ id: ben.id, role: 'viewer', name: String(n) })).then(() => { done = n })
        found.push(ask())
        await changed
        found.push(ask())
      }
      for (const newer of await Promise.all(found)) expect(newer).toBeGreaterThanOrEqual(0)
      expect((await directory.find(a))?.members.get(ben.id)?.name).toBe('20')
    })

    test('everything is there after opening again', async () => {
      await directory.create(a, anna, 5)
      const secret = await invite('editor')
      directory = await world.open()
      await directory.accept(secret, ben, 7)
      directory = await world.open()
      expect(await rolesOf()).toEqual({ anna: 'owner', ben: 'editor' })
    })
  })
}
