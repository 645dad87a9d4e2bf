/** Which page is one of our own, and how addresses are written in URLs. */
import { describe, expect, test } from 'vitest'
import { isLoopbackAddress, isLoopbackHost, isSameOrigin } from './origin.ts'

describe('a page is our own', () => {
  test.each([
    ['http://localhost:4400', 'localhost:4400'],
    ['https://chat.example', 'chat.example'],
    ['https://chat.example', 'chat.example:443'],
    ['http://chat.example', 'chat.example:80'],
    ['http://[::1]:4400', '[::1]:4400'],
    ['https://CHAT.example', 'chat.EXAMPLE'],
    [undefined, 'localhost:4400'],
    [undefined, undefined],
  ])('at %s asking %s', (origin, host) => {
    expect(isSameOrigin(origin, host)).toBe(true)
  })

  test.each([
    ['http://evil.example', 'localhost:4400'],
    ['http://localhost', 'localhost:4400'],
    ['http://localhost:4400', 'localhost:4401'],
    ['http://localhost:4400', undefined],
    ['http://localhost:4400', ''],
    ['null', 'null'],
    ['', 'localhost'],
    ['file://localhost', 'localhost'],
    ['chrome-extension://localhost', 'localhost'],
    ['http://chat.example.evil.example', 'chat.example'],
    ['http://chat.example@evil.example', 'chat.example'],
    ['http://chat.example', 'evil.example@chat.example:1'],
    ['garbage', 'garbage'],
  ])('not at %s asking %s', (origin, host) => {
    expect(isSameOrigin(origin, host)).toBe(false)
  })
})

test.each(['localhost', 'LOCALHOST:1', '127.0.0.1:4400', '127.1.2.3', '[::1]', '[::1]:4400'])('%s names this machine', host => {
  expect(isLoopbackHost(host)).toBe(true)
})

test.each([
  undefined, '', 'example.com', 'localhost.example.com', '127.0.0.1.example.com', '0.0.0.0', '10.0.0.1', '[::]', '::1', 'localhost@example.com',
])('%s names another one, or none', host => {
  expect(isLoopbackHost(host)).toBe(false)
})

test('an address to listen on may come with or without brackets', () => {
  expect(['::1', '[::1]', '127.0.0.1', 'localhost'].every(isLoopbackAddress)).toBe(true)
  expect(['::', '0.0.0.0', '192.168.0.1', '127.0.0.1.nip.io', ''].some(isLoopbackAddress)).toBe(false)
})
