/**
 * Access that is taken back while it is used, over real sockets and streams, under load: what was open by it ends at once, nothing that is
 * written afterwards counts, and everybody else goes on.
 */
import 'fake-indexeddb/auto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openConversation } from '../../client/sync/conversation.ts'
import { openDeviceStore } from '../../client/sync/store/indexeddb.ts'
import { setMember } from '../../server/directory/membership.ts'
import { routes } from '../../shared/api/routes.ts'
import { conversationName } from '../../shared/ids.ts'
import type { DocumentName, UserId } from '../../shared/ids.ts'
import type { Role } from '../../shared/wire/frame.ts'
import { messageTexts, newConversationId, say, textOfMessage } from '../rig/conversation.ts'
import { startInProcess } from '../rig/in-process.ts'
import type { InProcessServer } from '../rig/in-process.ts'
import { ManualTime } from '../rig/manual-time.ts'
import { Peer } from '../rig/peer.ts'
import { RevocableIdentity } from '../rig/revocable-identity.ts'
import { times } from '../rig/seed.ts'
import { until } from '../rig/until.ts'

/** What the promise is; the sockets really end at once. */
const WITHIN_MS = 5000
const SOCKETS = times(200, 40)

let server: InProcessServer
let identity: RevocableIdentity
let name: DocumentName
const peers: Peer[] = []

const start = async (lifetime: (() => number) | null = null, time?: ManualTime): Promise<void> => {
  identity = new RevocableIdentity(lifetime)
  server = await startInProcess({ identity, ...time && { now: time.now, timers: time } })
  name = conversationName(newConversationId())!
  await server.directory.create(name, { kind: 'user', id: 'bob' as UserId, name: 'bob' }, Date.now())
  await member('ada', 'editor')
}
const member = (who: string, role: Role) => server.directory.change(name, setMember({ id: who as UserId, role, name: who }))
const join = async (who: string): Promise<Peer> => {
  const peer = await Peer.join(server.syncUrl, name, { cookie: `person=${who}` })
  peers.push(peer)
  return peer
}
const joinMany = (who: string, count: number) => Promise.all(Array.from({ length: count }, () => join(who)))

/** Writes as fast as it is acknowledged, for as long as the socket is open. @returns how many were acknowledged */
const writeOn = (peer: Peer, label: string, stop: { now: boolean }): Promise<number> => {
  const write = async (): Promise<number> => {
    for (let n = 0; ; n++) {
      if (stop.now || peer.closedBy) return n
      say(peer.doc, `${label} ${n}`, { to: [] })
      try {
        await peer.allSaved()
      } catch {
        return n // closed meanwhile
      }
    }
  }
  return write()
}

beforeEach(() => start())
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close()
  await server.close()
})

