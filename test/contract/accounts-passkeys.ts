/** Passkeys of an authenticator that makes real keys and signatures: part of the contract of accounts (accounts.ts). */
import { describe, expect, test } from 'vitest'
import type { Passkey } from '../../shared/api/account-schemas.ts'
import { routes } from '../../shared/api/routes.ts'
import { Authenticator } from '../rig/authenticator.ts'
import type { HttpBrowser } from '../rig/http-browser.ts'

export interface PasskeyWorld {
  browser(): HttpBrowser
  signedIn(email: string): Promise<HttpBrowser>
  auditOf(event: string): Record<string, unknown>[]
  url(): string
}

const { auth } = routes
type Options = Parameters<Authenticator['make']>[0]

const optionsOf = async (who: HttpBrowser, path: string): Promise<Options> => {
  const answer = await who.post(path)
  expect(answer.status).toBe(200)
  return await answer.json() as Options
}

/** A new passkey of the account that this browser is signed in to. */
export const addPasskey = async (who: HttpBrowser, key: Authenticator, name = 'Key'): Promise<void> => {
  const response = key.make(await optionsOf(who, auth.passkeysOptions()))
  const answer = await who.post(auth.passkeys(), { response, name })
  expect(answer.status, await answer.clone().text()).toBe(201)
}

export const signInByPasskey = async (who: HttpBrowser, key: Authenticator): Promise<Response> =>
  who.post(auth.passkeySignIn(), { response: key.prove(await optionsOf(who, auth.passkeySignInOptions())) })

export const passkeyContract = ({ browser, signedIn, auditOf, url }: PasskeyWorld): void => void describe('passkeys', () => {
  const newKey = (): Authenticator => new Authenticator(url())
  const codeOf = async (answer: Response): Promise<string> => `${answer.status} ${(await answer.json() as { code: string }).code}`

  test('are added, sign the same person in on another browser, and are listed', async () => {
    const [own, key] = [await signedIn('key@example.org'), newKey()]
    await addPasskey(own, key, 'Blue key')
    const { passkeys: [listed, ...more] } = await (await own.get(auth.passkeys())).json() as { passkeys: Passkey[] }
    expect([listed!.name, more]).toEqual(['Blue key', []])
    const elsewhere = browser()
    await elsewhere.me()
    for (let times = 0; times < 2; times++) expect((await signInByPasskey(elsewhere, key)).status).toBe(200)
    expect(await elsewhere.me()).toEqual(await own.me())
    expect([...elsewhere.cookies.keys()]).toContain('skein.session')
    expect(auditOf('signed-in')).toContainEqual(expect.objectContaining({ principal: (await own.me()).id, about: { how: 'passkey' } }))
  })

  test('that were removed let nobody in', async () => {
    const [own, key] = [await signedIn('removed-key@example.org'), newKey()]
    await addPasskey(own, key)
    const { passkeys: [{ id }] } = await (await own.get(auth.passkeys())).json() as { passkeys: [Passkey] }
    const stranger = await signedIn('stranger-to-key@example.org')
    expect((await stranger.send('DELETE', auth.passkey(id))).status).toBe(404)
    expect((await signInByPasskey(browser(), key)).status).toBe(200)
    expect((await own.send('DELETE', auth.passkey(id))).status).toBe(204)
    expect(await codeOf(await signInByPasskey(browser(), key))).toBe('401 sign-in-failed')
  })

  test('sign in once by one answer, and only in the browser that was asked', async () => {
    const [own, key, asked, other] = [await signedIn('replayed-key@example.org'), newKey(), browser(), browser()]
    await addPasskey(own, key)
    const response = key.prove(await optionsOf(asked, auth.passkeySignInOptions()))
    expect(await codeOf(await other.post(auth.passkeySignIn(), { response }))).toBe('410 link-spent')
    expect((await asked.post(auth.passkeySignIn(), { response })).status).toBe(200)
    expect((await asked.post(auth.passkeySignIn(), { response })).status).toBe(410)
    // Asked anew, the old answer is to another question.
    await optionsOf(other, auth.passkeySignInOptions())
    expect(await codeOf(await other.post(auth.passkeySignIn(), { response }))).toBe('401 sign-in-failed')
    expect(await other.me()).toMatchObject({ kind: 'guest' })
  })

  test.each<[string, (key: Authenticator) => void]>([
    ['on a page of another site', key => { key.origin = 'https://evil.example' }],
    ['by a copy that does not know how often it signed', key => { key.counter = 0 }],
  ])('do not sign in %s', async (_, happen) => {
    const [own, key] = [await signedIn(`odd-key-${_.length}@example.org`), newKey()]
    await addPasskey(own, key)
    for (let times = 0; times < 2; times++) expect((await signInByPasskey(browser(), key)).status).toBe(200)
    happen(key)
    const who = browser()
    expect(await codeOf(await signInByPasskey(who, key))).toBe('401 sign-in-failed')
    expect(await who.me()).toMatchObject({ kind: 'guest' })
  })

  test('of somebody else under the same name sign nobody in', async () => {
    const [own, key, forged] = [await signedIn('forged-key@example.org'), newKey(), newKey()]
    await addPasskey(own, key)
    forged.make({ challenge: 'x' })
    const who = browser()
    const response = forged.prove(await optionsOf(who, auth.passkeySignInOptions()))
    const { id, rawId } = key.prove({ challenge: 'x' })
    expect(await codeOf(await who.post(auth.passkeySignIn(), { response: { ...response, id, rawId } }))).toBe('401 sign-in-failed')
  })
})
