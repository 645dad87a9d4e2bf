/** A disk that refuses an append: nobody was told otherwise, and everybody comes back to what is stored. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readMessages, readRuns } from '../../shared/conversation/read.ts'
import { messageTexts, newConversationId, say } from '../rig/conversation.ts'
import { startInProcess } from '../rig/in-process.ts'
import type { InProcessServer } from '../rig/in-process.ts'
import { Peer } from '../rig/peer.ts'
import { until } from '../rig/until.ts'

let server: InProcessServer
const peers: Peer[] = []
let name: string

const join = async (doc?: Peer['doc']): Promise<Peer> => {
  const peer = await Peer.join(server.syncUrl, name, doc && { doc })
  peers.push(peer)
  return peer
}

beforeEach(async () => {
  server = await startInProcess()
  name = `conversation/${newConversationId()}`
})

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close()
  await server.close()
})

it.each(['before', 'after'] as const)('an append that fails %s it is written is not acknowledged, not shown to others, and the room recovers', async when => {
  const [writer, reader] = [await join(), await join()]
  say(writer.doc, 'Before the failure', { to: [] })
  await writer.allSaved()
  const savedBefore = writer.saved

  server.failNextWrite(when)
  const id = say(writer.doc, 'During the failure', { to: [] })
  expect(await writer.closed()).toMatchObject({ code: 1013 })
  await reader.closed()
  expect(writer.saved).toBe(savedBefore)
  expect(messageTexts(reader.doc)).toEqual(['Before the failure'])
  expect(messageTexts(writer.doc)).toEqual(['Before the failure'])

  // The device still holds its request and offers it again; whatever became of the failed batch, it has one effect.
  const [again, other] = [await join(writer.doc), await join()]
  await again.allSaved()
  await until('both see the message once', () => [again, other].every(({ doc }) => messageTexts(doc).join() === 'Before the failure,During the failure'))
  expect((await server.log.ledger(name as never, [id])).get(id)).toMatchObject({ outcome: { status: 'accepted' } })
})

it('an agent that was asked in an append that failed after it was written answers without a restart, once', async () => {
  const writer = await join()
  server.failNextWrite('after')
  say(writer.doc, 'Hello?')
  await writer.closed()
  const again = await join(writer.doc)
  await until('it has answered', () => readRuns(again.doc).some(({ state }) => state === 'completed'))
  expect(readMessages(again.doc).map(({ role }) => role)).toEqual(['user', 'assistant'])
  expect(await server.log.openRuns()).toEqual([])
})

it('other rooms go on after a failed append', async () => {
  const elsewhere = await Peer.join(server.syncUrl, `conversation/${newConversationId()}`)
  peers.push(elsewhere)
  const writer = await join()
  server.failNextWrite('before')
  say(writer.doc, 'lost for now', { to: [] })
  await writer.closed()
  say(elsewhere.doc, 'still here', { to: [] })
  await until('the other room has taken it, at once or after a reconnect', async () => {
    if (!elsewhere.closedBy) return messageTexts(elsewhere.doc).includes('still here')
    const back = await join(elsewhere.doc)
    peers.push(back)
    return back.closedBy === null
  })
})
