/**
 * Links that add a device, in the log's database, by the hash of their code. One link is in one state at a time, and each step of it is
 * taken once, however many ask for it together.
 */
import { createHash } from 'node:crypto'
import { SkeinError } from '../../../shared/errors.ts'
import type { RandomBytes, UserId } from '../../../shared/ids.ts'
import { oneAfterAnother } from '../../../shared/keyed-queue.ts'
import { deviceLimits as limits } from '../../../shared/limits.ts'
import { del, fromJson, putJson, under } from '../../log/store-port.ts'
import type { Key, KeyedStore } from '../../log/store-port.ts'
import type { DeviceLink, DeviceLinkStore } from '../devices-port.ts'

export interface DeviceLinksOptions {
  store: Pick<KeyedStore, 'get' | 'entries' | 'commit'>
  /** Milliseconds since 1970. */
  now: () => number
  random: RandomBytes
}

const SECRET_BYTES = 32
const CHECK_DIGITS = 4
const linkKey = (id: string): Key => ['skein', 'device-link', id]
const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url')

export const openDeviceLinks = ({ store, now, random }: DeviceLinksOptions): DeviceLinkStore => {
  const inTurn = oneAfterAnother()
  const secret = (): string => Buffer.from(random(new Uint8Array(SECRET_BYTES))).toString('base64url')

  const read = async (id: string): Promise<DeviceLink | null> => {
    const value = await store.get(linkKey(id))
    return value === undefined ? null : fromJson(value)
  }
  const write = async (link: DeviceLink): Promise<void> =>
    store.commit([putJson(linkKey(link.id), link)])
  const readLive = async (id: string): Promise<DeviceLink | null> => {
    const link = await read(id)
    return link && link.expiresAt > now() ? link : null
  }

  /** Those that are too old go on the way. */
  const countOpen = async (person: UserId): Promise<number> => {
    const [entries = []] = await store.entries([under('skein', 'device-link')])
    const links = entries.map(([, value]) => fromJson<DeviceLink>(value))
    const over = links.filter(({ expiresAt }) => expiresAt + limits.linkSeconds * 1000 <= now())
    if (over.length > 0) await store.commit(over.map(({ id }) => del(linkKey(id))))
    return links.filter(link => link.person === person && link.expiresAt > now() && link.state === 'open').length
  }

  return {
    create: ({ id: person, kind, name }) => inTurn(async () => {
      if (await countOpen(person) >= limits.openLinksPerPerson) {
        throw new SkeinError('rate-limited', `There are ${limits.openLinksPerPerson} links for new devices already, so no other one was made. Use one of them, or wait until they are too old.`)
      }
      const code = secret()
      const link: DeviceLink = { id: hashOf(code), person, kind, name, expiresAt: now() + limits.linkSeconds * 1000, state: 'open' }
      await write(link)
      return { code, link }
    }),
    find: async (id, person) => {
      const link = await read(id)
      return link?.person === person ? link : null
    },
    ask: (code, userAgent) => inTurn(async () => {
      const link = await readLive(hashOf(code))
      if (link?.state !== 'open') return null
      const own = secret()
      const check = String(Buffer.from(random(new Uint8Array(4))).readUInt32BE() % 10 ** CHECK_DIGITS).padStart(CHECK_DIGITS, '0')
      const asked: DeviceLink = { ...link, state: 'asked', asked: { claimHash: hashOf(own), userAgent, check } }
      await write(asked)
      return { claim: `${link.id}.${own}`, link: asked }
    }),
    answer: (id, { id: person, credential }, confirmed) => inTurn(async () => {
      const link = await readLive(id)
      if (link?.person !== person) return false
      if (confirmed ? link.state !== 'asked' : link.state !== 'open' && link.state !== 'asked') return false
      await write({ ...link, state: confirmed ? 'confirmed' : 'refused', ...confirmed && credential !== undefined && { confirmedBy: credential } })
      return true
    }),
    collect: claim => inTurn(async () => {
      const [id = '', own = ''] = claim.split('.')
      const link = await readLive(id)
      if (!link?.asked || link.asked.claimHash !== hashOf(own)) return null
      // Before anything is given out: what is lost on the way is asked for anew, and nothing is given out twice.
      if (link.state === 'confirmed') await write({ ...link, state: 'added' })
      return link
    }),
  }
}
