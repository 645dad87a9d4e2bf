/** Which limit a call of the API counts against. */
import { routes } from '../../shared/api/routes.ts'
import type { RateKind } from '../edge/rate-limits.ts'

const ONLY_READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])
/** Made by a person who is in, for somebody to come in by. */
const CREDENTIALS = /^\/api\/(?!invitations\/).*\/?(?:tokens|tickets|invitations|share-links|devices)(?:\/|$)/
/** Sent by somebody who wants to come in. */
const SIGN_INS = /^\/api\/(?:auth\/(?!admin\/)|invitations\/)/

export const rateKindOf = (method: string, path: string): RateKind => {
  if (ONLY_READS.has(method) || path === routes.sync()) return 'read'
  if (CREDENTIALS.test(path)) return 'credential'
  return SIGN_INS.test(path) ? 'signIn' : 'write'
}
