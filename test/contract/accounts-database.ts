/** What every database of accounts has to do, as one suite over a way to open it. */
import { randomFillSync } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createAdministration } from '../../server/identity/accounts/administration.ts'
import type { AccountsDatabase } from '../../server/identity/accounts/database.ts'
import { createEngine, migrate } from '../../server/identity/accounts/engine.ts'
import type { EngineOptions } from '../../server/identity/accounts/engine.ts'
import type { RandomBytes } from '../../shared/ids.ts'

export interface AccountsDatabasePlace {
  open(): Promise<AccountsDatabase>
  /** SQL, as an operator could. */
  run(text: string): Promise<unknown>
}

/** An engine that serves nobody: for a look at what is stored. */
export const engineOver = (store: AccountsDatabase): EngineOptions => ({
  store, secret: 'x'.repeat(64), providers: [], mailer: null,
  hooks: { admit: async () => 'user', admitSession: async () => {}, sessionEnded: () => {}, failed: () => {} },
})

export const passkeyOf = (userId: string, counter = 0) => ({
  name: 'Laptop', publicKey: 'AAEC', userId, credentialID: 'AQID', counter, deviceType: 'multiDevice', backedUp: true, transports: 'internal,hybrid',
  createdAt: new Date('2026-11-21T10:00:00.123Z'), aaguid: '00000000-0000-0000-0000-000000000000',
})

const user = (email: string) => ({
  name: 'Ada', email, emailVerified: false, role: 'user', disabledAt: null, createdAt: new Date(1_700_000_000_123), updatedAt: new Date(1_700_000_000_123),
})

export const accountsDatabaseContract = (adapter: string, newPlace: () => Promise<AccountsDatabasePlace>): void => {
  describe(`the contract of accounts' databases, ${adapter}`, () => {
    const opened: AccountsDatabase[] = []
    let place: AccountsDatabasePlace
    const open = async (): Promise<AccountsDatabase> => {
      const store = await place.open()
      opened.push(store)
      return store
    }
    const contextOf = (store: AccountsDatabase) => createEngine(engineOver(store), 'http://localhost').$context
    const openUpToDate = async () => {
      const store = await open()
      await migrate(engineOver(store))
      return store
    }

    beforeEach(async () => { place = await newPlace() })
    afterEach(async () => { for (const store of opened.splice(0)) await store.close() })

    test('a new one is empty; brought up to date it has a format, and again changes nothing', async () => {
      const store = await open()
      expect(await store.readFormat()).toBe(0)
      await migrate(engineOver(store))
      expect(await store.readFormat()).toBe(1)
      const { adapter } = await contextOf(store)
      await adapter.create({ model: 'user', data: user('ada@example.org') })
      await migrate(engineOver(store))
      expect(await adapter.count({ model: 'user' })).toBe(1)
    })

    test('what one wrote, the next reads: times, yes and no, nothing', async () => {
      const { adapter } = await contextOf(await openUpToDate())
      const { id } = await adapter.create<{ id: string }>({ model: 'user', data: user('ada@example.org') })
      await adapter.create({ model: 'passkey', data: passkeyOf(id) })
      const later = await contextOf(await open())
      expect(await later.internalAdapter.findUserById(id)).toMatchObject({ ...user('ada@example.org'), id })
      const found = await later.adapter.findOne<{ id: string }>({ model: 'passkey', where: [{ field: 'credentialID', value: 'AQID' }] })
      expect(found).toMatchObject(passkeyOf(id))
      await later.adapter.update({ model: 'passkey', where: [{ field: 'id', value: found!.id }], update: { counter: 7 } })
      expect(await adapter.findMany({ model: 'passkey', where: [{ field: 'userId', value: id }] })).toMatchObject([passkeyOf(id, 7)])
    })

    test('an address is one account\'s', async () => {
      const { adapter } = await contextOf(await openUpToDate())
      const both = await Promise.allSettled([1, 2].map(() => adapter.create({ model: 'user', data: user('ada@example.org') })))
      expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    })

    test('a transaction that fails leaves nothing', async () => {
      const { adapter } = await contextOf(await openUpToDate())
      await expect(adapter.transaction(async inside => {
        await inside.create({ model: 'user', data: user('ada@example.org') })
        throw new Error('stop')
      })).rejects.toThrow('stop')
      expect(await adapter.count({ model: 'user' })).toBe(0)
    })

    test('a column that an older version did not have is added, and what was there stays', async () => {
      const store = await openUpToDate()
      const { adapter } = await contextOf(store)
      const { id } = await adapter.create<{ id: string }>({ model: 'user', data: user('ada@example.org') })
      await place.run('ALTER TABLE "user" DROP COLUMN "disabledAt"')
      const newer = await openUpToDate()
      expect(await (await contextOf(newer)).internalAdapter.findUserById(id)).toMatchObject({ email: 'ada@example.org', disabledAt: null })
    })

    test('what a newer version wrote is refused, and nothing of it changes', async () => {
      const store = await openUpToDate()
      await store.writeFormat(2)
      await expect(migrate(engineOver(await open()))).rejects.toThrow(/newer Skein \(format 2, this version knows 1\).*Nothing was changed/)
      expect(await store.readFormat()).toBe(2)
    })

    test('of many who show an invitation\'s code at once one comes in', async () => {
      await openUpToDate()
      const administration = async () => {
        const store = await open()
        const random: RandomBytes = target => randomFillSync(target)
        return createAdministration({ context: () => contextOf(store), now: Date.now, random, disabled: () => {} })
      }
      const { code } = await (await administration()).createInviteCode('operator')
      const spent = await Promise.all(Array.from({ length: 5 }, async () => (await administration()).spendInviteCode(code)))
      expect(spent.filter(Boolean)).toHaveLength(1)
    })
  })
}
