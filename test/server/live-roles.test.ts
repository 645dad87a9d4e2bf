/**
 * Roles that change while documents are open, over real sockets: an editor made viewer is refused from then on, whoever is removed is out
 * within seconds, and everything answers them as it answers strangers.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRoots } from '../../shared/conversation/document.ts'
import { putSharedDraft } from '../../shared/conversation/write.ts'
import { LINK_PREFIX, routes } from '../../shared/api/routes.ts'
import { conversationName, documentId } from '../../shared/ids.ts'
import type { DocumentName, DraftId, RequestId, UserId } from '../../shared/ids.ts'
import type { Role } from '../../shared/wire/frame.ts'
import { messageTexts, newConversationId, newRequestId, say } from '../rig/conversation.ts'
import { startInProcess } from '../rig/in-process.ts'
import type { InProcessServer } from '../rig/in-process.ts'
import { Peer } from '../rig/peer.ts'
import { RevocableIdentity } from '../rig/revocable-identity.ts'
import { runSeed, seededRandom, times, withReplay } from '../rig/seed.ts'
import { until } from '../rig/until.ts'

/** What the promise is; the sockets really end at once. */
const WITHIN_MS = 5000
const SOCKETS = times(200, 40)
const WRITERS = 8

let server: InProcessServer
let name: DocumentName
let id: string
const peers: Peer[] = []

const as = (who: string) => ({ cookie: `person=${who}.laptop` })
const ask = (who: string, method: string, path: string, body?: unknown): Promise<Response> => fetch(server.url + path, {
  method, headers: { ...as(who), 'content-type': 'application/json' }, ...body !== undefined && { body: JSON.stringify(body) },
})
const done = async (response: Promise<Response>): Promise<void> => {
  if (!(await response).ok) throw new Error(await (await response).text())
}
const demote = (who: string, role: Role = 'viewer') => done(ask('owner', 'PATCH', routes.member(id, who), { role }))
const remove = (who: string) => done(ask('owner', 'DELETE', routes.member(id, who)))
const letIn = async (who: string, role: Role): Promise<void> => {
  const { secret } = await (await ask('owner', 'POST', routes.invitations(id), { role })).json() as { secret: string }
  await done(ask(who, 'POST', routes.acceptInvitation(), { secret }))
}
const join = async (who: string): Promise<Peer> => {
  const peer = await Peer.join(server.syncUrl, name, as(who))
  peers.push(peer)
  return peer
}
const outcomesOf = ({ controls }: Peer) => controls.flatMap(control => control.kind === 'result' ? [control] : [])
const rolesTold = ({ controls }: Peer) => controls.flatMap(control => control.kind === 'role' ? [control.role] : [])

/** Writes as fast as it is answered, for as long as the socket is open. */
const writeOn = async (peer: Peer, label: string, stop: { now: boolean }): Promise<void> => {
  for (let n = 0; !stop.now && !peer.closedBy; n++) {
    say(peer.doc, `${label} ${n}`, { to: [] })
    await peer.allSaved().catch(() => {})
  }
}

beforeEach(async () => {
  server = await startInProcess({ identity: new RevocableIdentity() })
  id = newConversationId()
  name = conversationName(id)!
  await done(ask('owner', 'POST', routes.conversations(), { id }))
  await letIn('ada', 'editor')
  await letIn('bob', 'editor')
})
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close()
  await server.close()
})

