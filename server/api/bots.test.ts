/** `/api/bots`: what a person registers, and which tokens act as it. What bots do in conversations: `test/server/bots.test.ts`. */
import { beforeEach, describe, expect, test } from 'vitest'
import { createApiWorld, messageOf } from '../../test/rig/api-world.ts'
import { newConversationId } from '../../test/rig/conversation.ts'
import type { ApiWorld } from '../../test/rig/api-world.ts'
import { bot, botList } from '../../shared/api/bot-schemas.ts'
import type { Bot } from '../../shared/api/bot-schemas.ts'
import { routes } from '../../shared/api/routes.ts'
import { issuedToken, tokenList } from '../../shared/api/token-schemas.ts'
import { parseBotId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'

type Browser = ReturnType<ApiWorld['browser']>

const [a, b, fresh] = [newConversationId(), newConversationId(), newConversationId()]
let world: ApiWorld
let ada: Browser
let bob: Browser

const signIn = async (): Promise<Browser> => {
  const browser = world.browser()
  await browser.get(routes.me())
  return browser
}
const nameOf = async (browser: Browser): Promise<string> => {
  const { principal } = await (await browser.get(routes.me())).json() as { principal: { name: string } }
  return principal.name
}
const register = async (name: string, by = ada): Promise<Bot> => bot.parse(await (await by.post(routes.bots(), { name })).json())
const change = (id: string, body: object, by = ada): Promise<Response> =>
  by.request(routes.bot(id), { method: 'PATCH', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
const remove = (id: string, by = ada): Promise<Response> => by.request(routes.bot(id), { method: 'DELETE' })
const listOf = async (by: Browser): Promise<Bot[]> => botList.parse(await (await by.get(routes.bots())).json()).bots
const tokenFor = (id: string, more: object = {}, by = ada): Promise<Response> =>
  by.post(routes.tokens(), { name: 'deploys', scopes: { read: true, write: true, actAs: [id], ...more } })
const made = async (response: Promise<Response>) => issuedToken.parse(await (await response).json())
const as = (secret: string) => (path: string, init: RequestInit = {}): Promise<Response> =>
  world.request(path, { ...init, headers: { 'authorization': `Bearer ${secret}`, 'content-type': 'application/json' } })
const codeOf = async (response: Response | Promise<Response>): Promise<string> => (await (await response).json() as { code: string }).code

beforeEach(async () => {
  world = await createApiWorld()
  ada = await signIn()
  bob = await signIn()
  await ada.post(routes.conversations(), { id: a })
  await world.say(a, messageOf(1))
})

describe('a bot', () => {
  test('is registered, listed, renamed and deleted by its person', async () => {
    const deploys = await register('  Deploys  ')
    expect(deploys).toMatchObject({ name: 'Deploys', description: '' })
    expect(parseBotId(deploys.id)).not.toBeNull()
    const said = bot.parse(await (await change(deploys.id, { name: 'Releases', description: 'Says what went out.' })).json())
    expect(said).toEqual({ ...deploys, name: 'Releases', description: 'Says what went out.' })
    expect(await listOf(ada)).toEqual([said])
    expect((await remove(deploys.id)).status).toBe(204)
    expect(await listOf(ada)).toEqual([])
    expect(world.lines.filter(({ fields }) => fields['audit']).map(({ fields }) => fields['event']))
      .toEqual(expect.arrayContaining(['bot.registered', 'bot.changed', 'bot.deleted']))
  })

  test('is nobody else\'s to see, rename or delete: to them there is none', async () => {
    const { id } = await register('Deploys')
    expect(await listOf(bob)).toEqual([])
    expect([await codeOf(change(id, { name: 'Mine' }, bob)), await codeOf(remove(id, bob))]).toEqual(['not-found', 'not-found'])
    for (const none of ['x', 'guide', `bot-${'0'.repeat(24)}`, '__proto__']) expect(await codeOf(remove(none))).toBe('not-found')
    expect(await listOf(ada)).toHaveLength(1)
  })

  test('is not called like an agent of the server, or like its person, or like another of theirs', async () => {
    const { id } = await register('Deploys')
    const taken = ['Guide', 'GUlDE', 'the guide', await nameOf(ada), (await nameOf(ada)).replace(' ', '-').toLowerCase(), 'Dep1oys']
    for (const name of taken) {
      expect(await codeOf(ada.post(routes.bots(), { name })), name).toBe('name-taken')
      if (name !== 'Dep1oys') expect(await codeOf(change(id, { name })), name).toBe('name-taken')
    }
    expect((await listOf(ada)).map(({ name }) => name)).toEqual(['Deploys'])
    expect((await change(id, { name: 'deploys' })).status).toBe(200)
  })

  test.each<[string, object]>([
    ['no name', {}], ['a blank one', { name: ' ' }], ['a long one', { name: 'x'.repeat(limits.botNameLength + 1) }],
    ['one that looks like the label of a bot', { name: 'Deploys · bot of Ben' }], ['two lines', { name: 'a\nb' }], ['a name of the app\'s', { name: 'You' }],
    ['a long description', { name: 'x', description: 'x'.repeat(limits.botDescriptionLength + 1) }], ['an id of its own choosing', { name: 'x', id: 'guide' }],
  ])('is not registered with %s', async (_, body) => {
    expect(await codeOf(ada.post(routes.bots(), body))).toBe('invalid-request')
    expect(await listOf(ada)).toEqual([])
  })

  test('is one of so many at most', async () => {
    for (let n = 0; n < limits.botsPerPerson; n++) await register(`Number ${'x'.repeat(n + 1)}`)
    expect(await codeOf(ada.post(routes.bots(), { name: 'One more' }))).toBe('too-many-bots')
    await register('Of Bob', bob)
  })
})

describe('a token that acts as a bot', () => {
  test('is made for one\'s own bot, and for one', async () => {
    const [own, second, bobs] = [await register('Deploys'), await register('Watcher'), await register('Deploys', bob)]
    expect((await made(tokenFor(own.id))).token.scopes).toEqual({ read: true, write: true, actAs: [own.id] })
    for (const none of [bobs.id, `bot-${'0'.repeat(24)}`, 'guide', 'nobody']) expect(await codeOf(tokenFor(none)), none).toBe('bot-unknown')
    for (const actAs of [[own.id, second.id], [], ['Deploys!'], own.id]) {
      expect(await codeOf(ada.post(routes.tokens(), { name: 'x', scopes: { read: true, actAs } }))).toBe('invalid-request')
    }
    await remove(own.id)
    expect(await codeOf(tokenFor(own.id))).toBe('bot-unknown')
  })

  test('is the bot towards the API, in what its person may read, and nobody\'s home', async () => {
    const { id } = await register('Deploys')
    const ask = as((await made(tokenFor(id))).secret)
    const { principal } = await (await ask(routes.me())).json() as { principal: object }
    expect(principal).toEqual({ id: `agent:${id}`, name: `Deploys · bot of ${await nameOf(ada)}`, kind: 'agent' })
    expect(await (await ask(routes.conversations())).json()).toMatchObject({ conversations: [{ id: a, role: 'editor' }] })
    expect((await ask(routes.messages(a))).status).toBe(200)
    const { userId, documents } = await (await ask(routes.sync(), { method: 'POST', body: '{"documents":[]}' })).json() as { userId: string, documents: { name: string }[] }
    expect([userId, documents.map(({ name }) => name)]).toEqual([`agent:${id}`, [`conversation/${a}`]])
  })

  test('begins nothing of its own, registers nothing, and makes no token', async () => {
    const { id } = await register('Deploys')
    const ask = as((await made(tokenFor(id))).secret)
    const body = (value: object): RequestInit => ({ method: 'POST', body: JSON.stringify(value) })
    expect(await codeOf(ask(routes.conversations(), body({ id: fresh })))).toBe('not-found')
    expect(await world.directory.find(`conversation/${fresh}` as never)).toBeNull()
    const tried: [string, RequestInit][] = [
      [routes.bots(), {}], [routes.bots(), body({ name: 'More' })], [routes.bot(id), { method: 'DELETE' }],
      [routes.tokens(), body({ name: 'more', scopes: { read: true } })], [routes.invitations(a), body({ role: 'viewer' })],
    ]
    for (const [path, init] of tried) expect(await codeOf(ask(path, init)), path).toBe('not-allowed')
  })

  test('is good for nothing when the bot is deleted, and stands in no list any more', async () => {
    const [one, two] = [await register('Deploys'), await register('Watcher')]
    const [gone, kept] = [await made(tokenFor(one.id)), await made(tokenFor(two.id))]
    await remove(one.id)
    expect([(await as(gone.secret)(routes.messages(a))).status, (await as(kept.secret)(routes.messages(a))).status]).toEqual([401, 200])
    expect(tokenList.parse(await (await ada.get(routes.tokens())).json()).tokens.map(({ id }) => id)).toEqual([kept.token.id])
    expect(await codeOf(ada.post(routes.rotateToken(gone.token.id), {}))).toBe('not-found')
  })

  test('is rotated, revoked and over like any other, and reaches the documents that it names', async () => {
    await ada.post(routes.conversations(), { id: b })
    const { id } = await register('Deploys')
    const narrow = await made(tokenFor(id, { documents: [`conversation/${b}`] }))
    expect(await codeOf(as(narrow.secret)(routes.messages(a)))).toBe('not-found')
    expect((await as(narrow.secret)(routes.messages(b))).status).toBe(200)
    const rotated = await made(ada.post(routes.rotateToken(narrow.token.id), {}))
    expect(await (await as(rotated.secret)(routes.me())).json()).toMatchObject({ principal: { kind: 'agent' } })
    expect((await as(narrow.secret)(routes.messages(b))).status).toBe(401)
    world.pass(91 * 24 * 60 * 60 * 1000)
    expect((await as(rotated.secret)(routes.messages(b))).status).toBe(401)
  })
})
