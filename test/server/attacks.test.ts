/**
 * Attacks over real sockets against a real server process: the sender is told and disconnected, the server stays small, and an honest
 * person goes on meanwhile. Attacks that are about bytes, not about a server, stand in unit tests:
 *
 * | attack | where |
 * |---|---|
 * | same client block twice, lengths of zero, overlap with other content, tombstones on map keys, gaps | here, `gate.test.ts` |
 * | overlap with another parent; deleted content; a struct that would split a character unseen | `server/gate/judge.test.ts`, "overlaps" |
 * | origins reversed, crossed, in two places, in the own future, in a circle, in dead structs | `server/gate/judge.test.ts`, "references" |
 * | header counts, V2, nesting, `__proto__`, a key twice, big integers, bytes, lone surrogates | `server/gate/scan.test.ts`, here |
 * | 12 kB at an old place, 8,000 small pending updates, 20,000 nested maps | `server/gate/judge.test.ts`, and here |
 * | the dearest update of sixty kinds: 50 ms, 10 MB | `test/fuzz/worst-cases.test.ts` |
 * | requests without end | `test/server/budgets.test.ts` |
 * | presence: another's id, null with a huge clock, 5 MB | here, `server/connection/presence.test.ts` |
 * | everything at once, at random | `test/fuzz/gate.test.ts` |
 */
import { readFile } from 'node:fs/promises'
import * as encoding from 'lib0/encoding'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { limits } from '../../shared/limits.ts'
import { any, deleted, encode, oneBlock, rawAny, subdocument, text, type as sharedType, writeUpdate } from '../fuzz/update-writer.ts'
import type { ItemSpec } from '../fuzz/update-writer.ts'
import { newConversationId, newRequestId, say } from '../rig/conversation.ts'
import { Peer } from '../rig/peer.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

let server: ServerProcess
let folder: Awaited<ReturnType<typeof temporaryFolder>>
const conversation = `conversation/${newConversationId()}`
const artifact = `artifact/${newConversationId()}`
let honest: { conversation: Peer, artifact: Peer }
const attackers: Peer[] = []
const NEW = 4_000_000