describe('an editor who is made a viewer', () => {
  it('is told at once, and refused with the reason from then on, on the same socket', async () => {
    const ada = await join('ada')
    const before = say(ada.doc, 'as an editor', { to: [] })
    await ada.allSaved()
    await demote('ada')
    await until('she is told', () => rolesTold(ada).includes('viewer'))
    const after = say(ada.doc, 'as a viewer', { to: [] })
    await ada.allSaved()
    expect(outcomesOf(ada).map(({ requestId, outcome }) => [requestId, outcome.status === 'refused' ? outcome.code : outcome.status]))
      .toEqual([[before, 'accepted'], [after, 'viewer']])
    expect(messageTexts(ada.doc)).toEqual(['as an editor'])
    await demote('ada', 'editor')
    await until('she is told again', () => rolesTold(ada).includes('editor'))
    say(ada.doc, 'as an editor again', { to: [] })
    await ada.allSaved()
    expect(messageTexts(ada.doc)).toEqual(['as an editor', 'as an editor again'])
  })

  it('is refused what she types in drafts, and what of it was on its way', async () => {
    const [ada, bob] = [await join('ada'), await join('bob')]
    const draft = newRequestId() as string as DraftId
    putSharedDraft(ada.doc, draft, { kind: 'shared', authorId: 'ada' as UserId, parentId: null, createdAt: 1 }, 'so far')
    await ada.allSaved()
    await demote('ada')
    putSharedDraft(ada.doc, newRequestId() as string as DraftId, { kind: 'shared', authorId: 'ada' as UserId, parentId: null, createdAt: 1 }, 'more')
    expect(await ada.closed()).toMatchObject({ code: 4403, reason: expect.stringMatching(/^not-allowed: /) })
    await until('the members show it', () => openRoots(bob.doc).members.get('ada')?.role === 'viewer')
    expect([...openRoots(bob.doc).drafts.keys()]).toEqual([draft])
  })

  it('has each request either said or refused, whichever role it met, however often the role changes meanwhile', async () => {
    const seed = runSeed()
    await withReplay(seed, 'test/server/live-roles.test.ts', async () => {
      const random = seededRandom(seed)
      const [ada, bob] = [await join('ada'), await join('bob')]
      const asked: RequestId[] = []
      const stop = { now: false }
      const metBoth = (): boolean => ['accepted', 'refused'].every(status => outcomesOf(ada).some(({ outcome }) => outcome.status === status))
      const turning = (async () => {
        for (let n = 0; n < times(60, 16) || !metBoth(); n++) await demote('ada', n % 2 === 0 ? 'viewer' : 'editor')
        stop.now = true
      })()
      while (!stop.now) {
        for (let n = Math.ceil(random() * 20); n > 0; n--) asked.push(say(ada.doc, `${asked.length}`, { to: [], parentId: null }))
        await ada.allSaved()
      }
      await turning
      const outcomes = new Map(outcomesOf(ada).map(({ requestId, outcome }) => [requestId, outcome]))
      expect(outcomesOf(ada)).toHaveLength(asked.length)
      const codes = [...outcomes.values()].map(outcome => outcome.status === 'refused' ? outcome.code : 'accepted')
      expect(new Set(codes)).toEqual(new Set(['accepted', 'viewer']))
      await until('bob has it all', () => messageTexts(bob.doc).length === codes.filter(code => code === 'accepted').length)
      expect(messageTexts(bob.doc).map(Number)).toEqual(asked.flatMap((request, n) => outcomes.get(request)?.status === 'accepted' ? [n] : []))
    })
  })
})

describe('whoever is removed', () => {
  it('has no socket left in time, under load, and nothing reaches or leaves them after; everybody else goes on', async () => {
    const stop = { now: false }
    const [gone, bob] = [await Promise.all(Array.from({ length: SOCKETS }, () => join('ada'))), await join('bob')]
    const others = await Promise.all(Array.from({ length: WRITERS }, () => join('bob')))
    const writing = [
      ...gone.slice(0, WRITERS).map((peer, i) => writeOn(peer, `gone-${i}`, stop)), ...others.map((peer, i) => writeOn(peer, `bob-${i}`, stop)),
    ]
    const countOf = (label: string): number => messageTexts(bob.doc).filter(text => text.startsWith(label)).length
    const othersWriteOn = async (): Promise<void> => {
      const before = countOf('bob-')
      await until('others have written on', () => countOf('bob-') > before + 2 * WRITERS)
    }
    await until('everybody writes', () => countOf('gone-') > 2 * WRITERS)
    const at = performance.now()
    await remove('ada')
    const closes = await Promise.all(gone.map(peer => peer.closed()))
    const took = performance.now() - at
    console.log(`removed under load: ${SOCKETS} sockets closed within ${Math.round(took)} ms`)
    expect(took).toBeLessThan(WITHIN_MS)
    expect(new Set(closes.map(({ code }) => code))).toEqual(new Set([4404]))
    expect(gone.map(peer => rolesTold(peer).at(-1))).toEqual(gone.map(() => null))
    // What was judged before that moment may become durable after it, before what others write now.
    await othersWriteOn()
    const [byGone, received] = [countOf('gone-'), gone.map(({ frames }) => frames.length)]
    await othersWriteOn()
    stop.now = true
    await Promise.all(writing)
    expect(countOf('gone-')).toBe(byGone)
    expect(gone.map(({ frames }) => frames.length)).toEqual(received)
    expect([bob.closedBy, ...others.map(peer => peer.closedBy)].every(closed => closed === null)).toBe(true)
    await until('the members show it', () => !openRoots(bob.doc).members.has('ada'))
  })

  it('gets the answers of a stranger from then on: the API, sockets, lists, the batch sync; and their feed says that it left', async () => {
    const feed = (await ask('ada', 'GET', routes.feed())).body!.pipeThrough(new TextDecoderStream()).getReader()
    const told: string[] = []
    void (async () => {
      for (let read = await feed.read(); !read.done; read = await feed.read()) told.push(read.value)
    })()
    const ada = await join('ada')
    const request = say(ada.doc, 'hello', { to: [] })
    await ada.allSaved()
    await until('the feed is open', () => told.join('').includes('hello'))
    await remove('ada')
    await until('the feed says so', () => told.join('').includes(`event: removed\ndata: {"id":"${id}"}`))
    const bodyOf = async (who: string, path: string, method = 'GET'): Promise<string> => {
      const response = await ask(who, method, path)
      return `${response.status} ${await response.text()}`
    }
    for (const path of [routes.messages(id), routes.members(id), routes.request(id, request), routes.invitations(id)]) {
      expect(await bodyOf('ada', path)).toMatch(/^404 /)
      expect(await bodyOf('ada', path)).toBe(await bodyOf('stranger', path.replace(id, newConversationId())))
    }
    expect(await bodyOf('ada', routes.conversations())).not.toContain(id)
    const sync = { documents: [{ name, epoch: 'x', stateVector: 'AA==' }] }
    expect(await (await ask('ada', 'POST', routes.sync(), sync)).json()).toMatchObject({ documents: [], gone: [name] })
    const again = await Peer.open(server.syncUrl, name, as('ada'))
    expect(await again.closed()).toEqual({ code: 4404, reason: expect.stringMatching(/^not-found: /) })
    expect(again.frames).toHaveLength(1)
    expect(rolesTold(again)).toEqual([null])
    expect(documentId(name)).toBe(id)
  })

  it('is out with what was still on its way', async () => {
    const [ada, bob] = [await join('ada'), await join('bob')]
    await ada.allSaved()
    const { reached, release } = server.holdWrites()
    const removing = remove('ada')
    await reached
    release()
    await removing
    say(ada.doc, 'too late', { to: [] })
    await ada.closed()
    say(bob.doc, 'after', { to: [] })
    await bob.allSaved()
    expect(messageTexts((await join('bob')).doc)).toEqual(['after'])
  })

  it('and a stock client that is: closed for good, without a frame that it does not know', async () => {
    const stock = await Peer.join(server.syncUrl, name, { ...as('ada'), skein: false })
    peers.push(stock)
    await remove('ada')
    expect((await stock.closed()).code).toBe(4404)
    expect(stock.controls).toEqual([])
  })
})

