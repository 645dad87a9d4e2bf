/** Personal tokens in LevelDB: made, used, rotated and revoked, over restarts. */
import { randomFillSync } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { codeOf } from '../../../test/contract/code-of.ts'
import { LevelDbWorld } from '../../../test/rig/leveldb-world.ts'
import { until } from '../../../test/rig/until.ts'
import type { AgentId, DocumentName, UserId } from '../../../shared/ids.ts'
import { limits } from '../../../shared/limits.ts'
import type { Principal } from '../../../shared/principal.ts'
import { openLevelDbBots } from '../bots/leveldb-bots.ts'
import type { Bots } from '../bots-port.ts'
import type { Revocation } from '../port.ts'
import { LevelDbTokens } from './leveldb-tokens.ts'

const START = Date.UTC(2026, 10, 1, 12, 30)
const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR
const ada: Principal = { kind: 'user', id: 'ada' as UserId, name: 'Ada' }
const bob: Principal = { kind: 'user', id: 'bob' as UserId, name: 'Bob' }
const talk = 'conversation/talk' as DocumentName
const reading = { name: 'a script', scopes: { read: true as const } }

let world: LevelDbWorld
let now: number
let gone: Revocation[]
let people: Map<UserId, Principal>
let tokens: LevelDbTokens
let bots: Bots

let close: () => Promise<void>

const open = async (mostDays?: number): Promise<void> => {
  const log = await world.open()
  const { store } = log
  close = () => log.close()
  const renew = async ({ id, vouchedBy }: Principal) => vouchedBy === 'one who is not trusted any more' ? null : people.get(id) ?? null
  bots = openLevelDbBots({ store, random: target => randomFillSync(target), now: () => now })
  tokens = new LevelDbTokens({
    store, bots, random: target => randomFillSync(target), now: () => now, renew, onError: () => {},
    ...mostDays !== undefined && { mostDays },
  })
  tokens.onRevoked(each => gone.push(each))
}

beforeEach(async () => {
  world = await LevelDbWorld.create()
  now = START
  gone = []
  people = new Map([ada, bob].map(person => [person.id, person]))
  await open()
})
afterEach(() => world.dispose())

