/** `/api/me`: who a browser is, and that nothing else makes anybody a guest. */
import { describe, expect, test } from 'vitest'
import { plainEdge } from '../edge/config.ts'
import { codeOf, signedInBrowser } from '../../test/rig/api-browser.ts'
import { a, createApiWorld, requestIdOf, START } from '../../test/rig/api-world.ts'
import { routes } from '../../shared/api/routes.ts'
import * as schemas from '../../shared/api/schemas.ts'
import { errorTable } from '../../shared/errors.ts'

describe('who am I', () => {
  test('a browser that nobody knows becomes a guest, and stays that guest', async () => {
    const { me, get } = await signedInBrowser()
    expect(me).toMatchObject({ principal: { kind: 'guest' }, defaultAgent: 'guide', limits: { messageBytes: 262144, frameBytes: 8388608 } })
    expect(me.agents).toEqual([{ id: 'guide', name: 'Guide', description: 'Not a language model.', isLanguageModel: false }])
    expect(schemas.me.parse(await (await get(routes.me())).json()).principal).toEqual(me.principal)
  })

  test('a forged cookie makes a new guest, not the one it names', async () => {
    const { me, world } = await signedInBrowser()
    const response = await world.request(routes.me(), { headers: { cookie: `skein_guest=${me.principal.id}.${START}.${'A'.repeat(43)}` } })
    expect(schemas.me.parse(await response.json()).principal.id).not.toBe(me.principal.id)
    expect(response.headers.get('set-cookie')).toMatch(/^skein_guest=.*HttpOnly/)
  })

  test('over https the cookie is Secure, also where the proxy in front speaks it', async () => {
    const world = await createApiWorld()
    const cookieOf = async (url: string, headers = {}) => (await world.request(url, { headers })).headers.get('set-cookie')
    expect(await cookieOf('http://localhost/api/me')).not.toContain('Secure')
    expect(await cookieOf('https://localhost/api/me')).toContain('; Secure')
    expect(await cookieOf('http://localhost/api/me', { 'x-forwarded-proto': 'https' })).not.toContain('Secure')
    const behind = await createApiWorld({ edge: { ...plainEdge, publicUrl: new URL('https://chat.example.org') } })
    expect((await behind.request('http://localhost/api/me')).headers.get('set-cookie')).toContain('; Secure')
  })

  test.each([
    ['GET', routes.conversations()],
    ['POST', routes.conversations()],
    ['GET', routes.messages(a)],
    ['GET', routes.request(a, requestIdOf(1))],
    ['POST', routes.invitations(a)],
    ['POST', routes.invitations(a, 'artifact')],
    ['POST', routes.acceptInvitation()],
    ['GET', routes.feed()],
  ])('%s %s makes nobody a guest', async (method, path) => {
    const response = await (await createApiWorld()).request(path, { method, headers: { 'Content-Type': 'application/json' } })
    expect(response.headers.get('set-cookie')).toBeNull()
    expect(await codeOf(response)).toBe('unauthenticated')
  })

  test('and says so to a program in other words than to a page, which can be reloaded', async () => {
    const world = await createApiWorld()
    const told = async (headers: Record<string, string> = {}): Promise<string> =>
      (await (await world.request(routes.conversations(), { headers })).json() as { detail: string }).detail
    expect(await told()).toMatch(/nothing was done\. Send a token that is good as "Authorization: Bearer …"/)
    expect(await told({ 'sec-fetch-site': 'same-origin' })).toBe(errorTable.unauthenticated.message)
  })
})
