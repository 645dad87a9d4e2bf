/** Who calls: the peer, or whom a trusted proxy names, and nobody else's headers. */
import { describe, expect, test } from 'vitest'
import { parseRanges } from './address.ts'
import { createCallerOf } from './caller.ts'
import type { ProxyHeaders } from './caller.ts'

const PROXY = '10.0.0.1'
const ranges = parseRanges(['10.0.0.0/8', 'fd00::/8']).ranges

const callerOf = (peer: string | undefined, headers: Record<string, string | string[]>, kind: ProxyHeaders = 'x-forwarded', encrypted = false) =>
  createCallerOf(ranges, kind)({ socket: { remoteAddress: peer, encrypted }, headers: { host: 'asked.example', ...headers } })

const FORGED = {
  'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.example', 'x-real-ip': '203.0.113.9',
  forwarded: 'for=203.0.113.9;proto=https;host=evil.example',
}

describe('a caller that is no proxy of ours', () => {
  test.each(['x-forwarded', 'forwarded'] as const)('is who the connection says, whatever it sends (%s)', kind => {
    expect(callerOf('192.0.2.7', FORGED, kind)).toEqual({ address: '192.0.2.7', secure: false, host: 'asked.example' })
  })
  test('over TLS is secure', () => expect(callerOf('::ffff:192.0.2.7', {}, 'x-forwarded', true)).toMatchObject({ address: '192.0.2.7', secure: true }))
  test('that is gone already has no address', () => expect(callerOf(undefined, FORGED).address).toBe('unknown'))
})

describe('behind a proxy that sets X-Forwarded-…', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['203.0.113.9, 192.0.2.7', '192.0.2.7'],
    ['203.0.113.9, 192.0.2.7, 10.0.0.2', '192.0.2.7'],
    ['10.0.0.9, 192.0.2.7', '192.0.2.7'],
    ['10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['192.0.2.7, nonsense', PROXY],
    ['192.0.2.7, nonsense, 10.0.0.2', '10.0.0.2'],
    ['2001:db8::7', '2001:db8::7'],
    ['"192.0.2.7"', PROXY],
    ['', PROXY],
  ])('%j says that %s calls', (list, address) => expect(callerOf(PROXY, { 'x-forwarded-for': list }).address).toBe(address))

  test('scheme and host are those of the nearest proxy', () => {
    expect(callerOf(PROXY, { ...FORGED, 'x-forwarded-proto': 'http, https', 'x-forwarded-host': 'evil.example, chat.example.org' }))
      .toEqual({ address: '203.0.113.9', secure: true, host: 'chat.example.org' })
    expect(callerOf(PROXY, { 'x-forwarded-for': '192.0.2.7' })).toMatchObject({ secure: false, host: 'asked.example' })
  })

  test('Forwarded, which it passes on as it came, is not read', () => {
    expect(callerOf(PROXY, { 'x-forwarded-for': '192.0.2.7', forwarded: FORGED.forwarded })).toEqual({ address: '192.0.2.7', secure: false, host: 'asked.example' })
  })
})

describe('behind a proxy that sets Forwarded', () => {
  test.each([
    ['for=192.0.2.7', '192.0.2.7'],
    ['for=203.0.113.9, For="[2001:db8:cafe::17]:4711";proto=https', '2001:db8:cafe::17'],
    ['for=203.0.113.9;host="a,for=10.0.0.9", for=192.0.2.7;by=10.0.0.2, for=10.0.0.2', '192.0.2.7'],
    ['for=192.0.2.7, for=unknown', PROXY],
    ['for=_secret', PROXY],
    ['', PROXY],
  ])('%j says that %s calls', (forwarded, address) => expect(callerOf(PROXY, { forwarded }, 'forwarded').address).toBe(address))

  test('scheme and host are those of the nearest proxy', () => {
    expect(callerOf(PROXY, { forwarded: 'for=1.2.3.4;proto=http;host=evil.example, for=192.0.2.7;proto=HTTPS;host=chat.example.org' }, 'forwarded'))
      .toEqual({ address: '192.0.2.7', secure: true, host: 'chat.example.org' })
  })

  test('X-Forwarded-For is not read', () => {
    expect(callerOf(PROXY, { ...FORGED, forwarded: 'for=192.0.2.7' }, 'forwarded')).toEqual({ address: '192.0.2.7', secure: false, host: 'asked.example' })
  })
})
