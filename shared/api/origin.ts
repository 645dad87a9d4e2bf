/** Whether a request comes from our own page: the check against pages of others that use the visitor's browser to reach us. */

/**
 * @param origin the `Origin` header; absent when the caller is no browser, which then has nothing of the visitor's to abuse
 * @param host the `Host` header
 */
export const isSameOrigin = (origin: string | undefined, host: string | undefined): boolean => {
  if (origin === undefined) return true
  const from = URL.parse(origin)
  if (!from || host === undefined || (from.protocol !== 'http:' && from.protocol !== 'https:')) return false
  // The default port may be written out on one side only.
  return URL.parse(`${from.protocol}//${host}`)?.host === from.host
}

/**
 * Whether a `Host` header names this very machine. Where everybody who connects may do everything, nothing else is served: a foreign
 * page whose DNS name was pointed at 127.0.0.1 would otherwise pass for our own.
 */
export const isLoopbackHost = (host: string | undefined): boolean => {
  const hostname = host === undefined ? undefined : URL.parse(`http://${host}`)?.hostname
  return hostname !== undefined && isLoopbackAddress(hostname)
}

/** @param address a host name or an address, an IPv6 one with or without brackets */
export const isLoopbackAddress = (address: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(address)
