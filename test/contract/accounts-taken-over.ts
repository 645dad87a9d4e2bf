/**
 * Whoever makes an account of somebody else's address first keeps nothing of it when the person comes; part of the contract of accounts
 * (accounts.ts).
 */
import { describe, expect, test } from 'vitest'
import type { AskedDevice, NewDeviceLink } from '../../shared/api/device-schemas.ts'
import type { IssuedToken, TokenList, Ticket } from '../../shared/api/token-schemas.ts'
import { LINK_PREFIX, routes } from '../../shared/api/routes.ts'
import type { Passkey } from '../../shared/api/account-schemas.ts'
import { Authenticator } from '../rig/authenticator.ts'
import { newConversationId } from '../rig/conversation.ts'
import type { HttpBrowser } from '../rig/http-browser.ts'
import { addPasskey, signInByPasskey } from './accounts-passkeys.ts'

export interface TakenOverWorld {
  browser(): HttpBrowser
  signedIn(email: string): Promise<HttpBrowser>
  signIn(who: HttpBrowser, email: string, password?: string): Promise<Response>
  openSocket(who: HttpBrowser): Promise<{ closed: Promise<number> }>
  url(): string
  /** The secret of a link for a new password that the operator made. */
  resetLink(email: string): Promise<string>
  /** As a link in a mail does it. */
  confirm(email: string): Promise<void>
  /** Something in the account of this address that a provider would have made. */
  linkProvider(email: string): Promise<void>
}

const { auth } = routes
const NEW = 'the own new password'

export const takenOverContract = (world: TakenOverWorld): void => void describe('an account that changes hands', () => {
  const { browser, signedIn, signIn, openSocket } = world
  const json = async <T>(answer: Promise<Response>): Promise<T> => {
    const response = await answer
    expect(response.status, await response.clone().text()).toBeLessThan(300)
    return await response.json() as T
  }
  const bear = (secret: string, path: string): Promise<Response> => fetch(world.url() + path, { headers: { authorization: `Bearer ${secret}` } })

  /** All that lets somebody in later, by somebody who is signed in. */
  const prepare = async (who: HttpBrowser, email: string) => {
    const key = new Authenticator(world.url())
    await addPasskey(who, key)
    const token = await json<IssuedToken>(who.post(routes.tokens(), { name: 'bot', scopes: { read: true, write: true } }))
    const { ticket } = await json<Ticket>(who.post(routes.tickets(), {}))
    const { id: talk } = await json<{ id: string }>(who.post(routes.conversations(), { id: newConversationId() }))
    const { secret: invitation } = await json<{ secret: string }>(who.post(routes.invitations(talk), { role: 'editor' }))
    const { secret: share } = await json<{ secret: string }>(who.post(routes.shareLinks(talk), {}))
    const { id: link, url } = await json<NewDeviceLink>(who.post(routes.deviceLinks()))
    const { claim } = await json<AskedDevice>(browser().post(routes.askForDevice(), { code: new URL(url).hash.slice(1) }))
    expect((await who.post(routes.confirmDeviceLink(link))).status).toBe(204)
    await world.linkProvider(email)
    const other = browser()
    await signInByPasskey(other, key)
    const sockets = [await openSocket(who), await openSocket(other)]
    const earlierLink = await world.resetLink(email)
    return { key, token, ticket, talk, invitation, share, claim, other, sockets, earlierLink }
  }
  const waysIn = async (mine: Awaited<ReturnType<typeof prepare>>, who: HttpBrowser) => ({
    session: (await who.get(auth.account())).status,
    otherSession: (await mine.other.get(auth.account())).status,
    passkey: (await signInByPasskey(browser(), mine.key)).status,
    token: (await bear(mine.token.secret, routes.conversations())).status,
    feedByTicket: await fetch(`${world.url()}${routes.feed()}?ticket=${mine.ticket}`).then(async ({ status, body }) => (await body?.cancel(), status)),
    invitation: await (async () => {
      const guest = browser()
      await guest.me()
      return (await guest.post(routes.acceptInvitation(), { secret: mine.invitation })).status
    })(),
    shareLink: (await bear(LINK_PREFIX + mine.share, routes.messages(mine.talk))).status,
    device: (await browser().post(routes.collectDevice(), { claim: mine.claim })).status,
    earlierLink: (await browser().post(auth.reset(), { token: mine.earlierLink, password: 'mallory comes again' })).status,
  })

  test('by a new password while its address was never confirmed: nothing lets in who had it before', async () => {
    const email = 'taken@example.org'
    const mallory = await signedIn(email)
    const mine = await prepare(mallory, email)
    const token = await world.resetLink(email)
    expect(await json(browser().post(auth.reset(), { token, password: NEW }))).toEqual({ everything: true })
    for (const { closed } of mine.sockets) expect(await closed).toBe(4401)
    expect(await waysIn(mine, mallory)).toEqual({
      session: 401, otherSession: 401, passkey: 401, token: 401, feedByTicket: 401, invitation: 404, shareLink: 401,
        device: 410, earlierLink: 410,
    })
    expect((await signIn(browser(), email)).status).toBe(401)
    const own = browser()
    expect((await signIn(own, email, NEW)).status).toBe(200)
    expect(await json(own.get(auth.account()))).toMatchObject({ email, emailConfirmed: false, providers: [], hasPassword: true })
    expect(await json<{ passkeys: Passkey[] }>(own.get(auth.passkeys()))).toEqual({ passkeys: [] })
    expect(await json<TokenList>(own.get(routes.tokens()))).toEqual({ tokens: [] })
  })

  test('a new password of a confirmed address ends its sessions; passkeys, tokens and links stay, listed', async () => {
    const email = 'forgot@example.org'
    const before = await signedIn(email)
    await world.confirm(email)
    const mine = await prepare(before, email)
    const token = await world.resetLink(email)
    expect(await json(browser().post(auth.reset(), { token, password: NEW }))).toEqual({ everything: false })
    for (const { closed } of mine.sockets) expect(await closed).toBe(4401)
    const own = browser()
    expect((await signIn(own, email, NEW)).status).toBe(200)
    expect((await json<{ passkeys: Passkey[] }>(own.get(auth.passkeys()))).passkeys).toHaveLength(1)
    expect((await json<TokenList>(own.get(routes.tokens()))).tokens).toHaveLength(1)
    expect(await waysIn(mine, before)).toEqual({
      session: 401, otherSession: 401, passkey: 200, token: 200, feedByTicket: 401, invitation: 200, shareLink: 200,
        device: 410, earlierLink: 410,
    })
  })

  test('and all of it, when the person says so', async () => {
    const email = 'doubts@example.org'
    const before = await signedIn(email)
    await world.confirm(email)
    const mine = await prepare(before, email)
    const token = await world.resetLink(email)
    expect(await json(browser().post(auth.reset(), { token, password: NEW, everything: true }))).toEqual({ everything: true })
    expect(await waysIn(mine, before)).toMatchObject({ passkey: 401, token: 401, invitation: 404, shareLink: 401 })
    const own = browser()
    expect((await signIn(own, email, NEW)).status).toBe(200)
    expect(await json(own.get(auth.account()))).toMatchObject({ emailConfirmed: true, providers: [] })
  })

  test('a link that is none ends nothing', async () => {
    const email = 'untouched@example.org'
    const own = await signedIn(email)
    for (const token of ['x', 'handed-x']) {
      expect((await browser().post(auth.reset(), { token, password: NEW, everything: true })).status).toBe(410)
    }
    expect((await own.get(auth.account())).status).toBe(200)
  })
})
