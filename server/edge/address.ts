/** Addresses of callers: one spelling for each, and ranges of them. */
import { BlockList, isIP, isIPv4 } from 'node:net'

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/**
 * @param text with or without brackets, a port or a zone; an IPv4 address that travelled as IPv6 is the IPv4 one
 * @returns null when it is no address
 */
export const parseAddress = (text: string): string | null => {
  const trimmed = text.trim()
  const bare = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(trimmed)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(trimmed)?.[1] ?? trimmed
  const address = MAPPED.exec(bare.split('%', 1)[0]!)?.[1] ?? bare.split('%', 1)[0]!
  switch (isIP(address)) {
    case 4: return address
    // The URL parser knows the one spelling that RFC 5952 asks for.
    case 6: return unmapped(URL.parse(`http://[${address}]`)!.hostname.slice(1, -1))
    default: return null
  }
}

/** `::ffff:c000:207`, as the URL parser spells it, is `192.0.2.7`. */
const unmapped = (address: string): string => {
  const parts = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(address)
  if (!parts) return address
  const [high, low] = [parseInt(parts[1]!, 16), parseInt(parts[2]!, 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

export interface AddressRanges {
  has(address: string): boolean
}

/**
 * @param ranges addresses and `address/prefix length`
 * @returns those that are neither in `wrong`
 */
export const parseRanges = (ranges: readonly string[]): { ranges: AddressRanges, wrong: string[] } => {
  const list = new BlockList()
  const wrong = ranges.filter(range => !add(list, range))
  return { ranges: { has: address => list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6') }, wrong }
}

const add = (list: BlockList, range: string): boolean => {
  const [, base = '', length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(range) ?? []
  const address = parseAddress(base)
  if (!address) return false
  const [family, bits] = isIPv4(address) ? ['ipv4', 32] as const : ['ipv6', 128] as const
  if (Number(length ?? bits) > bits) return false
  list.addSubnet(address, Number(length ?? bits), family)
  return true
}
