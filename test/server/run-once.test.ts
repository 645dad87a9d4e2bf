/**
 * The same wish from several devices, by socket and by HTTP, in any order and again: one run and one reply for each request, one outcome
 * for all.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { deriveRun } from '../../server/room/derive-run.ts'
import { routes } from '../../shared/api/routes.ts'
import { IDEMPOTENCY_KEY } from '../../shared/api/schemas.ts'
import { readDrafts, readMessages, readRuns, textOf } from '../../shared/conversation/read.ts'
import type { Message, Request, Run } from '../../shared/conversation/schema.ts'
import { proposeContinue, proposeRegenerate, proposeRetry, proposeSend, proposeStop, putRequest } from '../../shared/conversation/write.ts'
import { messageIdOf } from '../../shared/ids.ts'
import type { AgentId, RequestId } from '../../shared/ids.ts'
import type { RequestOutcome } from '../../shared/wire/frame.ts'
import { newConversationId, newRequestId, say, textOfMessage } from '../rig/conversation.ts'
import { Peer } from '../rig/peer.ts'
import { runSeed, seededRandom, times, withReplay } from '../rig/seed.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const FILE = 'test/server/run-once.test.ts'
const ROUNDS = times(100, 3)

let server: ServerProcess
let folder: Awaited<ReturnType<typeof temporaryFolder>>

beforeAll(async () => {
  folder = await temporaryFolder()
  server = await startServer(folder.path, { SKEIN_OFFLINE_PACE: '2' })
})

afterAll(async () => {
  await server?.stop()
  await folder?.remove()
})

/** A conversation with what tests do to it; its peers are closed with it. */
class Talk {
  readonly id = newConversationId()
  readonly #peers: Peer[] = []

  async join(doc = new Y.Doc()): Promise<Peer> {
    const peer = await Peer.join(server.syncUrl, `conversation/${this.id}`, { doc })
    this.#peers.push(peer)
    return peer
  }

  /** Opens the socket; says nothing by itself but the answer to what it is asked. */
  async open(doc: Y.Doc): Promise<Peer> {
    const peer = await Peer.open(server.syncUrl, `conversation/${this.id}`, { doc })
    this.#peers.push(peer)
    return peer
  }

  /** By HTTP, again until it is taken. @returns the answer */
  post(id: RequestId, request: Request): Promise<unknown> {
    return until(`${id} is taken by HTTP`, async () => {
      const response = await fetch(server.url + routes.requests(this.id), {
        method: 'POST', headers: { 'content-type': 'application/json', [IDEMPOTENCY_KEY]: id }, body: JSON.stringify(request),
      })
      const answer = await response.json() as { code?: string }
      // What it follows is still on its way.
      return answer.code === 'parent-unknown' ? null : answer
    })
  }

  close(): void {
    for (const peer of this.#peers) peer.close()
  }

  /** The runs that the server began here since it started, each with how often it was taken up. */
  attempts(): Map<unknown, number> {
    const begun = new Map<unknown, number>()
    for (const line of server.log) {
      if (line['msg'] !== 'run' || line['conversation'] !== `conversation/${this.id}`) continue
      begun.set(line['run'], (begun.get(line['run']) ?? 0) + (line['state'] === 'processing' ? 1 : 0))
    }
    return begun
  }
}

const inTalk = async (work: (talk: Talk) => Promise<void>): Promise<void> => {
  const talk = new Talk()
  try {
    await work(talk)
  } finally {
    talk.close()
  }
}

const rounds = async (round: (talk: Talk, random: () => number) => Promise<void>): Promise<void> => {
  const first = runSeed()
  for (let seed = first; seed < first + ROUNDS; seed++) {
    await withReplay(seed, FILE, () => inTalk(talk => round(talk, seededRandom(seed))))
  }
}

const shuffled = <T>(items: readonly T[], random: () => number): T[] =>
  items.map(item => ({ item, at: random() })).sort((a, b) => a.at - b.at).map(({ item }) => item)

const outcomeAt = (peer: Peer, requestId: string): Promise<RequestOutcome> => until(`the outcome of ${requestId}`, () => {
  if (peer.closedBy) throw new Error(`closed by ${peer.closedBy.code} ${peer.closedBy.reason}`)
  return peer.controls.flatMap(control => control.kind === 'result' && control.requestId === requestId ? [control.outcome] : [])[0]
})

const replies = ({ doc }: Peer): Message[] => readMessages(doc).filter(({ role }) => role === 'assistant')
/** Nothing is wanted, nothing in progress, and each message stands there once. */
const settled = (peer: Peer, replyCount: number): Promise<unknown> => until(`${replyCount} replies are sealed and all is done`, () =>
  replies(peer).length >= replyCount && readDrafts(peer.doc).length === 0 && peer.doc.getMap('requests').size === 0)

const expectWhole = (peer: Peer): void => {
  const messages = readMessages(peer.doc)
  expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length)
  expect(readDrafts(peer.doc)).toEqual([])
  expect(peer.doc.getMap('requests').size).toBe(0)
  expect(readRuns(peer.doc).every(({ state }) => ['completed', 'cancelled', 'error'].includes(state))).toBe(true)
}

