/** Files of the server that messages name, on a real server and a real disk: who may have them read, and what the reply says of them. */
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openFolderFiles } from '../../server/agents/adapters/folder-files.ts'
import { routes } from '../../shared/api/routes.ts'
import type { Me } from '../../shared/api/schemas.ts'
import { readMessages } from '../../shared/conversation/read.ts'
import type { ContextReference } from '../../shared/conversation/schema.ts'
import { proposeRegenerate, proposeSend, putRequest } from '../../shared/conversation/write.ts'
import { conversationName, messageIdOf } from '../../shared/ids.ts'
import type { AgentId, RequestId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { newConversationId, newRequestId } from '../rig/conversation.ts'
import { startInProcess } from '../rig/in-process.ts'
import type { InProcessServer } from '../rig/in-process.ts'
import { Peer } from '../rig/peer.ts'
import { RevocableIdentity } from '../rig/revocable-identity.ts'
import { ScriptedAgent } from '../rig/scripted-agent.ts'
import { temporaryFolder } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let server: InProcessServer
let agent: ScriptedAgent
let id: string
const peers: Peer[] = []

const as = (who: string) => ({ cookie: `person=${who}.laptop` })
const ask = async (who: string, method: string, path: string, body?: object): Promise<unknown> => {
  const response = await fetch(server.url + path, { method, headers: { ...as(who), 'content-type': 'application/json' }, ...body && { body: JSON.stringify(body) } })
  if (!response.ok) throw new Error(await response.text())
  return response.json().catch(() => null)
}
const joined = async (who: string): Promise<Peer> => {
  const peer = await Peer.join(server.syncUrl, conversationName(id)!, as(who))
  peers.push(peer)
  return peer
}
const send = (peer: Peer, context: ContextReference[], to: AgentId[] = [agent.id]): RequestId => {
  const requestId = newRequestId()
  putRequest(peer.doc, requestId, proposeSend({ parts: [{ type: 'text', text: 'What does it say?' }], parentId: null, to, context }, Date.now()))
  return requestId
}
const outcomeOf = (peer: Peer, requestId: string) => until('the outcome', () =>
  peer.controls.flatMap(control => control.kind === 'result' && control.requestId === requestId ? [control.outcome] : [])[0])
/** Ends the reply of so many that came before, and gives what it says of the files. */
const reply = async (peer: Peer, before: number) => {
  const asked = await until('the agent is asked', () => agent.replies[before])
  asked.say('Read.')
  asked.finish()
  await until('it is sealed', () => readMessages(peer.doc).filter(({ role }) => role === 'assistant').length === before + 1)
  return { context: asked.context, files: readMessages(peer.doc).at(-1)!.metadata.files }
}

beforeEach(async () => {
  folder = await temporaryFolder()
  await mkdir(join(folder.path, 'book'))
  await writeFile(join(folder.path, 'book', 'one.md'), 'One.')
  await writeFile(join(folder.path, 'secret.txt'), 'secret')
  await symlink(join(folder.path, 'secret.txt'), join(folder.path, 'book', 'way-out'))
  agent = new ScriptedAgent()
  const files = await openFolderFiles({ roots: [join(folder.path, 'book')], mayUse: who => who === 'ada' })
  server = await startInProcess({ identity: new RevocableIdentity(), agents: [agent], files })
  id = newConversationId()
  await ask('ada', 'POST', routes.conversations(), { id })
  const { secret } = await ask('ada', 'POST', routes.invitations(id), { role: 'editor' }) as { secret: string }
  await ask('bob', 'POST', routes.acceptInvitation(), { secret })
})
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close()
  await server.close()
  await folder.remove()
})

it('what is named is read when the reply begins, and the reply says what was read and what was left out', async () => {
  expect((await ask('ada', 'GET', routes.me()) as Me).contextRoots).toEqual(['book'])
  const ada = await joined('ada')
  const requestId = send(ada, [{ path: 'book', isFolder: true }, { path: 'book/../secret.txt', isFolder: false }])
  expect(await outcomeOf(ada, requestId)).toEqual({ status: 'accepted' })
  const { context, files } = await reply(ada, 0)
  expect(context.files).toEqual([{ path: 'book/one.md', text: 'One.' }])
  expect(files).toEqual({
    read: [{ path: 'book/one.md', bytes: 4 }],
    leftOut: [{ path: 'book/way-out', why: 'link' }, { path: 'book/../secret.txt', why: 'not-found' }]
  })
  expect(readMessages(ada.doc)[0]!.metadata.context).toHaveLength(2)

  // What changed since is what the next reply reads; who may not have it read gets none of it, however they ask.
  await writeFile(join(folder.path, 'book', 'one.md'), 'Two.')
  const bob = await joined('bob')
  putRequest(bob.doc, newRequestId(), proposeRegenerate(messageIdOf(requestId), Date.now()))
  const bobs = await reply(ada, 1)
  expect([bobs.context.files, bobs.files!.read, bobs.files!.leftOut[0]]).toEqual([[], [], { path: 'book', why: 'not-allowed' }])
  putRequest(ada.doc, newRequestId(), proposeRegenerate(messageIdOf(requestId), Date.now()))
  expect((await reply(ada, 2)).context.files).toEqual([{ path: 'book/one.md', text: 'Two.' }])
})

it('who may not is refused, whoever else is in the conversation, and so is what names too much', async () => {
  expect((await ask('bob', 'GET', routes.me()) as Me).contextRoots).toBeUndefined()
  const [ada, bob] = [await joined('ada'), await joined('bob')]
  expect(await outcomeOf(bob, send(bob, [{ path: 'book/one.md', isFolder: false }]))).toMatchObject({ status: 'refused', code: 'not-allowed' })
  const many = Array.from({ length: limits.contextReferences + 1 }, (_, i) => ({ path: `book/${i}`, isFolder: false }))
  expect(await outcomeOf(ada, send(ada, many))).toMatchObject({ status: 'refused', code: 'invalid-request' })
  const long = [{ path: 'b'.repeat(limits.contextPathLength + 1), isFolder: false }]
  expect(await outcomeOf(ada, send(ada, long))).toMatchObject({ status: 'refused', code: 'invalid-request' })
  expect(readMessages(ada.doc)).toEqual([])
  expect(agent.replies).toEqual([])
})

it('a server without such folders refuses messages that name files', async () => {
  const plain = await startInProcess({ agents: [agent] })
  const peer = await Peer.join(plain.syncUrl, conversationName(newConversationId())!)
  expect(await outcomeOf(peer, send(peer, [{ path: 'book/one.md', isFolder: false }]))).toMatchObject({ status: 'refused', code: 'not-allowed' })
  peer.close()
  await plain.close()
})
