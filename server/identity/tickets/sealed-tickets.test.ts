/** Tickets that open sockets: sealed, short-lived, and good where the secret is. */
import { randomFillSync } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import type { DocumentName, UserId } from '../../../shared/ids.ts'
import { limits } from '../../../shared/limits.ts'
import type { Principal } from '../../../shared/principal.ts'
import { SealedTickets } from './sealed-tickets.ts'

const START = Date.UTC(2026, 10, 1)
const LIFETIME = limits.ticketSeconds * 1000
const ada: Principal = { kind: 'user', id: 'ada' as UserId, name: 'Ada Lovelace', aliases: ['guest-1' as UserId], credential: 'session-1' }
const [talk, other] = ['conversation/talk', 'conversation/other'] as DocumentName[] as [DocumentName, DocumentName]

let now: number
let renew: (principal: Principal) => Promise<Principal | null>
let tickets: SealedTickets

const open = (secret = 1): SealedTickets => new SealedTickets({
  secret: new Uint8Array(32).fill(secret), random: target => randomFillSync(target), now: () => now, renew: principal => renew(principal),
})
const issue = (principal = ada, document: DocumentName | null = null): string => tickets.issue(principal, document)!.ticket

beforeEach(() => {
  now = START
  renew = async principal => principal
  tickets = open()
})

describe('a ticket', () => {
  test('is whom it was made for, as often as it is shown, for a minute', async () => {
    const { ticket, expiresAt } = tickets.issue(ada, null)!
    expect(expiresAt).toBe(START + LIFETIME)
    for (const at of [0, LIFETIME - 1]) {
      now = START + at
      expect(await tickets.authenticate(ticket)).toEqual(ada)
    }
    now = expiresAt
    expect(await tickets.authenticate(ticket)).toBeNull()
  })

  test('is good after a restart, and on another node with the same secret', async () => {
    expect(await open().authenticate(issue())).toEqual(ada)
  })

  test('tells whoever reads it nothing', () => {
    const text = Buffer.from(issue(), 'base64url').toString('latin1')
    for (const part of ['ada', 'Ada', 'Lovelace', 'guest', 'session', 'user']) expect(text).not.toContain(part)
    expect(issue()).not.toBe(issue())
  })

  test('can be offered as a subprotocol and stands in an address as it is', () => {
    expect(issue()).toMatch(/^[A-Za-z0-9_-]{60,2000}$/)
  })

  test('does not outlive the proof that it was made with', async () => {
    const ticket = issue({ ...ada, expiresAt: START + 5000 })
    now = START + 4999
    expect(await tickets.authenticate(ticket)).toMatchObject({ expiresAt: START + 5000 })
    now = START + 5000
    expect(await tickets.authenticate(ticket)).toBeNull()
  })

  test('is whom its person is by now: nobody, when they are no more', async () => {
    const ticket = issue()
    renew = async principal => ({ ...principal, name: 'Ada K.' })
    expect(await tickets.authenticate(ticket)).toMatchObject({ name: 'Ada K.' })
    renew = async () => null
    expect(await tickets.authenticate(ticket)).toBeNull()
  })
})

describe('a ticket for one document', () => {
  test('reaches that one only, where it is its person', async () => {
    expect((await tickets.authenticate(issue(ada, talk)))?.scopes).toEqual({ read: true, write: true, manage: true, documents: [talk] })
  })

  test('that a token made goes no further than the token, and none is made for what that does not reach', async () => {
    const scopes = { read: true, write: false, documents: [talk] }
    const bot: Principal = { ...ada, scopes }
    expect((await tickets.authenticate(issue(bot, talk)))?.scopes).toEqual(scopes)
    expect(tickets.issue(bot, other)).toBeNull()
    expect((await tickets.authenticate(issue(bot)))?.scopes).toEqual(scopes)
  })

  test('reaches nothing when its token no longer reaches that document', async () => {
    const ticket = issue({ ...ada, scopes: { read: true, write: true, documents: [talk] } }, talk)
    renew = async principal => ({ ...principal, scopes: { read: true, write: true, documents: [other] } })
    expect((await tickets.authenticate(ticket))?.scopes?.documents).toEqual([])
  })
})

describe('revoking', () => {
  test.each([{ credential: 'session-1' }, { user: ada.id }])('%o ends the tickets that were made before, and not the one that is made after', async gone => {
    const before = issue()
    now += 1000
    tickets.revoked(gone)
    expect(await tickets.authenticate(before)).toBeNull()
    now += 1
    expect(await tickets.authenticate(issue())).not.toBeNull()
  })

  test('of somebody else ends nothing', async () => {
    const ticket = issue()
    tickets.revoked({ credential: 'session-2' })
    tickets.revoked({ user: 'bob' as UserId })
    expect(await tickets.authenticate(ticket)).not.toBeNull()
  })

  test('counts when it happens while the ticket is looked at', async () => {
    const ticket = issue()
    renew = async principal => {
      tickets.revoked({ credential: 'session-1' })
      return principal
    }
    expect(await tickets.authenticate(ticket)).toBeNull()
  })
})

describe('what is no ticket', () => {
  test.each([
    ['nothing', ''], ['dots', '...'], ['text', 'hello'], ['no base64', 'ü'.repeat(80)], ['zeros', 'A'.repeat(100)], ['something huge', 'A'.repeat(10_000_000)],
    ['as little as a seal', 'A'.repeat(38)],
  ])('%s', async (_, text) => {
    expect(await tickets.authenticate(text)).toBeNull()
  })

  test('one of another server', async () => {
    expect(await open(2).authenticate(issue())).toBeNull()
  })

  test('one cut short anywhere, or with more behind it', async () => {
    const ticket = issue()
    for (let length = 0; length < ticket.length; length++) expect(await tickets.authenticate(ticket.slice(0, length))).toBeNull()
    for (const more of ['A', 'AAAA', '=', '.', ' ']) expect(await tickets.authenticate(ticket + more)).toBeNull()
  })

  test('one with any character changed', async () => {
    const ticket = issue()
    for (let at = 0; at < ticket.length; at++) {
      const other = ticket[at] === 'A' ? 'B' : 'A'
      expect(await tickets.authenticate(ticket.slice(0, at) + other + ticket.slice(at + 1))).toBeNull()
    }
  })
})
