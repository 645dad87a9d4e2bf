/** Which agents a message asks, on a real server: alone always, among several people when it is mentioned or set to. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { routes } from '../../shared/api/routes.ts'
import { readMessages } from '../../shared/conversation/read.ts'
import { proposeSetMeta, putRequest } from '../../shared/conversation/write.ts'
import { conversationName } from '../../shared/ids.ts'
import type { DocumentName } from '../../shared/ids.ts'
import { newConversationId, newRequestId, say } from '../rig/conversation.ts'
import { startInProcess } from '../rig/in-process.ts'
import type { InProcessServer } from '../rig/in-process.ts'
import { Peer } from '../rig/peer.ts'
import { RevocableIdentity } from '../rig/revocable-identity.ts'
import { until } from '../rig/until.ts'

let server: InProcessServer
let id: string
let name: DocumentName
const peers: Peer[] = []

const as = (who: string) => ({ cookie: `person=${who}.laptop` })
const ask = async (who: string, method: string, path: string, body: object): Promise<unknown> => {
  const response = await fetch(server.url + path, { method, headers: { ...as(who), 'content-type': 'application/json' }, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(await response.text())
  return response.json().catch(() => null)
}
const letIn = async (who: string, role: 'editor' | 'viewer'): Promise<void> => {
  const { secret } = await ask('ada', 'POST', routes.invitations(id), { role }) as { secret: string }
  await ask(who, 'POST', routes.acceptInvitation(), { secret })
}
const join = async (who: string): Promise<Peer> => {
  const peer = await Peer.join(server.syncUrl, name, as(who))
  peers.push(peer)
  return peer
}
const messageOf = ({ doc }: Peer, requestId: string) => readMessages(doc).find(message => (message.id as string) === requestId)
/** Sealed replies to it. */
const repliesTo = ({ doc }: Peer, requestId: string): number =>
  readMessages(doc).filter(({ metadata }) => metadata.agentId && (metadata.parentId as string) === requestId).length

beforeEach(async () => {
  server = await startInProcess({ identity: new RevocableIdentity() })
  id = newConversationId()
  name = conversationName(id)!
  await ask('ada', 'POST', routes.conversations(), { id })
})
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close()
  await server.close()
})

it('alone, and with somebody who reads, the agent answers; with one who writes it waits to be mentioned, or for the setting', async () => {
  const ada = await join('ada')
  const saying = async (peer: Peer, text: string): Promise<string> => {
    const requestId = say(peer.doc, text)
    await peer.allSaved()
    await until('it is sealed', () => messageOf(peer, requestId))
    return requestId
  }
  const answered = (requestId: string) => until(`${requestId} is answered`, () => repliesTo(ada, requestId) === 1)

  await answered(await saying(ada, 'Hello'))
  await letIn('vic', 'viewer')
  await until('the reader is shown', () => ada.doc.getMap('members').has('vic'))
  await answered(await saying(ada, 'Hello again'))

  await letIn('bob', 'editor')
  const bob = await join('bob')
  await until('who writes is shown', () => ada.doc.getMap('members').has('bob') && bob.doc.getMap('members').has('bob'))
  const silent = await saying(bob, 'Hello Ada')
  expect(messageOf(bob, silent)!.metadata.unasked).toBe('not-mentioned')
  const mentioned = await saying(bob, 'and you, @skein-offline?')
  await answered(mentioned)
  expect(messageOf(ada, mentioned)!.metadata.unasked).toBeUndefined()
  expect(repliesTo(ada, silent)).toBe(0)

  putRequest(ada.doc, newRequestId(), proposeSetMeta('answers', 'always', Date.now()))
  await ada.allSaved()
  await answered(await saying(bob, 'Everything from now on'))
  expect(repliesTo(ada, silent)).toBe(0)
})

it('a setting that there is not is refused, and so is one of somebody who only reads', async () => {
  await letIn('vic', 'viewer')
  const [ada, vic] = [await join('ada'), await join('vic')]
  const outcome = async (peer: Peer, value: string) => {
    const requestId = newRequestId()
    putRequest(peer.doc, requestId, proposeSetMeta('answers', value as 'always', Date.now()))
    return until('the outcome', () => peer.controls.flatMap(control => control.kind === 'result' && control.requestId === requestId ? [control.outcome] : [])[0])
  }
  expect(await outcome(ada, 'sometimes')).toMatchObject({ status: 'refused', code: 'invalid-request' })
  expect(await outcome(vic, 'always')).toMatchObject({ status: 'refused', code: 'viewer' })
  expect(ada.doc.getMap('meta').get('answers')).toBeUndefined()
})
