// Where a person is told to open the server.
import type { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import { whereToOpen } from './where-to-open.ts'

const card = (address: string, family: 'IPv4' | 'IPv6', internal = false) => ({ address, family, internal, netmask: '', mac: '', cidr: null, scopeid: 0 })
const interfaces = {
  lo: [card('127.0.0.1', 'IPv4', true), card('::1', 'IPv6', true)], eth0: [card('192.168.1.7', 'IPv4'), card('fe80::1', 'IPv6')]
} as ReturnType<typeof networkInterfaces>
const open = (host: string, publicUrl: URL | null = null) =>
  whereToOpen({ host, edge: { tls: null, publicUrl } }, 4400, interfaces)

test.each([
  ['127.0.0.1', 'http://localhost:4400'], ['::1', 'http://[::1]:4400'], ['chat.local', 'http://chat.local:4400'],
  ['0.0.0.0', 'http://localhost:4400, from other devices http://192.168.1.7:4400'],
  ['::', 'http://localhost:4400, from other devices http://192.168.1.7:4400']
])('listening on %s: %s', (host, address) => expect(open(host)).toBe(address))

test('the address that the operator names is the one', () =>
  expect(open('0.0.0.0', new URL('https://chat.example.org'))).toBe('https://chat.example.org'))
