/** Replies on their way from a model over HTTP into LevelDB: what is stored of them, several at once, and a disk that does not keep up. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { createAiSdkAgent } from '../../server/agents/adapters/ai-sdk.ts'
import { bundleLimits } from '../../server/agents/bundle.ts'
import type { Agent } from '../../server/agents/port.ts'
import { updateRange } from '../../server/log/leveldb/keys.ts'
import { mustBeWhole } from '../../server/room/load-document.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { readDrafts, readMessages, readRuns, textOf } from '../../shared/conversation/read.ts'
import { proposeRegenerate, proposeStop, putRequest, putSharedDraft } from '../../shared/conversation/write.ts'
import { conversationName, messageIdOf } from '../../shared/ids.ts'
import type { AgentId, DraftId, RequestId, UserId } from '../../shared/ids.ts'
import { newConversationId, newRequestId, say } from '../rig/conversation.ts'
import { startInProcess } from '../rig/in-process.ts'
import type { InProcessServer } from '../rig/in-process.ts'
import { startModelServer } from '../rig/model-server.ts'
import type { Exchange, ModelServer } from '../rig/model-server.ts'
import { Peer } from '../rig/peer.ts'
import { until } from '../rig/until.ts'

const PER_RECORD = 60

let model: ModelServer
let server: InProcessServer
/** Chunks that the server took from its models. */
let read: number
const name = conversationName(newConversationId())!

const counted = (id: string): Agent => {
  const agent = createAiSdkAgent({ id, name: id, provider: 'openai-compatible', model: id, baseUrl: model.baseURL })
  return {
    ...agent,
    async *reply(context, signal) {
      for await (const chunk of agent.reply(context, signal)) {
        read++
        yield chunk
      }
    },
  }
}
beforeEach(async () => {
  read = 0
  model = await startModelServer()
  server = await startInProcess({ agents: [counted('one'), counted('two')] })
})
afterEach(async () => {
  await model.close()
  await server.close()
})

const records = async (): Promise<number> => (await server.log.store.keys(updateRange(name))).length
const replies = (doc: Y.Doc) => readMessages(doc).filter(({ role }) => role === 'assistant')
const answers = (doc: Y.Doc, request: RequestId) =>
  replies(doc).filter(({ metadata }) => metadata.parentId === messageIdOf(request)).map(({ parts }) => textOf(parts))