describe('a share link', () => {
  const share = async (): Promise<{ secret: string, link: { id: string } }> =>
    await (await ask('owner', 'POST', routes.shareLinks(id), {})).json() as { secret: string, link: { id: string } }
  const bearer = (secret: string) => ({ headers: { authorization: `Bearer ${LINK_PREFIX}${secret}` } })

  it('lets who brings it read on, until it is revoked: the socket ends, and it proves nobody any more', async () => {
    const { secret, link } = await share()
    const reader = await Peer.join(server.syncUrl, name, { ticket: LINK_PREFIX + secret })
    peers.push(reader)
    const ada = await join('ada')
    say(ada.doc, 'for readers too', { to: [] })
    await until('the reader has it', () => messageTexts(reader.doc).length === 1)
    const refused = say(reader.doc, 'not by them', { to: [] })
    await reader.allSaved()
    expect(outcomesOf(reader)).toMatchObject([{ requestId: refused, outcome: { code: 'viewer' } }])
    expect((await fetch(server.url + routes.messages(id), bearer(secret))).status).toBe(200)
    await done(ask('owner', 'DELETE', routes.shareLink(id, link.id)))
    expect((await reader.closed()).code).toBe(4404)
    expect((await fetch(server.url + routes.messages(id), bearer(secret))).status).toBe(401)
    expect(await (await Peer.open(server.syncUrl, name, { ticket: LINK_PREFIX + secret })).closed()).toMatchObject({ code: 4401 })
  })

  it('that has expired proves nobody, and what was open by it has ended', async () => {
    const { secret } = await server.directory.makeLink(name, {
      kind: 'read', role: 'viewer', by: 'owner' as UserId, at: Date.now(), expiresAt: Date.now() + 2000, maxUses: null,
    })
    const reader = await Peer.join(server.syncUrl, name, { ticket: LINK_PREFIX + secret })
    peers.push(reader)
    expect((await reader.closed()).reason).toMatch(/^sign-in-expired: /)
    expect((await fetch(server.url + routes.messages(id), bearer(secret))).status).toBe(401)
  })
})

describe('the members that a conversation shows', () => {
  it('are those that it has, whoever comes, changes or goes', async () => {
    const bob = await join('bob')
    const shown = () => Object.fromEntries([...openRoots(bob.doc).members].map(([who, { role }]) => [who, role]))
    const shows = (wanted: Record<string, string>) =>
      until(`it shows ${JSON.stringify(wanted)}`, () => JSON.stringify(Object.entries(shown()).sort()) === JSON.stringify(Object.entries(wanted).sort()))
    await shows({ owner: 'owner', ada: 'editor', bob: 'editor' })
    await letIn('cleo', 'viewer')
    await shows({ owner: 'owner', ada: 'editor', bob: 'editor', cleo: 'viewer' })
    await done(ask('owner', 'POST', routes.handOver(id), { to: 'bob' }))
    await done(ask('ada', 'POST', routes.leave(id), {}))
    await shows({ owner: 'editor', bob: 'owner', cleo: 'viewer' })
  })
})
