/** Which pages may use this server through a visitor's browser: its own, and those that the operator names. */
import { isLoopbackHost, isSameOrigin } from '../../shared/api/origin.ts'
import type { Caller } from './caller.ts'

export interface Origins {
  /**
   * @param origin the `Origin` header; absent when the caller is no browser, which then has nothing of the visitor's to abuse
   */
  mayUse(origin: string | undefined, caller: Caller): boolean
  /** A page of another origin that was named by the operator: it may also read answers (CORS). */
  isGuestPage(origin: string | undefined): origin is string
}

/**
 * @param publicUrl where the server is reached; null when nobody said so: then the name in the request is as good as any
 * @param allowed origins, such as `https://app.example.org`
 */
export const createOrigins = (publicUrl: URL | null, allowed: readonly string[]): Origins => {
  const guests = new Set(allowed)
  return {
    mayUse: (origin, { host }) => {
      if (origin === undefined || guests.has(origin) || origin === publicUrl?.origin) return true
      // A page under any name that leads here is of the host that it asks. Once we know our name, only this machine's own is another.
      return (publicUrl === null || isLoopbackHost(host)) && isSameOrigin(origin, host)
    },
    isGuestPage: (origin): origin is string => origin !== undefined && origin !== publicUrl?.origin && guests.has(origin),
  }
}
