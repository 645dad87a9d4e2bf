/** Roles under aliases and under scoped credentials. */
import { beforeEach, describe, expect, it } from 'vitest'
import { MemoryDirectory } from '../../test/rig/memory-directory.ts'
import { setMember } from '../directory/membership.ts'
import type { BotId, DocumentName, UserId } from '../../shared/ids.ts'
import type { Principal, Scopes } from '../../shared/principal.ts'
import { memberRole, membershipsOf, roleIn, wasMember } from './access.ts'

const [talk, other] = ['conversation/talk', 'conversation/other'] as DocumentName[] as [DocumentName, DocumentName]
const fresh = 'conversation/01932c07-209c-7d31-8f2b-6f5b6a1d2c3e' as DocumentName
const ada: Principal = { kind: 'user', id: 'ada' as UserId, name: 'Ada' }
const guest: Principal = { kind: 'guest', id: 'guest-1' as UserId, name: 'Calm Otter' }
const account: Principal = { ...ada, aliases: [guest.id] }
const scoped = (scopes: Scopes, principal = ada): Principal => ({ ...principal, scopes })

let directory: MemoryDirectory
const role = (name: DocumentName, principal: Principal) => roleIn({ directory, now: () => 1, openToAll: false }, name, principal)

beforeEach(async () => {
  directory = new MemoryDirectory()
  await directory.create(talk, guest, 1)
  await directory.create(other, ada, 2)
})

describe('whoever was a guest', () => {
  it('has the best role that is held under any of their ids', async () => {
    expect(await role(talk, account)).toBe('owner')
    await directory.change(talk, setMember({ id: ada.id, role: 'viewer', name: 'Ada' }))
    expect(await role(talk, account)).toBe('owner')
    expect(await role(talk, ada)).toBe('viewer')
    expect(await role(other, guest)).toBeNull()
  })

  it('sees each document once in a list', async () => {
    await directory.change(talk, setMember({ id: ada.id, role: 'viewer', name: 'Ada' }))
    const listed = await membershipsOf(directory, account, 'conversation/')
    expect(listed.map(({ name, role }) => [name, role]).sort()).toEqual([[other, 'owner'], [talk, 'owner']])
  })

  it('opens the home document of each id, and nobody else does', async () => {
    const home = `home/${guest.id}` as DocumentName
    expect(await role(home, ada)).toBeNull()
    expect(await role(home, account)).toBe('owner')
  })
})

it('a name that nobody has becomes a document on first contact when nobody guesses it, and any where everything is everybody\'s', async () => {
  const free = ['conversation/plans', 'artifact/plans'] as DocumentName[]
  for (const name of free) {
    expect(await role(name, ada)).toBeNull()
    expect(directory.peek(name)).toBeNull()
  }
  expect(await role(fresh, ada)).toBe('owner')
  for (const name of free) expect(await roleIn({ directory, now: () => 1, openToAll: true }, name, ada)).toBe('owner')
  expect(await role('home/ada' as DocumentName, ada)).toBe('owner')
})

describe('a bot', () => {
  const bot: Principal = {
    kind: 'agent', id: 'agent:bot' as UserId, name: 'Bot', scopes: { read: true, write: true },
    bot: { id: 'bot-1' as BotId, name: 'Bot', of: account },
  }

  it('reaches what its person does but their home, which goes with a person to their devices', async () => {
    const home = 'home/ada' as DocumentName
    const entry = await directory.create(home, ada, 3)
    expect(await role(other, bot)).toBe('editor')
    expect(memberRole(entry, bot, false)).toBeNull()
    expect((await membershipsOf(directory, bot, '')).map(({ name }) => name).sort()).toEqual([other, talk])
  })

  it('makes no document, and keeps no name from whoever begins one under it', async () => {
    expect(await role(fresh, bot)).toBeNull()
    expect(directory.peek(fresh)).toBeNull()
    expect(await role(fresh, guest)).toBe('owner')
  })
})

describe('a scoped credential', () => {
  const all = { read: true, write: true }

  it('never owns, and writes only where it may and its person may', async () => {
    expect(await role(other, scoped(all))).toBe('editor')
    expect(await role(other, scoped({ read: true, write: false }))).toBe('viewer')
    await directory.change(other, setMember({ id: ada.id, role: 'viewer', name: 'Ada' }))
    expect(await role(other, scoped(all))).toBe('viewer')
    expect(await role(talk, scoped(all))).toBeNull()
  })

  it('without reading opens nothing', async () => {
    expect(await role(other, scoped({ read: false, write: true }))).toBeNull()
  })

  it('sees the documents that it names and no others: neither open, nor listed, nor as deleted', async () => {
    await directory.change(talk, setMember({ id: ada.id, role: 'editor', name: 'Ada' }))
    const narrow = scoped({ ...all, documents: [talk] })
    expect(await role(talk, narrow)).toBe('editor')
    expect(await role(other, narrow)).toBeNull()
    expect((await membershipsOf(directory, narrow, '')).map(({ name }) => name)).toEqual([talk])
    const entry = await directory.remove(other, 3)
    expect(memberRole(entry, narrow, false)).toBeNull()
    expect(wasMember(entry, narrow, false)).toBe(false)
    expect(() => memberRole(entry, scoped(all), false)).toThrow()
  })

  it('makes no document by coming to it, unless it may write and is not bound to others', async () => {
    expect(await role(fresh, scoped({ read: true, write: false }))).toBeNull()
    expect(await role(fresh, scoped({ ...all, documents: [talk] }))).toBeNull()
    expect(directory.peek(fresh)).toBeNull()
    expect(await role(fresh, scoped(all))).toBe('editor')
  })

  it('is held to its scopes where everything is open to all, too', async () => {
    const entry = (await directory.find(other))!
    expect(memberRole(entry, scoped({ read: true, write: false, documents: [other] }, guest), true)).toBe('viewer')
    expect(memberRole(entry, scoped({ read: true, write: false, documents: [talk] }, guest), true)).toBeNull()
  })
})
