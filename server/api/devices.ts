/**
 * `/api/devices`: where the person is signed in, turning one of these away, and adding one more.
 *
 * A device is added in four steps: the old one makes a link; the new one, which opened it, asks; the old one confirms what both screens
 * show; the new one collects. Nothing but the last step gives anything out, and what it takes is known to the new device alone.
 */
import { Hono } from 'hono'
import type { Context } from 'hono'
import * as schemas from '../../shared/api/device-schemas.ts'
import type { AskedDevice, CollectedDevice, Device, DeviceLink as LinkState, NewDeviceLink } from '../../shared/api/device-schemas.ts'
import { deviceLinkPath } from '../../shared/api/routes.ts'
import { deviceNameOf } from '../../shared/device-name.ts'
import { SkeinError } from '../../shared/errors.ts'
import type { UserId } from '../../shared/ids.ts'
import { isInPerson } from '../../shared/principal.ts'
import type { Edge } from '../edge/edge.ts'
import type { DeviceLink, DeviceLinkStore, DeviceSessions } from '../identity/devices-port.ts'
import type { Identity } from '../identity/port.ts'
import type { Audit } from '../telemetry/port.ts'
import { callerOf, credentialsOf, signedIn, wholePersonOnly } from './context.ts'
import type { SignedIn } from './context.ts'
import { readBody } from './validation.ts'

export interface DevicesOptions {
  identity: Pick<Identity, 'authenticate' | 'renew'>
  sessions: DeviceSessions
  links: DeviceLinkStore
  /** The guest that a browser was becomes the person whose device it is now. */
  carryOver: (guest: UserId, person: { id: UserId, name: string }) => Promise<unknown>
  edge: Pick<Edge, 'isSecure' | 'publicUrl'>
  /** Milliseconds since 1970. */
  now: () => number
  audit: Audit
}

const SPENT = 'This link was used already, is too old, or was never given out. Nothing was changed; make a new one on the other device.'

export const deviceRoutes = ({ identity, sessions, links, carryOver, edge, now, audit }: DevicesOptions): Hono<SignedIn> => {
  const app = new Hono<SignedIn>()
  const known = [signedIn(identity), wholePersonOnly] as const

  app.get('/', ...known, async c => {
    const who = c.var.principal
    const devices: Device[] = (await sessions.list(who, deviceNameOf(userAgentOf(c))))
      .map(device => ({ ...device, current: device.id === who.credential }))
      .sort((a, b) => Number(b.current) - Number(a.current) || b.lastSeenAt - a.lastSeenAt)
    return c.json({ devices })
  })

  app.delete('/:id', ...known, async c => {
    if (!await sessions.end(c.var.principal, c.req.param('id'))) throw new SkeinError('not-found', 'There is no such device any more.')
    audit('device.revoked', { ...actorOf(c), outcome: 'done', about: { device: c.req.param('id') } })
    return c.body(null, 204)
  })

  app.post('/links', ...known, async c => {
    const { id, kind, name } = c.var.principal
    if (kind !== 'user' && kind !== 'guest') throw new SkeinError('not-allowed')
    const { code, link } = await links.create({ id, kind, name })
    const answer: NewDeviceLink = { id: link.id, url: originOf(c) + deviceLinkPath(code), expiresAt: link.expiresAt }
    return c.json(answer, 201)
  })

  app.get('/links/:id', ...known, async c => {
    const link = await links.find(c.req.param('id'), c.var.principal.id)
    if (!link) throw new SkeinError('not-found')
    return c.json(stateOf(link, now()))
  })

  const answer = (confirmed: boolean) => async (c: Context<SignedIn>): Promise<Response> => {
    if (!await links.answer(c.req.param('id')!, c.var.principal, confirmed)) throw new SkeinError('link-spent', SPENT)
    return c.body(null, 204)
  }
  app.post('/links/:id/confirm', ...known, answer(true))
  app.delete('/links/:id', ...known, answer(false))

  app.post('/links/ask', async c => {
    const { code } = await readBody(c, schemas.deviceCode)
    await mustNotBeSignedIn(c)
    const asked = await links.ask(code, userAgentOf(c))
    if (!asked) throw new SkeinError('link-spent', SPENT)
    const { claim, link } = asked
    const reply: AskedDevice = {
      claim, check: link.asked!.check, name: deviceNameOf(link.asked!.userAgent), from: link.name, expiresAt: link.expiresAt
    }
    return c.json(reply)
  })

  app.post('/links/collect', async c => {
    const { claim } = await readBody(c, schemas.deviceClaim)
    const before = await mustNotBeSignedIn(c)
    const link = await links.collect(claim)
    if (!link || link.state === 'added') throw new SkeinError('link-spent', SPENT)
    if (link.state !== 'confirmed') return c.json({ state: link.state === 'refused' ? 'refused' : 'waiting' } satisfies CollectedDevice)
    const person = await confirmerOf(link)
    const { address } = callerOf(c)
    // What was written in this browser comes along, before it forgets who wrote it.
    if (before && before.id !== link.person) await carryOver(before.id, { id: link.person, name: link.name })
    const device = { userAgent: link.asked!.userAgent, address }
    const cookies = await sessions.open(person, device, edge.isSecure(callerOf(c)))
    for (const cookie of cookies) c.header('Set-Cookie', cookie, { append: true })
    audit('device.added', { outcome: 'done', principal: link.person, address })
    return c.json({ state: 'added' } satisfies CollectedDevice)
  })

  /** A device that was turned away, or signed out, after it had confirmed a link shall not come back by it; nor anybody who is no more. */
  const confirmerOf = async ({ person: id, kind, name, confirmedBy: credential }: DeviceLink) => {
    const person = { id, kind, name, ...credential !== undefined && { credential } }
    if (identity.renew && !await identity.renew(person)) throw new SkeinError('link-spent', SPENT)
    return person
  }

  /** Under which the person has the app open. */
  const originOf = (c: Context): string => {
    const { secure, host } = callerOf(c)
    return edge.publicUrl?.origin ?? `${secure ? 'https' : 'http'}://${host ?? 'localhost'}`
  }

  /** @returns the guest that the browser is, if it is one: nobody else becomes an alias, least of all whose token or link is shown */
  const mustNotBeSignedIn = async (c: Context) => {
    const principal = await identity.authenticate(credentialsOf(c))
    if (principal && !isInPerson(principal)) throw new SkeinError('not-allowed', 'A token or link cannot be added as a device. Nothing was changed.')
    if (principal && principal.kind !== 'guest') {
      throw new SkeinError('not-allowed', `This browser is signed in as ${principal.name} already, so it was not added. Sign out here first.`)
    }
    return principal
  }

  return app
}

const stateOf = (link: DeviceLink, now: number): LinkState => {
  const over = link.expiresAt <= now && (link.state === 'open' || link.state === 'asked' || link.state === 'confirmed')
  return {
    state: over ? 'expired' : link.state,
    ...link.asked && { device: { name: deviceNameOf(link.asked.userAgent), check: link.asked.check } }
  }
}

const actorOf = (c: Context<SignedIn>) => {
  const { id, credential } = c.var.principal
  return { principal: id, address: callerOf(c).address, ...credential !== undefined && { credential } }
}

const userAgentOf = (c: Context): string => (c.req.header('user-agent') ?? '').slice(0, 300)

