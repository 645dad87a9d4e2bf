/** The edge: what lies between the internet and the server's parts. Who calls, under which name, from whose page, how often. */
import type { ServerLimits } from '../../shared/limits.ts'
import { createCallerOf } from './caller.ts'
import type { Caller, CallerOf } from './caller.ts'
import type { EdgeConfig } from './config.ts'
import { HeldBodies } from './held-bodies.ts'
import { createOrigins } from './origins.ts'
import type { Origins } from './origins.ts'
import { RateLimits } from './rate-limits.ts'

export interface Edge {
  publicUrl: URL | null
  callerOf: CallerOf
  origins: Origins
  /** The caller's browser speaks https, so that cookies need travel no other way. */
  isSecure: (caller: Caller) => boolean
  /** Null where everybody is the one local person: there is nobody to protect from anybody. */
  rateLimits: RateLimits | null
  streamsPerPerson: number
  bodySeconds: number
  bodies: HeldBodies
}

export interface EdgeOptions {
  limits: ServerLimits
  openToAll: boolean
  /** Milliseconds since 1970. */
  now: () => number
}

export const createEdge = (config: EdgeConfig, { limits, openToAll, now }: EdgeOptions): Edge => ({
  publicUrl: config.publicUrl,
  callerOf: createCallerOf(config.trustedProxies, config.proxyHeaders),
  isSecure: ({ secure }) => config.publicUrl ? config.publicUrl.protocol === 'https:' : secure,
  origins: createOrigins(config.publicUrl, config.allowedOrigins),
  rateLimits: openToAll ? null : new RateLimits(limits, now),
  streamsPerPerson: openToAll ? Infinity : limits.streamsPerPerson,
  bodySeconds: limits.bodySeconds,
  bodies: new HeldBodies(limits),
})
