/** The part of the environment that says how the server is reached from outside. */
import * as z from 'zod'
import { isLoopbackAddress } from '../../shared/api/origin.ts'
import { parseRanges } from './address.ts'
import type { AddressRanges } from './address.ts'
import type { ProxyHeaders } from './caller.ts'

export interface EdgeConfig {
  /** Where browsers reach the server; null when nobody said so. */
  publicUrl: URL | null
  /** Origins of other pages that may use this server. */
  allowedOrigins: readonly string[]
  trustedProxies: AddressRanges
  /** Something is in {@link trustedProxies}. */
  behindProxy: boolean
  proxyHeaders: ProxyHeaders
  /** Files in PEM; null: plain HTTP. */
  tls: { cert: string, key: string } | null
}

const list = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean)

const originOf = (text: string): URL | null => {
  const url = URL.parse(text)
  const isOrigin = url && (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' && url.password === ''
    && url.pathname === '/' && url.search === '' && url.hash === '' && !text.endsWith('?') && !text.endsWith('#')
  return isOrigin ? url : null
}

/** To be spread into the schema of the whole environment. */
export const edgeVariables = {
  SKEIN_PUBLIC_URL: z.string().refine(text => originOf(text), {
    error: 'SKEIN_PUBLIC_URL must be where browsers reach the server, without a path, such as https://chat.example.org.',
  }).optional(),
  SKEIN_ALLOWED_ORIGINS: z.string().refine(text => list(text).every(originOf), {
    error: 'SKEIN_ALLOWED_ORIGINS must be origins with commas between them, such as https://app.example.org,https://example.org.',
  }).default(''),
  SKEIN_TRUSTED_PROXIES: z.string().refine(text => parseRanges(list(text)).wrong.length === 0, {
    error: 'SKEIN_TRUSTED_PROXIES must be addresses or ranges with commas between them, such as 127.0.0.1,10.0.0.0/8,fd00::/8.',
  }).default(''),
  SKEIN_PROXY_HEADERS: z.enum(['x-forwarded', 'forwarded'], { error: 'SKEIN_PROXY_HEADERS must be one of: x-forwarded, forwarded.' })
    .default('x-forwarded'),
  SKEIN_TLS_CERT: z.string().optional(),
  SKEIN_TLS_KEY: z.string().optional(),
}

const variables = z.object(edgeVariables)

export const edgeOf = (values: z.infer<typeof variables>): EdgeConfig => {
  const { SKEIN_PUBLIC_URL, SKEIN_TLS_CERT: cert, SKEIN_TLS_KEY: key } = values
  return {
    publicUrl: SKEIN_PUBLIC_URL === undefined ? null : originOf(SKEIN_PUBLIC_URL),
    allowedOrigins: list(values.SKEIN_ALLOWED_ORIGINS).map(text => originOf(text)!.origin),
    trustedProxies: parseRanges(list(values.SKEIN_TRUSTED_PROXIES)).ranges,
    behindProxy: list(values.SKEIN_TRUSTED_PROXIES).length > 0,
    proxyHeaders: values.SKEIN_PROXY_HEADERS,
    tls: cert !== undefined && key !== undefined ? { cert, key } : null,
  }
}

/** Whether people come by https alone, or never; null: nobody said so, and a proxy may speak it. */
export const overHttps = ({ publicUrl, tls }: Pick<EdgeConfig, 'publicUrl' | 'tls'>): boolean | null =>
  publicUrl ? publicUrl.protocol === 'https:' : tls ? true : null

/** The edge of a server that nothing was said about. */
export const plainEdge: EdgeConfig = edgeOf(variables.parse({}))

/** Values that are well-formed each by itself and do not go together. */
export const edgeContradictions = (given: Partial<Record<string, string>>): string[] => {
  const { SKEIN_AUTH, SKEIN_PUBLIC_URL, SKEIN_TLS_CERT, SKEIN_TLS_KEY } = given
  const publicUrl = originOf(SKEIN_PUBLIC_URL ?? '')
  const problems: string[] = []
  if ((SKEIN_TLS_CERT === undefined) !== (SKEIN_TLS_KEY === undefined)) {
    const missing = SKEIN_TLS_CERT === undefined ? 'SKEIN_TLS_CERT' : 'SKEIN_TLS_KEY'
    problems.push(`${missing} is missing: the certificate and its key are set together, or neither of them.`)
  }
  if (publicUrl?.protocol === 'http:' && SKEIN_TLS_CERT !== undefined) {
    problems.push('SKEIN_PUBLIC_URL begins with http:, but the server speaks https because SKEIN_TLS_CERT is set; write https: there.')
  }
  if (SKEIN_AUTH === 'none' && publicUrl && !isLoopbackAddress(publicUrl.hostname)) {
    problems.push(`SKEIN_AUTH=none with SKEIN_PUBLIC_URL=${publicUrl.origin}: anyone who can reach this address could read and write everything; use SKEIN_AUTH=accounts.`)
  }
  return problems
}