/** Asks, and waits for the reply. */
const answered = async (talk: Talk, text: string): Promise<{ peer: Peer, reply: Message }> => {
  const peer = await talk.join()
  say(peer.doc, text)
  await settled(peer, 1)
  return { peer, reply: replies(peer)[0]! }
}

const pair = async (talk: Talk): Promise<[Peer, Peer]> => [await talk.join(), await talk.join()]

/** Both devices put a request at once, in an order of chance. @returns the ids, as the devices stand there */
const both = (peers: readonly [Peer, Peer], random: () => number, make: () => Request): RequestId[] => {
  const ids = [newRequestId(), newRequestId()]
  for (const at of shuffled([0, 1] as const, random)) putRequest(peers[at].doc, ids[at]!, make())
  return ids
}

/** A reply that both stop when they have seen some of it. */
const stoppedBy = async (talk: Talk, random: () => number) => {
  const asking = await talk.join()
  const peers = await pair(talk)
  const seenEnough = Math.floor(random() * 40)
  // It is being given for as long as it takes to see it, on a busy machine too.
  say(asking.doc, '/long 400')
  const run = await until('the reply has begun', () => {
    const running = peers.map(({ doc }) => readRuns(doc).find(({ state }) => state === 'processing'))
    const seen = peers.every(({ doc }) => textOf(readDrafts(doc)[0]?.parts ?? []).length > seenEnough)
    return seen && running.every((each): each is Run => each !== undefined) ? running[0] : null
  })
  const seen = textOf(readDrafts(peers[0].doc)[0]!.parts)
  const ids = both(peers, random, () => proposeStop(run.id, Date.now()))
  const outcomes = await Promise.all(ids.map((id, at) => outcomeAt(peers[at]!, id)))
  await settled(peers[0], 1)
  expect(replies(peers[0])).toHaveLength(1)
  const stopped = replies(peers[0])[0]!
  expect(textOf(stopped.parts).startsWith(seen)).toBe(true)
  return { peers, stopped, outcomes, stopIds: ids, run }
}

