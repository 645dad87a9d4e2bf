/** How much of the API one person and one address may ask, as a caller sees it. */
import { describe, expect, it } from 'vitest'
import { a, createApiWorld } from '../../test/rig/api-world.ts'
import type { ApiWorld } from '../../test/rig/api-world.ts'
import { routes } from '../../shared/api/routes.ts'
import { serverLimits } from '../../shared/limits.ts'

const person = async (world: ApiWorld) => {
  const browser = world.browser()
  await browser.get(routes.me())
  return browser
}

const auditOf = ({ lines }: ApiWorld) => lines.filter(({ fields }) => fields['event'] === 'rate.limited').map(({ fields }) => fields)

describe('limits of a person', () => {
  it('are as many reads in a minute, then 429 that says when, and nobody else is concerned', async () => {
    const world = await createApiWorld({ limits: { readsPerMinutePerPerson: 4 } })
    const [ada, bob] = [await person(world), await person(world)]
    // The first one was to ask who she is.
    for (let i = 0; i < 4; i++) expect((await ada.get(routes.conversations())).status).toBe(200)
    const refused = await ada.get(routes.conversations())
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '15'])
    expect(await refused.json()).toMatchObject({ code: 'rate-limited', status: 429, detail: expect.stringContaining('wait a little') })
    expect((await bob.get(routes.conversations())).status).toBe(200)
    expect((await ada.post(routes.conversations(), {})).status).toBe(201)
    expect(auditOf(world)).toMatchObject([{ outcome: 'refused', address: 'unknown', principal: expect.stringMatching(/^guest-/) }])
    world.pass(15_000)
    expect((await ada.get(routes.conversations())).status).toBe(200)
    expect((await ada.get(routes.me())).status).toBe(429)
  })

  it('are for writes and for invitations each by themselves', async () => {
    const { post } = await person(await createApiWorld({ limits: { writesPerMinutePerPerson: 2, credentialsPerMinutePerPerson: 1 } }))
    await post(routes.conversations(), { id: a })
    const invite = () => post(routes.invitations(a), { role: 'viewer' })
    expect([(await invite()).status, (await invite()).status]).toEqual([201, 429])
    expect([(await post(routes.conversations(), {})).status, (await post(routes.conversations(), {})).status]).toEqual([201, 429])
  })
})

describe('open feeds', () => {
  it('one person has so many at once, and has room again when a page has left', async () => {
    const world = await createApiWorld({ limits: { streamsPerPerson: 1 } })
    const [ada, bob] = [await person(world), await person(world)]
    const first = await ada.get(routes.feed())
    const refused = await ada.get(routes.feed())
    expect([first.status, refused.status]).toEqual([200, 429])
    expect(await refused.json()).toMatchObject({ code: 'too-many-connections' })
    const his = await bob.get(routes.feed())
    await first.body!.cancel()
    const again = await ada.get(routes.feed())
    expect([his.status, again.status]).toEqual([200, 200])
    for (const { body } of [his, again]) await body!.cancel()
  })
})

describe('limits of an address', () => {
  const json = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }

  it.each([
    ['readsPerMinutePerAddress', routes.conversations(), {}, 401],
    ['writesPerMinutePerAddress', routes.conversations(), json, 401],
    ['writesPerMinutePerAddress', routes.invitations(a), json, 401],
    ['signInsPerMinutePerAddress', routes.acceptInvitation(), json, 401],
    ['newGuestsPerMinutePerAddress', routes.me(), {}, 200],
  ] as const)('%s hold for %s, whoever it is', async (limit, path, init, usual) => {
    const world = await createApiWorld({ limits: { [limit]: 2 } })
    const statuses = []
    for (let i = 0; i < 4; i++) statuses.push((await world.request(path, init)).status)
    expect(statuses).toEqual([usual, usual, 429, 429])
    expect(auditOf(world)).toHaveLength(1)
    expect((await world.request(routes.health())).status).toBe(200)
  })

  it('for new guests are not for those who are known', async () => {
    const { get } = await person(await createApiWorld({ limits: { newGuestsPerMinutePerAddress: 1 } }))
    for (let i = 0; i < 5; i++) expect((await get(routes.me())).status).toBe(200)
  })
})

it('without accounts there is nobody to protect from anybody', async () => {
  const ones = Object.fromEntries(Object.keys(serverLimits).map(name => [name, 1]))
  const { get } = (await createApiWorld({ openToAll: true, limits: ones })).browser()
  for (let i = 0; i < 5; i++) expect((await get(routes.conversations())).status).toBe(200)
})
