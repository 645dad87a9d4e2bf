/** Which pages may call this server. */
import { describe, expect, test } from 'vitest'
import { createOrigins } from './origins.ts'

const at = (host: string | undefined) => ({ address: '192.0.2.7', secure: false, host })

describe('a server that knows its public address', () => {
  const { mayUse, isGuestPage } = createOrigins(new URL('https://chat.example.org'), ['https://app.example.org'])

  test.each([undefined, 'https://chat.example.org', 'https://app.example.org'])('serves %s', origin => expect(mayUse(origin, at('chat.example.org'))).toBe(true))

  test.each([
    'http://chat.example.org', 'https://chat.example.org:444', 'https://evil.example', 'https://chat.example.org.evil.example', 'https://x.chat.example.org',
    'https://example.org', 'null', '', 'file://', 'chrome-extension://abc', 'https://app.example.org.evil.example', 'HTTPS://APP.EXAMPLE.ORG',
  ])('does not serve %j', origin => expect(mayUse(origin, at('chat.example.org'))).toBe(false))

  test('does not take a page for its own because it calls us by the name of the page', () => {
    expect(mayUse('http://evil.example', at('evil.example'))).toBe(false)
    expect(mayUse('http://localhost:4400', at('localhost:4400'))).toBe(true)
  })

  test('lets pages read answers that the operator named, and no others', () => {
    expect(isGuestPage('https://app.example.org')).toBe(true)
    expect(isGuestPage('https://chat.example.org')).toBe(false)
    expect(isGuestPage(undefined)).toBe(false)
  })
})

describe('a server that does not', () => {
  const { mayUse } = createOrigins(null, [])
  test('serves pages of the host that was asked for', () => expect(mayUse('http://192.168.1.5:4400', at('192.168.1.5:4400'))).toBe(true))
  test.each(['http://evil.example', 'null', 'http://192.168.1.5:4401'])('does not serve %j', origin => expect(mayUse(origin, at('192.168.1.5:4400'))).toBe(false))
  test('serves no page where there is no host', () => expect(mayUse('http://a.example', at(undefined))).toBe(false))
})
