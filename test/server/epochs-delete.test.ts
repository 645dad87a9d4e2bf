/** Deleting a conversation under those who have it open, write in it, or come back to it later. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { routes } from '../../shared/api/routes.ts'
import { conversationName } from '../../shared/ids.ts'
import type { DocumentName } from '../../shared/ids.ts'
import { newConversationId, say } from '../rig/conversation.ts'
import { startInProcess } from '../rig/in-process.ts'
import type { InProcessOptions, InProcessServer } from '../rig/in-process.ts'
import { Peer } from '../rig/peer.ts'
import { ScriptedAgent } from '../rig/scripted-agent.ts'
import { temporaryFolder } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let server: InProcessServer
let id: string
let name: DocumentName
const peers: Peer[] = []

const start = async (options: InProcessOptions = {}): Promise<void> => {
  server = await startInProcess({ dataFolder: folder.path, ...options })
}
const enter = async (skein = true, doc = new Y.Doc()): Promise<Peer> => {
  const peer = await Peer.join(server.syncUrl, name, { skein, doc })
  peers.push(peer)
  return peer
}
const remove = async (): Promise<number> => (await fetch(`${server.url}${routes.conversation(id)}`, { method: 'DELETE' })).status
const filesWith = async (text: string): Promise<string[]> => {
  const entries = await readdir(folder.path, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const found = await Promise.all(files.map(async file => (await readFile(file)).includes(text)))
  return files.filter((_, i) => found[i])
}

beforeEach(async () => {
  folder = await temporaryFolder()
  id = newConversationId()
  name = conversationName(id)!
})

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close()
  await server.close()
  await folder.remove()
})

it('closes every connection with the reason, and leaves no word of it in the data folder', async () => {
  await start()
  const open = [await enter(true), await enter(false)]
  say(open[0]!.doc, 'the-secret-is-4711', { to: [] })
  await open[0]!.allSaved()
  expect(await filesWith('the-secret-is-4711')).not.toEqual([])
  expect(await remove()).toBe(204)
  for (const peer of open) expect(await peer.closed()).toEqual({ code: 4410, reason: expect.stringMatching(/^gone: .*deleted/) })
  expect(await server.log.list('')).toEqual([])
  await server.close()
  expect(await filesWith('the-secret-is-4711')).toEqual([])
  await start()
})

it.each([true, false])('turns away a device that comes back with all it had, after a restart too (skein.v1: %s)', async skein => {
  await start()
  const { doc, close } = await enter(skein)
  close.call(peers.at(-1)!)
  say(doc, 'written offline', { to: [], parentId: null })
  await remove()
  for (let i = 0; i < 2; i++) {
    const back = await Peer.open(server.syncUrl, name, { skein, doc })
    back.send({ type: 'sync-step-1', stateVector: Y.encodeStateVector(doc) })
    back.send({ type: 'sync-step-2', update: Y.encodeStateAsUpdate(doc) })
    expect(await back.closed()).toMatchObject({ code: 4410 })
    expect(back.frames).toEqual([])
    expect(await server.log.list('')).toEqual([])
    await server.close()
    await start()
  }
})

it('aborts the agents that are at work in it, and they write nothing any more', async () => {
  const agent = new ScriptedAgent()
  await start({ agents: [agent] })
  const peer = await enter()
  say(peer.doc, 'tell me')
  await until('the agent was asked', () => agent.replies[0])
  agent.reply1.say('Well')
  await until('its text is seen', () => peer.doc.getMap('drafts').size === 1)
  expect(await remove()).toBe(204)
  expect(agent.reply1.signal.aborted).toBe(true)
  expect(await server.log.openRuns()).toEqual([])
  expect(await server.log.list('')).toEqual([])
})

it('stays deleted however many write and connect while it is being deleted', async () => {
  await start()
  const writers = await Promise.all(Array.from({ length: 5 }, () => enter()))
  const comers: Peer[] = []
  const deleted = remove()
  for (let n = 0; n < 20; n++) {
    for (const { doc } of writers) say(doc, `more ${n}`, { to: [], parentId: null })
    const comer = await Peer.open(server.syncUrl, name, { skein: false })
    comer.send({ type: 'sync-step-1', stateVector: Y.encodeStateVector(comer.doc) })
    comers.push(comer)
  }
  expect(await deleted).toBe(204)
  for (const peer of [...writers, ...comers]) expect([4410, 1013]).toContain((await peer.closed()).code)
  expect(await server.log.list('')).toEqual([])
  expect(await server.log.read(name)).toBeNull()
})

describe('a crash in the middle of a deletion', () => {
  it('is made up for at the next start, before anybody comes in', async () => {
    await start()
    const peer = await enter()
    say(peer.doc, 'tell me')
    await peer.allSaved()
    await server.directory.remove(name, 1)
    expect(await server.log.list('')).toEqual([name])
    await server.close()
    await start()
    expect(await server.log.list('')).toEqual([])
    expect(await server.directory.toErase()).toEqual([])
  })
})
