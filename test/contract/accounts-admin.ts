/** What an admin sees and does, and nobody else: a part of the contract of accounts. */
import { describe, expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import type { AccountsPage, InviteCodes, NewInviteCode } from '../../shared/api/account-schemas.ts'
import { routes } from '../../shared/api/routes.ts'
import { httpBrowser } from '../rig/http-browser.ts'
import type { HttpBrowser } from '../rig/http-browser.ts'

/** A server whose first account is ada@example.org. */
export interface AdminWorld {
  browser(): HttpBrowser
  signIn(who: HttpBrowser, email: string, password?: string): Promise<Response>
  /** Signs up, too. */
  signedIn(email: string, name?: string): Promise<HttpBrowser>
  openSocket(who: HttpBrowser): Promise<{ socket: WebSocket, closed: Promise<number> }>
  auditOf(event: string): Record<string, unknown>[]
  log(): readonly unknown[]
  url(): string
}

const { auth } = routes
const problem = async (response: Response) => ({ status: response.status, code: (await response.json() as { code: string }).code })
const json = async <T>(response: Promise<Response>): Promise<T> => (await response).json() as Promise<T>

export const adminContract = ({ browser, signIn, signedIn, openSocket, auditOf, log, url }: AdminWorld): void => {
  describe('the admin', () => {
    test('is the first account; to everybody else there is no such route', async () => {
      const [admin, other] = [browser(), await signedIn('other@example.org')]
      await signIn(admin, 'ada@example.org')
      const page = await json<AccountsPage>(admin.get(auth.accounts()))
      expect(page.accounts[0]).toMatchObject({ email: 'ada@example.org', role: 'admin', disabledAt: null })
      expect(page.accounts.filter(({ role }) => role === 'admin')).toHaveLength(1)
      for (const who of [other, browser()]) expect((await who.get(auth.accounts())).status).toBe(404)
      expect((await other.post(auth.inviteCodes())).status).toBe(404)
      expect((await other.send('PATCH', auth.otherAccount(page.accounts[0]!.id), { disabled: true })).status).toBe(404)
    })

    test('disables an account: its sessions and sockets end, it gets none, until it is enabled', async () => {
      const [admin, member] = [browser(), await signedIn('member@example.org')]
      await signIn(admin, 'ada@example.org')
      const { id } = await member.me()
      const socket = await openSocket(member)
      expect((await admin.send('PATCH', auth.otherAccount(id), { disabled: true })).status).toBe(200)
      expect(await socket.closed).toBe(4401)
      expect((await member.get(auth.account())).status).toBe(401)
      expect(await problem(await signIn(member, 'member@example.org'))).toMatchObject({ status: 403, code: 'account-disabled' })
      expect(await problem(await signIn(member, 'member@example.org', 'a wrong password'))).toMatchObject({ code: 'sign-in-failed' })
      await admin.send('PATCH', auth.otherAccount(id), { disabled: false })
      expect((await signIn(member, 'member@example.org')).status).toBe(200)
    })

    test('sees when somebody was there last, and on no device that nobody is', async () => {
      const [admin, who] = [browser(), await signedIn('seen@example.org')]
      await signIn(admin, 'ada@example.org')
      const { id } = await who.me()
      const seen = async () => (await json<AccountsPage>(admin.get(auth.accounts()))).accounts.find(each => each.id === id)!.lastSeenAt
      expect(Date.now() - (await seen())!).toBeLessThan(60_000)
      await who.post(auth.signOut())
      expect(await seen()).toBeNull()
    })

    test('makes another one, who is none any more as soon as that is taken back', async () => {
      const [admin, other] = [browser(), await signedIn('deputy@example.org')]
      await signIn(admin, 'ada@example.org')
      const { id } = await other.me()
      expect((await admin.send('PATCH', auth.otherAccount(id), { role: 'admin' })).status).toBe(200)
      expect((await other.get(auth.accounts())).status).toBe(200)
      expect((await admin.send('PATCH', auth.otherAccount(id), { role: 'user' })).status).toBe(200)
      expect((await other.get(auth.accounts())).status).toBe(404)
      expect((await admin.send('PATCH', auth.otherAccount('nobody'), { role: 'admin' })).status).toBe(404)
      expect((await admin.send('PATCH', auth.otherAccount(id), { role: 'king' })).status).toBe(422)
      expect(auditOf('account.changed').map(line => line['about'])).toContainEqual({ account: id, role: 'admin' })
    })

    test('gives somebody a link for a new password, good once', async () => {
      const [admin, forgetful] = [browser(), await signedIn('forgetful@example.org')]
      await signIn(admin, 'ada@example.org')
      const made = await admin.post(auth.resetLink((await forgetful.me()).id))
      expect(made.status).toBe(201)
      const token = (await made.json() as { path: string }).path.split('#')[1]!
      expect((await browser().post(auth.reset(), { token, password: 'a new long password' })).status).toBe(200)
      expect((await forgetful.get(auth.account())).status).toBe(401)
      expect((await browser().post(auth.reset(), { token, password: 'another long one' })).status).toBe(410)
      expect(auditOf('reset-link.created')).toHaveLength(1)
      expect(JSON.stringify(log())).not.toContain(token)
    })

    test('deletes an account, whose sockets end and whose conversations go', async () => {
      const [admin, member] = [browser(), await signedIn('deleted@example.org')]
      await signIn(admin, 'ada@example.org')
      const { id } = await member.me()
      const socket = await openSocket(member)
      expect((await admin.send('DELETE', auth.otherAccount(id))).status).toBe(204)
      expect([4401, 4410]).toContain(await socket.closed)
      expect((await member.get(auth.account())).status).toBe(401)
      expect((await signIn(browser(), 'deleted@example.org')).status).toBe(401)
      expect((await admin.send('DELETE', auth.otherAccount(id))).status).toBe(404)
      expect(auditOf('account.deleted').at(-1)).toMatchObject({ principal: (await admin.me()).id, about: { account: id } })
    })

    test('lists invitations without their codes, and withdraws one', async () => {
      const admin = browser()
      await signIn(admin, 'ada@example.org')
      const { code } = await json<NewInviteCode>(admin.post(auth.inviteCodes()))
      const list = async () => (await json<InviteCodes>(admin.get(auth.inviteCodes()))).inviteCodes
      const before = await list()
      expect(before[0]).toMatchObject({ createdBy: (await admin.me()).id })
      expect(JSON.stringify(before)).not.toContain(code)
      expect((await admin.send('DELETE', auth.inviteCode(before[0]!.id))).status).toBe(204)
      expect((await admin.send('DELETE', auth.inviteCode(before[0]!.id))).status).toBe(404)
      expect(await list()).toEqual(before.slice(1))
    })

    test('nobody else does any of it, nor does a token of the admin\'s', async () => {
      const [admin, other] = [browser(), await signedIn('nosy@example.org')]
      await signIn(admin, 'ada@example.org')
      const { id } = await other.me()
      const { secret } = await json<{ secret: string }>(admin.post('/api/tokens', { name: 'bot', scopes: { read: true, write: true } }))
      const bot = httpBrowser(url(), { authorization: `Bearer ${secret}` })
      for (const who of [other, browser(), bot]) {
        const answers = [
          await who.get(auth.accounts()), await who.send('PATCH', auth.otherAccount(id), { role: 'admin' }), await who.send('DELETE', auth.otherAccount(id)),
          await who.post(auth.resetLink(id)), await who.get(auth.inviteCodes()), await who.post(auth.inviteCodes()),
          await who.send('DELETE', auth.inviteCode('any')), await who.get(auth.providerKeys()),
        ]
        expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(404))
      }
      expect((await other.get(auth.account())).status).toBe(200)
    })

    test('cannot shut itself out', async () => {
      const admin = browser()
      await signIn(admin, 'ada@example.org')
      const { id } = await admin.me()
      const answers = [
        await admin.send('PATCH', auth.otherAccount(id), { disabled: true }), await admin.send('PATCH', auth.otherAccount(id), { role: 'user' }),
        await admin.send('DELETE', auth.otherAccount(id)), await admin.post(auth.resetLink(id)),
      ]
      expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403])
    })
  })
}
