/** What a browser may do with our answers: load and run what comes from here, talk to here, and be put into nobody's frame. */
import type { MiddlewareHandler } from 'hono'
import type { Edge } from '../edge/edge.ts'
import { callerOf } from './context.ts'

/** What the app does not need, nobody who gets a script or a frame into it shall have. */
const permissions = [
  'accelerometer', 'autoplay', 'camera', 'display-capture', 'encrypted-media', 'fullscreen', 'geolocation', 'gyroscope', 'magnetometer',
  'microphone', 'midi', 'payment', 'picture-in-picture', 'screen-wake-lock', 'serial', 'usb', 'web-share', 'xr-spatial-tracking',
].map(feature => `${feature}=()`).join(', ')

const YEAR_SECONDS = 365 * 24 * 60 * 60

export const securityHeaders = ({ publicUrl, isSecure }: Pick<Edge, 'publicUrl' | 'isSecure'>): MiddlewareHandler => async (c, next) => {
  await next()
  const caller = callerOf(c)
  const secure = isSecure(caller)
  c.header('Content-Security-Policy', contentSecurityPolicy(publicUrl?.host ?? plainHost(caller.host), secure))
  if (publicUrl?.protocol === 'https:') c.header('Strict-Transport-Security', `max-age=${YEAR_SECONDS}`)
  c.header('X-Content-Type-Options', 'nosniff')
  // Paths hold conversations' ids and invitations' secrets. (`no-referrer` would also make browsers send `Origin: null`.)
  c.header('Referrer-Policy', 'same-origin')
  c.header('Permissions-Policy', permissions)
  c.header('Cross-Origin-Opener-Policy', 'same-origin')
  c.header('Cross-Origin-Resource-Policy', 'same-origin')
}

/** No inline script, no inline style, nothing from elsewhere. Some browsers do not take 'self' for the WebSocket of the same host. */
const contentSecurityPolicy = (host: string | null, secure: boolean): string => [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  `connect-src 'self'${host ? ` ${secure ? 'wss' : 'ws'}://${host}` : ''}`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  ...secure ? ['upgrade-insecure-requests'] : [],
].join('; ')

/** The caller writes this header: nothing of it may mean anything in a policy. */
const plainHost = (host: string | undefined): string | null =>
  host !== undefined && /^[a-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-f:.]+\](:\d{1,5})?$/i.test(host) ? host : null
