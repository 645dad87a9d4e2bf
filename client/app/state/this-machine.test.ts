// Links that are of no use on another device.
import { expect, test } from 'vitest'
import { isThisMachine } from './this-machine.ts'

test.each([
  ['http://localhost:4400/join#x', true], ['http://127.0.0.1:4400/join', true], ['http://skein.localhost/join', true], ['http://[::1]/', true],
  ['https://chat.example.org/join#localhost', false], ['http://192.168.1.7:4400/', false], ['http://localhost.example.org/', false],
  ['http://127.0.0.1.example.org/', false], ['skein_abc', false]
])('%s: %s', (address, only) => expect(isThisMachine(address)).toBe(only))
