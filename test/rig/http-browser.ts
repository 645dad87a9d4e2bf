/** A browser as far as HTTP goes: it keeps cookies, and says from which page it asks. */
import { routes } from '../../shared/api/routes.ts'

export interface HttpBrowser {
  /** Name → value, as it stands now. */
  readonly cookies: Map<string, string>
  readonly cookie: string
  get(path: string): Promise<Response>
  send(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<Response>
  post(path: string, body?: unknown): Promise<Response>
  /** Follows redirects by hand: each one's cookies are kept. */
  navigate(url: string): Promise<Response>
  /** As a form of that page does. */
  submit(url: string, fields: Record<string, string>): Promise<Response>
  /** Becomes a guest, or whoever the cookies prove. */
  me(): Promise<{ id: string, name: string, kind: string }>
}

/** @param url `http://host` */
export const httpBrowser = (url: string, headers: Record<string, string> = {}): HttpBrowser => {
  const cookies = new Map<string, string>()
  const header = (): string => [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const request = async (target: string, init: RequestInit = {}): Promise<Response> => {
    const response = await fetch(target, { redirect: 'manual', ...init, headers: { ...headers, ...init.headers, cookie: header() } })
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!
      if (value === '' || /max-age=0/i.test(line)) cookies.delete(name!)
      else cookies.set(name!, value!)
    }
    return response
  }
  const send: HttpBrowser['send'] = (method, path, body) => request(url + path, {
    method, headers: { origin: url, ...method !== 'DELETE' && { 'content-type': 'application/json' } },
    ...method !== 'DELETE' && { body: JSON.stringify(body ?? {}) },
  })
  return {
    cookies,
    get cookie() { return header() },
    get: path => request(url + path),
    send,
    post: (path, body) => send('POST', path, body),
    navigate: target => request(target),
    submit: (target, fields) =>
      request(target, { method: 'POST', body: new URLSearchParams(fields), headers: { origin: new URL(target).origin } }),
    me: async () => {
      const { principal } = await (await request(url + routes.me())).json() as { principal: { id: string, name: string, kind: string } }
      return principal
    },
  }
}