describe('the same messages from two offline devices, by socket and by HTTP', () => {
  it(`are answered once each, whatever comes first, twice or late (${ROUNDS} times)`, { timeout: times(300_000, 60_000) }, () =>
    rounds(async (talk, random) => {
      // A device writes two messages, of which the second follows the first; the other one holds the same under the same ids, as structs of
      // its own or, where its storage was copied, as the very same ones. A program without a document sends them too, by HTTP.
      const [first, second] = [newRequestId(), newRequestId()]
      const isCopy = random() < 0.3
      const write = (doc: Y.Doc): Uint8Array[] => {
        const updates: Uint8Array[] = []
        doc.on('update', (update: Uint8Array) => updates.push(update))
        putRequest(doc, first, proposeSend({ parts: [{ type: 'text', text: 'one' }], parentId: null }, 1))
        putRequest(doc, second, proposeSend({ parts: [{ type: 'text', text: 'two' }], parentId: messageIdOf(first) }, 2))
        return updates
      }
      const laptop = new Y.Doc()
      const phone = new Y.Doc()
      const written = write(laptop)
      if (isCopy) Y.applyUpdate(phone, Y.encodeStateAsUpdate(laptop))
      const onPhone = isCopy ? written : write(phone)
      const devices = shuffled([{ doc: laptop, updates: written }, { doc: phone, updates: onPhone }], random)
      const peers = await Promise.all(devices.map(({ doc }) => talk.open(doc)))
      const bySocket = devices.flatMap(({ updates }, at) => [...updates, ...updates].map(update => () => peers[at]!.sendUpdate(update)))
      const posted = new Map<RequestId, Promise<unknown>[]>([[first, []], [second, []]])
      const byHttp = ([[first, 'one', null], [second, 'two', messageIdOf(first)]] as const).flatMap(([id, text, parentId]) => {
        const request = proposeSend({ parts: [{ type: 'text', text }], parentId }, 1)
        return [0, 1].map(() => () => { posted.get(id)!.push(talk.post(id, request)) })
      })
      for (const carry of shuffled([...bySocket, ...byHttp], random)) {
        carry()
        if (random() < 0.3) await new Promise(resolve => setImmediate(resolve))
      }
      for (const peer of peers) peer.send({ type: 'sync-step-1', stateVector: Y.encodeStateVector(peer.doc) })
      for (const peer of peers) {
        expect(await outcomeAt(peer, first)).toEqual({ status: 'accepted' })
        expect(await outcomeAt(peer, second)).toEqual({ status: 'accepted' })
      }
      for (const [id, text] of [[first, 'one'], [second, 'two']] as const) {
        const [answer, again] = await Promise.all(posted.get(id)!)
        expect(answer).toMatchObject({ requestId: id, outcome: { status: 'accepted' }, message: { id, parts: [{ text }] }, runs: [{ messageId: id }] })
        expect(again).toEqual(answer)
      }
      const reader = await talk.join()
      await settled(reader, 2)
      const texts = readMessages(reader.doc).filter(({ role }) => role === 'user').map(textOfMessage)
      expect(texts).toEqual(['one', 'two'])
      // The ids follow from the cause alone, so that any server that takes it makes the same ones.
      const derived = [first, second].map(requestId => {
        const messageId = messageIdOf(requestId)
        return { id: deriveRun({ requestId, messageId, agentId: 'skein-offline' as AgentId, askedBy: '', at: 0 }).replyId, to: messageId }
      })
      const answers = replies(reader).map(({ id, metadata }) => ({ id, to: metadata.parentId }))
      expect(answers.sort((a, b) => a.id < b.id ? -1 : 1)).toEqual(derived.sort((a, b) => a.id < b.id ? -1 : 1))
      expect([...talk.attempts().values()]).toEqual([1, 1])
      expectWhole(reader)
      for (const id of [first, second]) {
        const response = await fetch(`${server.url}/api/conversations/${talk.id}/requests/${id}`)
        expect(await response.json()).toMatchObject({ requestId: id, outcome: { status: 'accepted' } })
      }
    }))
})

