/** A real OpenID provider on loopback, with its pages for sign-in and consent; whatever name is given there is let in. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'
import { httpBrowser } from './http-browser.ts'

export interface OidcServer {
  readonly issuer: string
  /** What happens when ours asks who it was that signed in here, before it is told. */
  beforeItTells: () => Promise<unknown>
  /** Takes one of our browsers through the provider's pages. @returns the address at ours where the provider sends it back to */
  signIn(url: string, login: string): Promise<string>
  close(): Promise<void>
}

export const CLIENT = { id: 'skein', secret: 'a secret of the client' }

/** @param redirectUri the callback at ours; others are refused */
export const startOidcServer = async (redirectUri: () => string): Promise<OidcServer> => {
  const http = createServer()
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  let provider: Provider | null = null
  const handler = () => provider ??= new Provider(issuer, {
    clients: [{ client_id: CLIENT.id, client_secret: CLIENT.secret, redirect_uris: [redirectUri()], grant_types: ['authorization_code'] }],
    pkce: { required: () => true },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_context: unknown, id: string) => ({
      accountId: id, claims: async () => ({ sub: id, email: `${id}@idp.example.org`, email_verified: true, name: `${id} of elsewhere` }),
    }),
  })
  const server: OidcServer = {
    issuer,
    beforeItTells: async () => {},
    signIn: async (url, login) => {
      const browser = httpBrowser(issuer)
      let next = url
      for (let step = 0; step < 12; step++) {
        const at = new URL(next, issuer)
        if (at.origin !== issuer) return at.href
        const interaction = at.pathname.startsWith('/interaction/')
        const page = await browser.navigate(at.href)
        const text = await page.text()
        const fields: Record<string, string> = /name="prompt" value="login"/.test(text) ? { prompt: 'login', login, password: 'x' } : { prompt: 'consent' }
        const answer = interaction ? await browser.submit(at.href, fields) : page
        next = answer.headers.get('location') ?? ''
        if (!next) throw new Error(`The provider led nowhere: ${answer.status} ${text.slice(0, 300)}`)
      }
      throw new Error('The provider led in a circle.')
    },
    close: async () => {
      http.closeAllConnections()
      await new Promise(resolve => http.close(resolve))
    },
  }
  http.on('request', (request, response) => void (async () => {
    if (request.url?.startsWith('/token')) await server.beforeItTells()
    void handler().callback()(request, response)
  })())
  return server
}
