/** What travels over `/api/devices`: the devices of one person, and how one more is added. */
import * as z from 'zod/mini'

/** Milliseconds since 1970. */
const time = z.number()
const secret = z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/))

export const device = z.object({
  id: z.string(),
  /** Such as "Firefox on Linux". */
  name: z.string(),
  createdAt: time,
  /** Not exactly: noted once in a while. */
  lastSeenAt: time,
  /** The one that asks. */
  current: z.boolean(),
})
export type Device = z.infer<typeof device>

/** `GET /api/devices`, this one first, then by when they were seen. */
export const devices = z.object({ devices: z.array(device) })

/** `POST /api/devices/links`. The code stands behind the `#`, so that no server and no proxy sees it when the link is opened. */
export const newDeviceLink = z.object({ id: z.string(), url: z.string(), expiresAt: time })
export type NewDeviceLink = z.infer<typeof newDeviceLink>

/** `GET /api/devices/links/:id`, for who made it. `device`: who asks to be added; its check stands on both screens. */
export const deviceLink = z.object({
  state: z.enum(['open', 'asked', 'confirmed', 'added', 'refused', 'expired']),
  device: z.optional(z.object({ name: z.string(), check: z.string() })),
})
export type DeviceLink = z.infer<typeof deviceLink>

/** `POST /api/devices/links/ask`, by the new device. */
export const deviceCode = z.strictObject({ code: secret })
/** `claim`: what the new device comes back with, told once. `from`: whose device it will be. */
export const askedDevice = z.object({ claim: z.string(), check: z.string(), name: z.string(), from: z.string(), expiresAt: time })
export type AskedDevice = z.infer<typeof askedDevice>

/** `POST /api/devices/links/collect`: whether it was added; then the answer brings its cookie. */
export const deviceClaim = z.strictObject({ claim: z.string().check(z.maxLength(128)) })
export const collectedDevice = z.object({ state: z.enum(['waiting', 'added', 'refused']) })
export type CollectedDevice = z.infer<typeof collectedDevice>

/** `DELETE /api/me`. The password where the person has one. */
export const leaveForGood = z.strictObject({ confirm: z.literal('delete'), password: z.optional(z.string().check(z.maxLength(1024))) })