describe('access that is taken back under load', () => {
  it('ends all its sockets in time, with a final code that says why; the person\'s other device and other people write on', async () => {
    const stop = { now: false }
    const [gone, phone, bob] = [await joinMany('ada.laptop', SOCKETS), await join('ada.phone'), await join('bob.laptop')]
    const written = [...gone.slice(0, 4).map((peer, i) => writeOn(peer, `gone-${i}`, stop)), writeOn(phone, 'phone', stop), writeOn(bob, 'bob', stop)]
    await until('everybody writes', () => messageTexts(bob.doc).filter(text => text.startsWith('gone-')).length > 4)
    const at = performance.now()
    identity.revoke({ credential: 'ada.laptop' })
    const closes = await Promise.all(gone.map(peer => peer.closed()))
    expect(performance.now() - at).toBeLessThan(WITHIN_MS)
    expect(new Set(closes.map(({ code }) => code))).toEqual(new Set([4401]))
    expect(closes[0]!.reason).toMatch(/^signed-out: /)
    const countOf = (label: string) => messageTexts(bob.doc).filter(text => text.startsWith(label)).length
    const othersWriteOn = async (): Promise<void> => {
      const [byBob, byPhone] = [countOf('bob '), countOf('phone ')]
      await until('others have written on', () => countOf('bob ') > byBob + 2 && countOf('phone ') > byPhone + 2)
    }
    // What was judged before that moment may become durable after it, before what others write now.
    await othersWriteOn()
    const byGone = countOf('gone-')
    await othersWriteOn()
    stop.now = true
    const acknowledged = await Promise.all(written)
    expect(countOf('gone-')).toBe(byGone)
    expect(acknowledged.slice(0, 4).reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(byGone)
    expect([phone.closedBy, bob.closedBy]).toEqual([null, null])
    await expect(join('ada.laptop')).rejects.toThrow('4401 unauthenticated')
  })

  it('cuts off who does not answer the close frame and reads on', async () => {
    const deaf = await join('ada.laptop')
    deaf.socket.pause()
    const at = performance.now()
    identity.revoke({ user: 'ada' as UserId })
    const left = await join('bob.laptop')
    await until('the server has let go of the socket', async () => {
      const failed = await new Promise<unknown>(resolve => deaf.socket.ping(undefined, undefined, resolve))
      return failed || deaf.closedBy
    }, WITHIN_MS)
    expect(performance.now() - at).toBeLessThan(WITHIN_MS)
    expect(left.closedBy).toBeNull()
  })

  it('ends the list feed, which is refused from then on', async () => {
    const listen = () => fetch(server.url + routes.feed(), { headers: { cookie: 'person=ada.laptop' } })
    const reader = (await listen()).body!.getReader()
    await reader.read()
    identity.revoke({ credential: 'ada.laptop' })
    expect((await reader.read()).done).toBe(true)
    expect((await listen()).status).toBe(401)
  })

  it('counts nothing that was still on its way', async () => {
    const ada = await join('ada.laptop')
    const bob = await join('bob.laptop')
    const { reached, release } = server.holdWrites()
    say(bob.doc, 'before', { to: [] })
    await reached
    identity.revoke({ user: 'ada' as UserId })
    say(ada.doc, 'too late', { to: [] })
    release()
    await bob.allSaved()
    await ada.closed()
    expect(messageTexts((await join('bob.laptop')).doc)).toEqual(['before'])
  })
})

describe('a proof that expires', () => {
  it('ends its socket with a code after which a client tries once more, and is told the truth then', async () => {
    await server.close()
    const time = new ManualTime()
    const end = time.now() + 400
    await start(() => end, time)
    const peer = await join('ada.laptop')
    await time.advance(399)
    say(peer.doc, 'in time', { to: [] })
    await peer.allSaved()
    expect(peer.closedBy).toBe(null)
    await time.advance(1)
    expect(await peer.closed()).toMatchObject({ code: 1013, reason: expect.stringMatching(/^sign-in-expired: /) })
  })
})

describe('a device whose access is taken back', () => {
  it('stops, says so, and keeps what it had not sent', async () => {
    const device = openDeviceStore({ userId: 'ada' })
    const WithCookie = class extends WebSocket {
      constructor(url: string | URL, protocols: string | string[] = []) {
        super(url, { protocols: [protocols].flat(), headers: { cookie: 'person=ada.laptop' } } as never)
      }
    }
    const open = () => openConversation({ name, url: server.syncUrl, store: device.document(name), userId: 'ada', userName: 'ada', WebSocket: WithCookie })
    const page = open()
    await until('it is connected', () => page.view().synced)
    const { reached, release } = server.holdWrites()
    void page.send('not sent')
    await reached
    identity.revoke({ credential: 'ada.laptop' })
    await until('it says so', () => page.view().closedBy)
    expect(page.view().closedBy).toMatchObject({ code: 4401, reason: expect.stringMatching(/signed out/) })
    release()
    await page.send('said later')
    expect(page.view().pending).toBe(2)
    await page.close()
    const again = open()
    await until('it is refused', () => again.view().closedBy)
    expect(again.view().messages.map(({ message }) => textOfMessage(message))).toContain('said later')
    await again.close()
    await device.close()
  })
})