const megabytes = async (): Promise<number> =>
  Number(/VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${server.pid}/status`, 'utf8'))![1]) / 1024

beforeAll(async () => {
  folder = await temporaryFolder()
  server = await startServer(folder.path)
  honest = { conversation: await Peer.join(server.syncUrl, conversation), artifact: await Peer.join(server.syncUrl, artifact) }
  say(honest.conversation.doc, 'Hello', { to: [] })
  honest.artifact.doc.getText('note').insert(0, 'a note')
  await Promise.all([honest.conversation.allSaved(), honest.artifact.allSaved()])
})

/** Whatever was done, honest people write and are saved, and a newcomer reads the same. */
afterEach(async () => {
  for (const attacker of attackers.splice(0)) attacker.close()
  say(honest.conversation.doc, 'I go on', { to: [] })
  honest.artifact.doc.getText('note').insert(0, 'x')
  await Promise.all([honest.conversation.allSaved(), honest.artifact.allSaved()])
  expect(honest.conversation.doc.store.pendingStructs ?? honest.artifact.doc.store.pendingStructs).toBeNull()
  const newcomer = await Peer.join(server.syncUrl, artifact)
  expect(newcomer.doc.getText('note').toJSON()).toBe(honest.artifact.doc.getText('note').toJSON())
  newcomer.close()
})

afterAll(async () => {
  honest?.conversation.close()
  honest?.artifact.close()
  await server?.stop()
  await folder?.remove()
})

const attacker = async (name: string): Promise<Peer> => {
  const peer = await Peer.join(server.syncUrl, name)
  attackers.push(peer)
  return peer
}

const expectRefused = async (name: string, update: Uint8Array, code: string): Promise<void> => {
  const peer = await attacker(name)
  peer.sendUpdate(update)
  await peer.closed()
  expect(peer.controls.at(-1)).toMatchObject({ kind: 'refused', code })
}

const request = (content: ItemSpec['content']): Uint8Array => oneBlock(NEW, 0, { parent: 'requests', key: newRequestId(), content })

describe('bytes that are no honest update are refused:', () => {
  it.each<[string, string, () => Uint8Array, string]>([
    ['the same client block twice', artifact, () => writeUpdate({ blocks: [0, 1].map(clock => ({ client: NEW, clock, structs: [{ gc: 1 }] })) }), 'malformed'],
    ['a GC struct of length 0', artifact, () => oneBlock(NEW, 0, { gc: 0 }), 'malformed'],
    ['deleted content of length 0', artifact, () => oneBlock(NEW, 0, { parent: 'list', content: deleted(0) }), 'malformed'],
    ['a tombstone on a key of the server, without a delete set', conversation, () => oneBlock(NEW, 0, { parent: 'meta', key: 'title', content: deleted(1) }), 'forged'],
    ['a document inside a document', artifact, () => oneBlock(NEW, 0, { parent: 'map', key: 'k', content: subdocument('g') }), 'malformed'],
    ['20,000 nested maps', artifact, () => writeUpdate({ blocks: [{ client: NEW, clock: 0, structs: Array.from({ length: 20_000 }, (_, i) =>
      ({ parent: i === 0 ? 'map' : [NEW, i - 1] as const, key: 'k', content: sharedType('map') })) }] }), 'too-expensive'],
    ['a key __proto__', artifact, () => oneBlock(NEW, 0, { parent: 'map', key: '__proto__', content: any(1) }), 'malformed'],
    ['a value with the key __proto__', conversation, () => request(any(JSON.parse('{"__proto__":{"x":1}}'))), 'malformed'],
    ['an origin in its own future', artifact, () => oneBlock(NEW, 0, { origin: [NEW, 5], content: text('x') }), 'malformed'],
    ['a header of 7 bytes that promises 180 MB', artifact, () => Uint8Array.from([1, 0xc0, 0xf0, 0xf5, 0x0b, 1, 0]), 'malformed'],
    ['V2', artifact, () => Y.convertUpdateFormatV1ToV2(request(any(1))), 'malformed'],
    ['JSON 5,000 deep', conversation, () => request(rawAny(new Uint8Array(10_001).map((_, i) => i % 2 === 0 ? 117 : 1))), 'malformed'],
    ['two values under one key', conversation, () => request(rawAny(Uint8Array.from([118, 2, 1, 97, 126, 1, 97, 126]))), 'malformed'],
    ['a big integer in a request', conversation, () => request(any(12n)), 'malformed'],
    ['bytes in a request', conversation, () => request(any(new Uint8Array(3))), 'malformed'],
    ['more than an update may hold', artifact, () => oneBlock(NEW, 0, { parent: 'text', content: text('x'.repeat(limits.updateBytes)) }), 'too-large'],
  ])('%s', (_, name, update, code) => expectRefused(name, update(), code))

  it('500,000 fake clients', async () => {
    const clients = encode(encoder => {
      encoding.writeVarUint(encoder, 500_000)
      for (let client = 0; client < 500_000; client++) for (const value of [1, client, 0, 0, 1]) encoding.writeVarUint(encoder, value)
      encoding.writeVarUint(encoder, 0)
    })
    const before = await megabytes()
    await expectRefused(artifact, clients, 'too-large')
    expect(await megabytes() - before).toBeLessThan(64)
  })

  it('a state vector of a million clients', async () => {
    const peer = await attacker(artifact)
    const stateVector = encode(encoder => {
      encoding.writeVarUint(encoder, 1_000_000)
      for (let client = 0; client < 1_000_000; client++) for (const value of [client, 1]) encoding.writeVarUint(encoder, value)
    })
    peer.send({ type: 'sync-step-1', stateVector })
    await peer.closed()
    expect(peer.controls.at(-1)).toMatchObject({ kind: 'refused', code: 'too-large' })
  })
})

it('8,000 small updates that wait for something end the connection, and cost the server little', async () => {
  const peer = await attacker(artifact)
  for (let i = 1; i <= 8000; i++) peer.sendUpdate(oneBlock(NEW + 1, 2 * i, { parent: 'list', content: any(i) }))
  expect(await peer.closed()).toMatchObject({ code: 1013, reason: expect.stringContaining('missing-dependency') })
})

describe('presence', () => {
  it('of 5 MB, and of another\'s client id with a huge clock, reaches nobody', async () => {
    const entry = (client: number, clock: number, state: string): Uint8Array => encode(encoder => {
      for (const value of [1, client, clock]) encoding.writeVarUint(encoder, value)
      encoding.writeVarString(encoder, state)
    })
    const before = honest.artifact.frames.length
    const large = await attacker(artifact)
    large.send({ type: 'awareness', update: entry(NEW + 2, 1, JSON.stringify({ name: 'x'.repeat(5_000_000) })) })
    const forger = await attacker(artifact)
    forger.send({ type: 'awareness', update: entry(NEW + 3, 2 ** 52, 'null') })
    forger.doc.getMap('map').set('after', 1)
    await until('the honest peer has what came after', () => honest.artifact.doc.getMap('map').get('after') === 1)
    const shown = honest.artifact.frames.slice(before).flatMap(frame => frame.type === 'awareness' ? [frame.update.length] : [])
    expect(Math.max(0, ...shown)).toBeLessThan(limits.presenceBytes)
  })
})

describe('names', () => {
  it.each([
    '../conversation/x', 'conversation/..%2f..%2fetc', 'artifact/%00', `conversation/${newConversationId()}%00`, 'artifact/а', 'artifact/%ED%A0%80', 'conversation/', `artifact/${'a'.repeat(5000)}`
  ])('such as %s open no document', async name => {
    const socket = new WebSocket(`${server.syncUrl}/${name}`)
    const ended = await new Promise<string>(resolve => {
      socket.on('unexpected-response', (_, { statusCode }) => resolve(`status ${statusCode}`))
      socket.on('error', () => resolve('error'))
      socket.on('close', code => resolve(`close ${code}`))
    })
    socket.terminate()
    expect(ended).toMatch(/^(status 4\d\d|close 44\d\d|error)$/)
  })
})