/** What a server would find after it was killed now. */
const onDisk = async (): Promise<Y.Doc> => {
  const doc = new Y.Doc()
  for (const update of (await server.log.read(name))!.updates) Y.applyUpdate(doc, update)
  mustBeWhole(name, doc)
  return doc
}
const speak = async (exchange: Exchange, words: readonly string[]): Promise<void> => {
  for (const word of words) await exchange.token(word)
}
const words = (what: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${what}${n} `)

describe('replies in LevelDB', () => {
  it('take one record per 60 tokens at most, all of their steps counted', async () => {
    const ann = await Peer.join(server.syncUrl, name)
    const asked = say(ann.doc, 'Hello')
    const exchange = await model.next()
    const before = await records()
    const said = words('word', 1200)
    for (let n = 0; n < said.length; n += bundleLimits.deltas) {
      await speak(exchange, said.slice(n, n + bundleLimits.deltas))
      await until('they are seen', () => readDrafts(ann.doc).some(({ parts }) => textOf(parts).endsWith(said[n + bundleLimits.deltas - 1]!)))
    }
    await exchange.finish()
    await until('the reply is sealed', () => answers(ann.doc, asked).length > 0)
    expect(answers(ann.doc, asked)).toEqual([said.join('')])
    expect(await records() - before).toBeLessThanOrEqual(said.length / PER_RECORD)
    expect(answers(await onDisk(), asked)).toEqual([said.join('')])
    ann.close()
  })

  it('of several agents at once, with somebody who types meanwhile, keep apart and add no more than that', async () => {
    const ann = await Peer.join(server.syncUrl, name)
    const ben = await Peer.join(server.syncUrl, name)
    const asked = say(ann.doc, 'Hello', { to: ['one', 'two'] as AgentId[] })
    const exchanges = [await model.next(), await model.next()]
    const draft = newRequestId() as string as DraftId
    putSharedDraft(ben.doc, draft, { kind: 'shared', authorId: 'local' as UserId, parentId: null, createdAt: 1 }, 'x')
    await ben.allSaved()
    const before = await records()
    const said = exchanges.map(({ body }) => words(`${body.model}-`, 900))
    let typed = 0
    for (let n = 0; n < 900; n += 30) {
      await Promise.all(exchanges.map((exchange, i) => speak(exchange, said[i]!.slice(n, n + 30))))
      const body = openRoots(ben.doc).drafts.get(draft)!.get('parts')
      if (!(body instanceof Y.Array)) throw new Error('no draft')
      const text = body.get(0).get('text') as Y.Text
      text.insert(text.length, 'x')
      typed++
      // What was seen of either is there, whole, whenever the server dies.
      const seen = readDrafts(ann.doc).filter(({ head }) => head.kind === 'agent').map(({ id, parts }) => [id, textOf(parts)] as const)
      const there = new Map(readDrafts(await onDisk()).map(({ id, parts }) => [id, textOf(parts)]))
      for (const [id, text] of seen) expect(there.get(id)?.startsWith(text)).toBe(true)
    }
    await ben.allSaved()
    for (const exchange of exchanges) await exchange.finish()
    await until('both replies are sealed', () => answers(ann.doc, asked).length === 2)
    expect(answers(ann.doc, asked).sort()).toEqual(said.map(each => each.join('')).sort())
    expect(await records() - before - typed).toBeLessThanOrEqual(2 * 900 / PER_RECORD)
    expect(answers(await onDisk(), asked).sort()).toEqual(said.map(each => each.join('')).sort())
    ann.close()
    ben.close()
  })

  it('asked for anew during another reply are two, neither of which has words of the other', async () => {
    const ann = await Peer.join(server.syncUrl, name)
    const first = say(ann.doc, 'First')
    const original = await model.next()
    await original.token('Original.')
    await original.finish()
    await until('it is sealed', () => answers(ann.doc, first).length === 1)
    const second = say(ann.doc, 'Second')
    const going = await model.next()
    await going.token('Going')
    await until('its beginning is seen', () => readDrafts(ann.doc).some(({ parts }) => textOf(parts) === 'Going'))
    putRequest(ann.doc, newRequestId(), proposeRegenerate(replies(ann.doc)[0]!.id, Date.now()))
    const anew = await model.next()
    const [more, other] = [words(' on', 100), words('Other', 100)]
    await Promise.all([speak(going, more), speak(anew, other)])
    await Promise.all([anew.finish(), going.finish()])
    await until('all are sealed', () => replies(ann.doc).length === 3)
    expect(answers(ann.doc, first)).toEqual(['Original.', other.join('')])
    expect(answers(ann.doc, second)).toEqual([`Going${more.join('')}`])
    expect(replies(ann.doc).filter(({ metadata }) => metadata.replaces === replies(ann.doc)[0]!.id)).toHaveLength(1)
    expect(answers(await onDisk(), second)).toEqual([`Going${more.join('')}`])
    ann.close()
  })
})

describe('a disk that stands still', () => {
  /** More than all the buffers of a connection take. */
  const ENDLESS = 400_000

  /** Lets the model speak without end; what it says is taken by the system until that has no room left. */
  const stall = async (ann: Peer): Promise<{ exchange: Exchange, sent: () => number, release: () => void }> => {
    say(ann.doc, 'Hello')
    const exchange = await model.next()
    await exchange.token('Seen ')
    await until('the first word is seen', () => readDrafts(ann.doc).some(({ parts }) => textOf(parts) === 'Seen '))
    const { reached, release } = server.holdWrites()
    let sent = 0
    void (async () => {
      while (sent < ENDLESS && exchange.abortedAt === null) {
        await exchange.token('x')
        sent++
      }
    })()
    await reached
    // Nothing moves while the server answers others.
    await until('the model can say no more', async () => {
      const before = [sent, read]
      for (let n = 0; n < 20; n++) await fetch(`${server.url}/healthz`)
      return before[0] === sent && before[1] === read
    }, 60_000)
    return { exchange, sent: () => sent, release }
  }

  it('stops the reading of the model after some seconds of its words, and goes on where it stopped', async () => {
    const ann = await Peer.join(server.syncUrl, name)
    const { exchange, sent, release } = await stall(ann)
    expect(sent()).toBeLessThan(ENDLESS)
    // What is on its way to the disk, what gathers behind it, and the one that waits.
    const waits = bundleLimits.gatheredDeltas + bundleLimits.deltas + 2
    expect(read).toBeLessThanOrEqual(waits)
    release()
    await until('the model is read on', () => read > 2 * waits)
    const [run] = readRuns(ann.doc)
    putRequest(ann.doc, newRequestId(), proposeStop(run!.id, Date.now()))
    await exchange.aborted
    await until('the reply is sealed', () => replies(ann.doc).length === 1)
    expect(textOf(replies(ann.doc)[0]!.parts)).toMatch(/^Seen x+$/)
    ann.close()
  })

  it('lets a stop take effect with the next write', async () => {
    const ann = await Peer.join(server.syncUrl, name)
    const { exchange, release } = await stall(ann)
    const [run] = readRuns(ann.doc)
    putRequest(ann.doc, newRequestId(), proposeStop(run!.id, Date.now()))
    await until('the server has got it', async () => {
      await fetch(`${server.url}/healthz`)
      return ann.socket.bufferedAmount === 0
    })
    const taken = read
    release()
    await exchange.aborted
    await until('the reply is sealed', () => replies(ann.doc).length === 1)
    expect(replies(ann.doc)[0]!.metadata.status).toBe('cancelled')
    expect(textOf(replies(ann.doc)[0]!.parts)).toMatch(/^Seen x+$/)
    expect(readDrafts(ann.doc)).toEqual([])
    expect(read - taken).toBeLessThanOrEqual(2 * bundleLimits.gatheredDeltas)
    ann.close()
  })

  it('lets the model go at once when the server stops, whatever the disk does', async () => {
    const ann = await Peer.join(server.syncUrl, name)
    const { exchange, release } = await stall(ann)
    const closed = server.close()
    await exchange.aborted
    release()
    await closed
    ann.close()
    server = await startInProcess({})
  })
})
