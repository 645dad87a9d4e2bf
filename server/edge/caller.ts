/**
 * Who is at the other end of a request: the peer itself, or, where that is a proxy of ours, whom it names.
 *
 * Only a trusted proxy is believed, and of the list that it passes on only what trusted ones wrote: each hop appends whom it saw, so that,
 * read from the right, the first address that is not a trusted proxy's is the caller. What stands left of it the caller may have made up.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { parseAddress } from './address.ts'
import type { AddressRanges } from './address.ts'

export interface Caller {
  /** In one spelling; `unknown` when the connection is gone already. */
  address: string
  /** The caller speaks https, to us or to the proxy. */
  secure: boolean
  /** The host that the caller asked for, as a `Host` header has it. */
  host: string | undefined
}

/** Which headers the proxies set. They pass the other ones on as they came, from anybody, so only one kind can be believed. */
export type ProxyHeaders = 'x-forwarded' | 'forwarded'

/** What is looked at of Node's `IncomingMessage`. */
export interface Received {
  headers: IncomingHttpHeaders
  /** `encrypted`: of a TLS socket. */
  socket: { remoteAddress?: string | undefined, encrypted?: boolean }
}

export type CallerOf = (request: Received) => Caller

export const createCallerOf = (trusted: AddressRanges, proxyHeaders: ProxyHeaders): CallerOf => request => {
  const peer = parseAddress(request.socket.remoteAddress ?? '')
  const direct: Caller = {
    address: peer ?? 'unknown', secure: request.socket.encrypted === true, host: request.headers.host,
  }
  if (!peer || !trusted.has(peer)) return direct
  const hops = proxyHeaders === 'forwarded' ? forwardedHops(headerOf(request, 'forwarded')) : xForwardedHops(request)
  return { address: callerIn(hops, direct.address, trusted), ...sayOf(hops.at(-1), direct) }
}

/** What one proxy says of the connection that it took. */
interface Hop {
  for?: string | undefined
  proto?: string | undefined
  host?: string | undefined
}

const callerIn = (hops: readonly Hop[], peer: string, trusted: AddressRanges): string => {
  let seen = peer
  for (const hop of hops.toReversed()) {
    const address = parseAddress(hop.for ?? '')
    // A hidden or malformed name ends what can be known: the last proxy that we know is as near as we come.
    if (!address) return seen
    seen = address
    if (!trusted.has(address)) return seen
  }
  return seen
}

/** The proxy next to us knows best how it was reached; one that does not say leaves it as we see it. */
const sayOf = (hop: Hop | undefined, { secure, host }: Caller): Pick<Caller, 'secure' | 'host'> => ({
  secure: hop?.proto === undefined ? secure : hop.proto.toLowerCase() === 'https',
  host: hop?.host ?? host,
})

/** One header may come as several lines, which count as one list. */
const headerOf = (request: Received, name: string): string => {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(',') : value ?? ''
}

const listOf = (value: string): string[] => value.split(',').map(entry => entry.trim()).filter(Boolean)

const xForwardedHops = (request: Received): Hop[] => {
  const addresses = listOf(headerOf(request, 'x-forwarded-for'))
  const [proto, host] = ['x-forwarded-proto', 'x-forwarded-host'].map(name => listOf(headerOf(request, name)).at(-1))
  const last: Hop = { for: addresses.at(-1), proto, host }
  return [...addresses.slice(0, -1).map(address => ({ for: address })), last]
}

/** RFC 7239: `for=192.0.2.60;proto=https;host=chat.example.org, for="[2001:db8::1]:4711"`. */
const forwardedHops = (value: string): Hop[] =>
  (value.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []).map(element => Object.fromEntries(
    [...element.matchAll(/([a-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;,\s]+))/gi)]
      .map(([, name, quoted, plain]) => [name!.toLowerCase(), quoted ?? plain])
  ) as Hop)
