/**
 * A document that is as large as it may be: nothing is added to it, but what ends something gets through, over a real socket and by HTTP.
 */
import { expect, it, onTestFinished } from 'vitest'
import * as Y from 'yjs'
import { routes } from '../../shared/api/routes.ts'
import { IDEMPOTENCY_KEY } from '../../shared/api/schemas.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { readDrafts, readMessages } from '../../shared/conversation/read.ts'
import type { Request } from '../../shared/conversation/schema.ts'
import { proposeReact, proposeRedact, proposeSend, proposeStop, putRequest } from '../../shared/conversation/write.ts'
import { conversationName, messageIdOf } from '../../shared/ids.ts'
import type { AgentId, MessageId, RequestId, RunId } from '../../shared/ids.ts'
import { limits, serverLimits } from '../../shared/limits.ts'
import { record } from '../contract/samples.ts'
import { messageTexts, newConversationId, newRequestId, say as sayIn, textOfMessage } from '../rig/conversation.ts'
import { startInProcess } from '../rig/in-process.ts'
import type { InProcessOptions } from '../rig/in-process.ts'
import { Peer } from '../rig/peer.ts'
import { ScriptedAgent } from '../rig/scripted-agent.ts'
import { until } from '../rig/until.ts'

/** A conversation of so many structs, all of them living, as a server may have written them. */
const ofStructs = (count: number): Y.Doc => {
  const doc = new Y.Doc()
  doc.transact(() => { for (let n = 0; n < count; n++) openRoots(doc).reactions.set(`${n}`, n) })
  return doc
}

const start = async (options: InProcessOptions & { structs?: number }) => {
  const agent = new ScriptedAgent()
  const server = await startInProcess({ durability: 'os', agents: [agent], ...options })
  onTestFinished(() => server.close())
  const id = newConversationId()
  const name = conversationName(id)!
  await server.log.append(name, record(Y.encodeStateAsUpdate(ofStructs(options.structs ?? 1))))
  const join = async (): Promise<Peer> => {
    const peer = await Peer.join(server.syncUrl, name)
    onTestFinished(() => peer.close())
    return peer
  }
  const post = async (request: Request, requestId: RequestId = newRequestId()): Promise<number> => {
    const headers = { 'content-type': 'application/json', [IDEMPOTENCY_KEY]: requestId }
    return (await fetch(server.url + routes.requests(id), { method: 'POST', headers, body: JSON.stringify(request) })).status
  }
  const say = async (words: string, to: AgentId[] = []): Promise<{ id: MessageId, status: number }> => {
    const requestId = newRequestId()
    const status = await post(proposeSend({ parts: [{ type: 'text', text: words }], parentId: null, to }, 1), requestId)
    return { id: messageIdOf(requestId), status }
  }
  /** A reply that goes on. */
  const run = async (): Promise<RunId> => {
    const before = agent.replies.length
    await say(`question ${before}`, [agent.id])
    await until('it is being given', () => agent.replies.length > before)
    agent.replies[before]!.say('As far as it ')
    return agent.replies[before]!.context.run!.id
  }
  return { server, id, join, post, say, run }
}

const ask = async (peer: Peer, request: Request): Promise<unknown> => {
  const requestId = newRequestId()
  putRequest(peer.doc, requestId, request)
  return until('it is answered', () => peer.closedBy ??
    peer.controls.flatMap(control => control.kind === 'result' && control.requestId === requestId ? [control.outcome] : [])[0])
}

const putSay = (doc: Y.Doc, text: string): RequestId => sayIn(doc, text, { to: [], parentId: null })

const ACCEPTED = { status: 'accepted' }

it.each([
  ['structs', { structs: limits.documentStructs - 60 }, /^too-large: The document has as many parts/],
  ['bytes', { limits: { ...serverLimits, documentBytes: 20_000 } }, /^document-full/],
] as const)('a conversation with as many %s as it may have lets replies be stopped, messages be taken out, and itself be deleted', async (
  _, options, reason,
) => {
  const { server, id, join, post, say, run } = await start(options)
  const mine = [await say('mine 1'), await say('mine 2')].map(({ id }) => id)
  const [first, second] = [await run(), await run()]
  const person = await join()
  for (let on = true; (await say('x'.repeat(4000))).status !== 413; on = !on) await ask(person, proposeReact(mine[0]!, 'up', on, 1))
  await until('both replies are shown', () => readDrafts(person.doc).length === 2)

  expect(await ask(person, proposeStop(first, 1))).toEqual(ACCEPTED)
  expect(await post(proposeStop(second, 1))).toBe(201)
  const replies = () => readMessages(person.doc).filter(({ role }) => role === 'assistant').map(textOfMessage)
  await until('both have ended with what there is', () => replies().join('|') === 'As far as it |As far as it ')
  expect(await ask(person, proposeRedact(mine[0]!, 1))).toEqual(ACCEPTED)
  expect(await post(proposeRedact(mine[1]!, 1))).toBe(201)
  await until('both are gone', () => messageTexts(person.doc).every(words => !words.startsWith('mine')))
  // One that comes too late is told so, as ever.
  expect(await ask(person, proposeStop(first, 1))).toMatchObject({ status: 'refused', code: 'run-finished' })

  const offline = new Y.Doc()
  openRoots(offline).requests.delete(putSay(offline, 'not after all'))
  person.sendUpdate(Y.encodeStateAsUpdate(offline))
  await person.allSaved()
  expect(messageTexts(person.doc)).not.toContain('not after all')

  putSay(person.doc, 'x'.repeat(4000))
  expect(await person.closed()).toMatchObject({ code: 4413, reason: expect.stringMatching(reason) })
  expect((await fetch(server.url + routes.conversation(id), { method: 'DELETE' })).status).toBe(204)
})
