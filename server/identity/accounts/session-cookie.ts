/**
 * The cookie that proves a session, as better-auth writes it: `<token>.<HMAC-SHA256 of it, base64>`, escaped. Over https its name begins
 * with `__Host-`, so that no other host of the same domain can plant one.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

/** What better-auth's cookies are called; it adds `.<name>`. */
export const cookiePrefix = (secure: boolean): string => secure ? '__Host-skein' : 'skein'
export const sessionCookieName = (secure: boolean): string => `${cookiePrefix(secure)}.session`

/** @returns the tokens that the `Cookie` header proves; more than one only when a browser sends the name twice */
export const readSessionTokens = (header: string, secure: boolean, secret: string): string[] => {
  const start = `${sessionCookieName(secure)}=`
  return header.split(';').map(pair => pair.trim()).flatMap(pair => pair.startsWith(start) ? verify(pair.slice(start.length), secret) ?? [] : [])
}

/** @param seconds how long the browser keeps it; 0: it forgets it */
export const writeSessionCookie = (token: string, secure: boolean, secret: string, seconds: number): string => {
  const value = token && encodeURIComponent(`${token}.${sign(token, secret)}`)
  return `${sessionCookieName(secure)}=${value}; Max-Age=${seconds}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
}

const verify = (escaped: string, secret: string): string | null => {
  const value = unescapeText(escaped)
  const dot = value.lastIndexOf('.')
  if (dot <= 0) return null
  const token = value.slice(0, dot)
  const [given, expected] = [Buffer.from(value.slice(dot + 1)), Buffer.from(sign(token, secret))]
  return given.length === expected.length && timingSafeEqual(given, expected) ? token : null
}

const sign = (token: string, secret: string): string => createHmac('sha256', secret).update(token).digest('base64')

const unescapeText = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
