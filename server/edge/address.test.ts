/** Addresses in one spelling, and ranges of them. */
import { describe, expect, test } from 'vitest'
import { parseAddress, parseRanges } from './address.ts'

test.each([
  ['192.0.2.7', '192.0.2.7'],
  [' 192.0.2.7:4711 ', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::FFFF:c000:0207', '192.0.2.7'],
  ['[2001:DB8::0:1]', '2001:db8::1'],
  ['[2001:db8::1]:443', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['0:0:0:0:0:0:0:1', '::1'],
])('%j is the address %s', (text, address) => expect(parseAddress(text)).toBe(address))

test.each(['', 'unknown', '_hidden', '192.0.2', '192.0.2.256', '2001:db8::1:443x', 'a.example', '192.0.2.7, 192.0.2.8', '[192.0.2.7'])(
  '%j is none', text => expect(parseAddress(text)).toBeNull())

describe('ranges', () => {
  const { ranges, wrong } = parseRanges(['127.0.0.1', '10.1.0.0/16', 'fd00::/8', '[::1]', 'nonsense', '10.0.0.0/33', '1.2.3.4/', '/8'])

  test.each(['127.0.0.1', '10.1.255.255', 'fdab::1', '::1'])('%s is in', address => expect(ranges.has(address)).toBe(true))
  test.each(['127.0.0.2', '10.2.0.0', 'fe00::1', '::2'])('%s is not', address => expect(ranges.has(address)).toBe(false))
  test('what is none is told', () => expect(wrong).toEqual(['nonsense', '10.0.0.0/33', '1.2.3.4/', '/8']))
})