describe('a token', () => {
  test('is its person, as far as it goes, until it expires', async () => {
    const { token, secret } = await tokens.create(ada, { name: 'bot', scopes: { read: true, write: true, documents: [talk] }, days: 2 })
    expect(secret).toMatch(/^skein_[0-9a-f]{24}_[A-Za-z0-9_-]{43}$/)
    expect(await tokens.authenticate(secret)).toEqual({
      kind: 'service', id: 'ada', name: 'Ada', scopes: { read: true, write: true, documents: [talk] }, credential: `token-${token.id}`, expiresAt: START + 2 * DAY
    })
    now += 2 * DAY - 1
    expect(await tokens.authenticate(secret)).not.toBeNull()
    now++
    expect(await tokens.authenticate(secret)).toBeNull()
    expect(await tokens.listOf([ada.id])).toEqual([])
  })

  test('writes only when that was asked for, and lives 90 days unless it was said how long', async () => {
    const { token } = await tokens.create(ada, reading)
    expect(token).toMatchObject({ scopes: { read: true, write: false }, expiresAt: START + 90 * DAY, lastUsedAt: null })
  })

  test('is not made by who proves nobody any more by the time that it would be', async () => {
    const making = Promise.all([tokens.endAllOf(ada.id), tokens.create(ada, reading)])
    people.delete(ada.id)
    await expect(making).rejects.toMatchObject({ code: 'unauthenticated' })
    expect(await tokens.listOf([ada.id])).toEqual([])
  })

  test('is nobody\'s when nobody vouches for its person any more', async () => {
    const { secret } = await tokens.create({ ...ada, vouchedBy: 'an issuer' }, reading)
    expect(await tokens.authenticate(secret)).toMatchObject({ id: 'ada' })
    await expect(tokens.create({ ...ada, vouchedBy: 'one who is not trusted any more' }, reading)).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  describe('where they live shorter', () => {
    test('lives that long unless it was said how long, and is not made for longer', async () => {
      await close()
      await open(30)
      expect((await tokens.create(ada, reading)).token.expiresAt).toBe(START + 30 * DAY)
      expect((await tokens.create(ada, { ...reading, days: 30 })).token.expiresAt).toBe(START + 30 * DAY)
      await expect(tokens.create(ada, { ...reading, days: 31 })).rejects.toMatchObject({ code: 'invalid-request', message: expect.stringContaining('30 days') })
    })

    test('lives no longer when it was made before that was said, nor after it was rotated', async () => {
      const { token, secret } = await tokens.create(ada, { ...reading, days: limits.tokenDays })
      await close()
      await open(30)
      expect(await tokens.authenticate(secret)).toMatchObject({ expiresAt: START + 30 * DAY })
      now += 29 * DAY
      const rotated = (await tokens.rotate([ada.id], token.id))!
      expect(rotated.token.expiresAt).toBe(now + 30 * DAY)
      now += 30 * DAY
      expect(await tokens.authenticate(rotated.secret)).toBeNull()
      expect(await tokens.listOf([ada.id])).toEqual([])
    })

    test('or not at all, is not made', async () => {
      const { secret } = await tokens.create(ada, reading)
      await close()
      await open(0)
      await expect(tokens.create(ada, reading)).rejects.toMatchObject({ code: 'not-allowed' })
      expect(await tokens.authenticate(secret)).toBeNull()
    })
  })

  test('is known after the process was killed, and so is that one was revoked', async () => {
    const kept = await tokens.create(ada, reading)
    const revoked = await tokens.create(ada, reading)
    await tokens.revoke([ada.id], revoked.token.id)
    await world.crash()
    await open()
    expect(await tokens.authenticate(kept.secret)).toMatchObject({ id: 'ada' })
    expect(await tokens.authenticate(revoked.secret)).toBeNull()
  })

  test('leaves nothing on the disk that proves it', async () => {
    const { secret } = await tokens.create(ada, reading)
    await tokens.authenticate(secret)
    const [, , proof] = /^(skein_\w{24}_)(.+)$/.exec(secret)!
    await until('its use is noted', async () => (await tokens.listOf([ada.id]))[0]!.lastUsedAt)
    await close()
    const stored = await world.raw(async database => (await database.iterator().all()).map(([, value]) => Buffer.from(value).toString('latin1')).join('\n'))
    expect(stored).toContain('a script')
    expect(stored).not.toContain(proof)
  })

  test('has its person\'s name of today, and is none when there is no such person any more', async () => {
    const { secret } = await tokens.create(ada, reading)
    people.set(ada.id, { ...ada, name: 'Ada L.', aliases: ['guest-1' as UserId] })
    expect(await tokens.authenticate(secret)).toMatchObject({ name: 'Ada L.', aliases: ['guest-1'] })
    people.delete(ada.id)
    expect(await tokens.authenticate(secret)).toBeNull()
  })
})

describe('a token that acts as a bot', () => {
  const acting = (...actAs: AgentId[]) => ({ name: 'deploys', scopes: { read: true as const, write: true, actAs } })
  const deploys = { name: 'Deploys', description: '' }

  test('is that bot, for its person as they are called today, with an id of its own and no alias', async () => {
    people.set(ada.id, { ...ada, aliases: ['guest-1' as UserId] })
    const bot = await bots.register(['guest-1' as UserId], deploys)
    const { token, secret } = await tokens.create(ada, acting(bot.id))
    expect(token.scopes).toEqual({ read: true, write: true, actAs: [bot.id] })
    const principal = await tokens.authenticate(secret)
    expect(principal).toEqual({
      kind: 'agent', id: `agent:${bot.id}`, name: 'Deploys · bot of Ada',
      bot: { id: bot.id, name: 'Deploys', of: { id: 'ada', name: 'Ada', aliases: ['guest-1'] } },
      scopes: { read: true, write: true, actAs: [bot.id] }, credential: `token-${token.id}`, expiresAt: START + 90 * DAY
    })
    expect(await tokens.renew(principal!)).toEqual(principal)
    await bots.change(['guest-1' as UserId], bot.id, { name: 'Watcher' })
    people.set(ada.id, { ...ada, name: 'Ada L.', aliases: ['guest-1' as UserId] })
    expect(await tokens.authenticate(secret)).toMatchObject({ name: 'Watcher · bot of Ada L.' })
  })

  test('is nobody, and never its person, when what it names is no bot of theirs, or none any more', async () => {
    const [own, other] = [await bots.register([ada.id], deploys), await bots.register([bob.id], deploys)]
    const never = `bot-${'0'.repeat(24)}` as AgentId
    for (const actAs of [[other.id], [never], ['guide' as AgentId], [own.id, other.id], []]) {
      const { secret } = await tokens.create(ada, acting(...actAs))
      expect(await tokens.authenticate(secret), String(actAs)).toBeNull()
    }
    const { secret } = await tokens.create(ada, acting(own.id))
    expect(await tokens.authenticate(secret)).not.toBeNull()
    await bots.remove([ada.id], own.id)
    expect(await tokens.authenticate(secret)).toBeNull()
  })

  test('ends with the bot, and no other token does', async () => {
    const [one, two] = [await bots.register([ada.id], deploys), await bots.register([ada.id], { name: 'Watcher', description: '' })]
    const gone1 = await tokens.create(ada, acting(one.id))
    const kept = [await tokens.create(ada, acting(two.id)), await tokens.create(ada, reading)]
    await tokens.endActingAs([ada.id], one.id)
    expect(gone).toEqual([{ credential: `token-${gone1.token.id}` }])
    expect((await tokens.listOf([ada.id])).map(({ id }) => id).sort()).toEqual(kept.map(({ token }) => token.id).sort())
  })
})

describe('revoking', () => {
  test('ends the token, tells who listens, and can be done once', async () => {
    const { token, secret } = await tokens.create(ada, reading)
    expect(await tokens.revoke([ada.id], token.id)).toBe(true)
    expect(await tokens.authenticate(secret)).toBeNull()
    expect(gone).toEqual([{ credential: `token-${token.id}` }])
    expect(await tokens.revoke([ada.id], token.id)).toBe(false)
  })

  test('is for its person alone, under whichever of their ids they made it', async () => {
    const { token, secret } = await tokens.create(ada, reading)
    expect(await tokens.revoke([bob.id], token.id)).toBe(false)
    expect(await tokens.rotate([bob.id], token.id)).toBeNull()
    expect(await tokens.listOf([bob.id])).toEqual([])
    expect(await tokens.authenticate(secret)).not.toBeNull()
    expect(await tokens.revoke([bob.id, ada.id], token.id)).toBe(true)
  })

  test.each(['__proto__', '', '../x', 'a'.repeat(24), 'A'.repeat(24), 'a'.repeat(10_000)])('of an id that is none (%#) finds nothing', async id => {
    expect(await tokens.revoke([ada.id], id)).toBe(false)
  })

  test('is not undone by a use, or a rotation, at the same moment', async () => {
    for (let n = 0; n < 20; n++) {
      const { token: { id }, secret } = await tokens.create(ada, reading)
      const work = [tokens.authenticate(secret), tokens.revoke([ada.id], id), tokens.rotate([ada.id], id)] as const
      const [, revoked, rotated] = await Promise.all(work)
      expect([revoked, rotated]).toEqual([true, null])
      await tokens.create(bob, reading).then(({ token: { id } }) => tokens.revoke([bob.id], id))
      expect(await tokens.listOf([ada.id])).toEqual([])
    }
  })

  test('that could not be stored is not told of, and the token is good', async () => {
    const { token, secret } = await tokens.create(ada, reading)
    world.failNext('before')
    expect(await codeOf(tokens.revoke([ada.id], token.id))).toBe('not-saved')
    expect(gone).toEqual([])
    expect(await tokens.authenticate(secret)).not.toBeNull()
  })
})

test('a rotated token is the same one under a new secret, as long-lived as at first; the old secret is good for nothing at once', async () => {
  const { token, secret } = await tokens.create(ada, { ...reading, days: 10 })
  now += 9 * DAY
  const rotated = (await tokens.rotate([ada.id], token.id))!
  expect(rotated.token).toEqual({ ...token, expiresAt: now + 10 * DAY })
  expect(await tokens.authenticate(secret)).toBeNull()
  expect(await tokens.authenticate(rotated.secret)).toMatchObject({ id: 'ada' })
  expect(gone).toEqual([{ credential: `token-${token.id}` }])
})

test('the list tells what there is, newest first, with the hour of the last use and without what proves it', async () => {
  const first = await tokens.create(ada, reading)
  now += HOUR
  const second = await tokens.create(ada, { ...reading, name: 'another' })
  await tokens.authenticate(first.secret)
  const used = await until('the use is noted', async () => {
    const listed = await tokens.listOf([ada.id])
    return listed.some(({ lastUsedAt }) => lastUsedAt) && listed
  })
  expect(used).toEqual([second.token, { ...first.token, lastUsedAt: Date.UTC(2026, 10, 1, 13) }])
})

test('nothing is kept of a token that has expired, once its person has looked', async () => {
  await tokens.create(ada, { ...reading, days: 1 })
  const { token } = await tokens.create(ada, { ...reading, days: 2 })
  now += DAY
  expect(await tokens.listOf([ada.id])).toEqual([token])
  await close()
  const kept = await world.raw(async database => (await database.keys().all()).filter(key => String(key[1]).startsWith('token')))
  expect(kept).toHaveLength(2)
})

test('a use is written down once an hour', async () => {
  const { secret } = await tokens.create(ada, reading)
  let writes = 0
  world.onWrite = write => {
    writes++
    return write()
  }
  for (let n = 0; n < 50; n++) await tokens.authenticate(secret)
  await tokens.create(bob, reading)
  expect(writes).toBe(2)
})

test('one person has so many tokens and no more; revoking one makes room', async () => {
  for (let n = 1; n < limits.tokensPerPerson; n++) await tokens.create(ada, reading)
  const last = await tokens.create(ada, reading)
  expect(await codeOf(tokens.create(ada, reading))).toBe('too-many-tokens')
  await tokens.create(bob, reading)
  await tokens.revoke([ada.id], last.token.id)
  await tokens.create(ada, reading)
})

describe('what is no token', () => {
  test('each that differs from a good one in one character', async () => {
    const { secret } = await tokens.create(ada, reading)
    for (let at = 0; at < secret.length; at++) {
      const other = secret[at] === '1' ? '2' : '1'
      expect(await tokens.authenticate(secret.slice(0, at) + other + secret.slice(at + 1))).toBeNull()
    }
  })

  test('a good one cut short, or with more behind it', async () => {
    const { secret } = await tokens.create(ada, reading)
    for (let length = 0; length < secret.length; length++) expect(await tokens.authenticate(secret.slice(0, length))).toBeNull()
    for (const more of ['x', ' ', '\n', '\0', '=']) expect(await tokens.authenticate(secret + more)).toBeNull()
  })

  test('the id of one with the secret of another, and the hash that is stored', async () => {
    const [a, b] = [await tokens.create(ada, reading), await tokens.create(bob, reading)]
    expect(await tokens.authenticate(`skein_${a.token.id}_${b.secret.slice(-43)}`)).toBeNull()
    await close()
    const hashes = await world.raw(async database => (await database.iterator().all())
      .flatMap(([, value]) => /"hash":"(\w+)"/.exec(Buffer.from(value).toString())?.[1] ?? []))
    expect(hashes).toHaveLength(2)
    await open()
    for (const hash of hashes) for (const text of [hash, hash.slice(0, 43), Buffer.from(hash, 'hex').toString('base64url')]) {
      expect(await tokens.authenticate(`skein_${a.token.id}_${text}`)).toBeNull()
    }
  })
})

test('all tokens of a person end at once, and nobody else’s', async () => {
  const [one, two] = [await tokens.create(ada, reading), await tokens.create(ada, reading)]
  const other = await tokens.create(bob, reading)
  await tokens.endAllOf(ada.id)
  const ended = gone.map(each => 'credential' in each && each.credential)
  expect(ended.sort()).toEqual([one, two].map(({ token: { id } }) => `token-${id}`).sort())
  const proven = [await tokens.authenticate(one.secret), await tokens.authenticate(two.secret)]
  expect([proven, await tokens.listOf([ada.id])]).toEqual([[null, null], []])
  await close()
  await open()
  expect([await tokens.authenticate(one.secret), (await tokens.authenticate(other.secret))?.id]).toEqual([null, 'bob'])
})
