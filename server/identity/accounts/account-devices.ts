/** Devices of an account are its sessions. */
import { deviceNameOf } from '../../../shared/device-name.ts'
import { SkeinError } from '../../../shared/errors.ts'
import { accountLimits as limits } from '../../../shared/limits.ts'
import type { DeviceSessions, DeviceStore } from '../devices-port.ts'
import type { Engine } from './engine.ts'
import { writeSessionCookie } from './session-cookie.ts'
import { provenAt } from './sessions.ts'
import type { Sessions, SignedInAccount } from './sessions.ts'

export interface AccountDevicesOptions {
  engine: () => Engine['$context']
  sessions: Pick<Sessions, 'isStill'>
  secret: string
  away: Pick<DeviceStore, 'turnAway'>
  /** How a browser forgets that it was a guest. */
  dropGuest: (secure: boolean) => string
  now: () => number
}

export const createAccountDevices = ({ engine, sessions, secret, away, dropGuest, now }: AccountDevicesOptions): DeviceSessions => {
  const sessionsOf = async (user: string): Promise<SignedInAccount['session'][]> => {
    const { internalAdapter } = await engine()
    const all = await internalAdapter.listSessions(user) as SignedInAccount['session'][]
    return all.filter(({ expiresAt }) => expiresAt.getTime() > now())
  }
  return {
    list: async ({ id }) => (await sessionsOf(id)).map(session => ({
      id: session.id,
      name: deviceNameOf(session.userAgent ?? ''),
      createdAt: session.createdAt.getTime(),
      lastSeenAt: (session.lastSeenAt ?? session.createdAt).getTime(),
    })),
    end: async ({ id: user }, id) => {
      const session = (await sessionsOf(user)).find(each => each.id === id)
      if (!session) return false
      const { internalAdapter } = await engine()
      // First, so that the device hears of it whenever it asks; a crash in between leaves a session that is ended again.
      await away.turnAway(user, id, now())
      await internalAdapter.deleteSession(session.token)
      return true
    },
    open: async ({ id: user, credential }, { userAgent, address }, secure) => {
      const { internalAdapter } = await engine()
      const confirmer = (await sessionsOf(user)).find(({ id }) => id === credential)
      if (!confirmer) throw new SkeinError('link-spent')
      // A session does not become a fresh one by letting itself in on another device.
      const proven = new Date(provenAt(confirmer))
      const session = await internalAdapter.createSession(user, false, { userAgent, ipAddress: address, provenAt: proven })
      // What ends all sessions ends the confirmer's; it may have looked for them before there was this one.
      if (!await sessions.isStill(confirmer.id)) {
        await internalAdapter.deleteSession(session.token)
        throw new SkeinError('link-spent')
      }
      return [writeSessionCookie(session.token, secure, secret, limits.sessionDays * 24 * 60 * 60), dropGuest(secure)]
    },
  }
}