describe('two devices at once', () => {
  it(`that ask for another answer get two, each with an outcome of its own (${ROUNDS} times)`, { timeout: times(300_000, 60_000) }, () =>
    rounds(async (talk, random) => {
      const { reply } = await answered(talk, '/long 5')
      const peers = await pair(talk)
      const ids = both(peers, random, () => proposeRegenerate(reply.id, Date.now()))
      for (const [at, id] of ids.entries()) expect(await outcomeAt(peers[at]!, id)).toEqual({ status: 'accepted' })
      await settled(peers[0], 3)
      const alternatives = replies(peers[0]).slice(1)
      expect(alternatives.map(({ metadata: { replaces, status, parentId } }) => ({ replaces, status, parentId })))
        .toEqual([0, 1].map(() => ({ replaces: reply.id, status: 'complete', parentId: reply.metadata.parentId })))
      expect(new Set(alternatives.map(({ parts }) => textOf(parts)))).toEqual(new Set([textOf(reply.parts)]))
      expect([...talk.attempts().values()]).toEqual([1, 1, 1])
      await settled(peers[1], 3)
      expect(readMessages(peers[1].doc)).toEqual(readMessages(peers[0].doc))
      expectWhole(peers[0])
    }))

  it(`that stop a reply stop it once, and what was seen is kept (${ROUNDS} times)`, { timeout: times(300_000, 60_000) }, () =>
    rounds(async (talk, random) => {
      const { stopped, outcomes } = await stoppedBy(talk, random)
      expect(outcomes.map(outcome => outcome.status === 'refused' ? outcome.code : 'stopped').sort()).toEqual(['run-finished', 'stopped'])
      expect(stopped.metadata.status).toBe('cancelled')
      expect([...talk.attempts().values()]).toEqual([1])
    }))

  it.each([['retry', proposeRetry], ['continue', proposeContinue]] as const)(
    `that ask for a %s of a stopped reply get one each (${ROUNDS} times)`, { timeout: times(300_000, 60_000) }, (type, propose) =>
      rounds(async (talk, random) => {
        const { peers, stopped } = await stoppedBy(talk, random)
        const ids = both(peers, random, () => propose(stopped.id, Date.now()))
        for (const [at, id] of ids.entries()) expect(await outcomeAt(peers[at]!, id)).toEqual({ status: 'accepted' })
        await settled(peers[0], 3)
        const later = replies(peers[0]).slice(1)
        expect(later.map(({ metadata: { replaces, status } }) => ({ replaces, status })))
          .toEqual([0, 1].map(() => ({ replaces: stopped.id, status: 'complete' })))
        for (const { parts } of later) {
          expect(textOf(parts).length).toBeGreaterThan(textOf(stopped.parts).length)
          if (type === 'continue') expect(textOf(parts).startsWith(textOf(stopped.parts))).toBe(true)
        }
        expect([...talk.attempts().values()]).toEqual([1, 1, 1])
        expectWhole(peers[0])
      }))
})

describe('a request that comes again after the server was killed', () => {
  it('has the outcome of the first time and no second effect', { timeout: 60_000 }, () => inTalk(async talk => {
    const random = seededRandom(1)
    const { peers: [peer], stopped, stopIds, outcomes, run } = await stoppedBy(talk, random)
    type Asked = [RequestId, Request, RequestOutcome]
    const asked = [
      ...stopIds.map((id, at): Asked => [id, proposeStop(run.id, 1), outcomes[at]!]),
      ...[proposeRegenerate, proposeRetry, proposeContinue].map((propose): Asked => [newRequestId(), propose(stopped.id, 1), { status: 'accepted' }])
    ]
    for (const [id, request] of asked.slice(2)) putRequest(peer.doc, id, request)
    await settled(peer, 4)
    const before = readMessages(peer.doc)
    await server.stop('SIGKILL')
    server = await startServer(folder.path, { SKEIN_OFFLINE_PACE: '2' })
    // Devices that heard nothing: their documents are empty, and they put the same requests again.
    const devices = [await talk.join(), await talk.join()]
    for (const { doc } of devices) for (const [id, request] of asked) putRequest(doc, id, request)
    for (const device of devices) {
      for (const [id, , outcome] of asked) expect(await outcomeAt(device, id)).toEqual(outcome)
      await device.allSaved()
    }
    for (const [id, request, outcome] of asked) {
      const expected = outcome.status === 'accepted' ? { requestId: id, outcome } : { code: outcome.code, detail: outcome.reason }
      expect(await talk.post(id, request)).toMatchObject(expected)
    }
    expect(readMessages(devices[0]!.doc)).toEqual(before)
    expect(talk.attempts().size).toBe(0)
    expectWhole(devices[0]!)
  }))
})
