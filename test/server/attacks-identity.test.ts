/**
 * Attacks with what is somebody else's, over real sockets: Yjs client ids and presence. Each is by a member of the same documents, since
 * nobody else comes in; after every one of them honest people still write and read the same, those attacked among them.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { decodePresence, encodePresence } from '../../server/connection/presence-codec.ts'
import type { PresenceEntry } from '../../server/connection/presence-codec.ts'
import { any, oneBlock, text } from '../fuzz/update-writer.ts'
import { AttackWorld, refusalOf } from '../rig/attack-world.ts'
import { newRequestId } from '../rig/conversation.ts'
import type { Peer } from '../rig/peer.ts'
import { until } from '../rig/until.ts'

let world: AttackWorld

beforeAll(async () => {
  world = await AttackWorld.start()
})

afterEach(() => world.expectHonestGoesOn())

afterAll(() => world?.stop())

/** Ada's document, and the next clock of her client id in it. */
const adas = (): { doc: Y.Doc, client: number, next: number } => {
  const { doc } = world.ada.artifact
  return { doc, client: doc.clientID, next: Y.getState(doc.store, doc.clientID) }
}

describe('another\'s client id:', () => {
  it('a page that drew the same id as Ada\'s, by chance or not, writes nothing under it; Ada goes on under it', async () => {
    const { client } = adas()
    const twin = new Y.Doc()
    twin.clientID = client
    const mallory = await world.join('mallory', 'artifact', twin)
    // Yjs draws another id when it meets its own in what it is sent.
    twin.clientID = client
    twin.getText('note').insert(0, 'collision ')
    expect(await refusalOf(mallory)).toMatchObject({ code: 'client-id-taken' })
    await world.expectHonestGoesOn()
    expect(adas().client).toBe(client)
    expect(adas().doc.getText('note').toJSON()).not.toContain('collision')
  })

  it('Ada\'s next clock, taken before she gets there: what she writes at it is what everybody reads', async () => {
    const { doc, client, next } = adas()
    await world.expectRefused('artifact', oneBlock(client, next, { parent: 'note', content: text('forged') }), 'client-id-taken')
    const bob = await world.join('bob', 'artifact')
    doc.getText('note').insert(0, 'mine ')
    await world.ada.artifact.allSaved()
    await until('Bob reads it', () => bob.doc.getText('note').toJSON().startsWith('mine '))
    expect(Y.getState(bob.doc.store, client)).toBe(next + 'mine '.length)
  })

  it('Ada\'s clocks beyond the next one do not even wait', async () => {
    const { client, next } = adas()
    await world.expectRefused('artifact', oneBlock(client, next + 1000, { parent: 'note', content: text('later') }), 'client-id-taken')
  })

  it('a request under Ada\'s id is not said in her name', async () => {
    const { doc } = world.ada.conversation
    const next = Y.getState(doc.store, doc.clientID)
    await world.expectRefused('conversation', oneBlock(doc.clientID, next, { parent: 'requests', key: newRequestId(), content: any({}) }), 'client-id-taken')
  })

  it('an id that Bob has shown presence under and not written with yet', async () => {
    const bob = await world.join('bob', 'artifact')
    show(bob, { clientId: bob.doc.clientID, clock: 1, state: {} })
    await until('Ada sees Bob', () => stateOf(world.ada.artifact, bob.doc.clientID))
    await world.expectRefused('artifact', oneBlock(bob.doc.clientID, 0, { parent: 'note', content: text('forged') }), 'client-id-taken')
    bob.doc.getText('note').insert(0, 'first words ')
    await bob.allSaved()
  })
})

const show = (peer: Peer, ...entries: PresenceEntry[]): void => peer.send({ type: 'awareness', update: encodePresence(entries) })

const entriesOf = ({ frames }: Peer, clientId: number): PresenceEntry[] =>
  frames.flatMap(frame => frame.type === 'awareness' ? decodePresence(frame.update) ?? [] : []).filter(entry => entry.clientId === clientId)

/** What the peer was last told of a client. */
const stateOf = (peer: Peer, clientId: number): PresenceEntry['state'] => entriesOf(peer, clientId).at(-1)?.state ?? null

describe('presence:', () => {
  let clock = 0

  /** Ada is seen by Bob; Mallory says something; when Bob has seen what she said next, and Ada's next state, Ada alone was believed. */
  const expectAdaIsSeen = async (lie: (clientId: number) => Uint8Array): Promise<PresenceEntry[]> => {
    const ada = world.ada.artifact
    const { clientID: clientId } = ada.doc
    const [bob, mallory] = [await world.join('bob', 'artifact'), await world.join('mallory', 'artifact')]
    show(ada, { clientId, clock: ++clock, state: { at: clock } })
    await until('Bob sees Ada', () => stateOf(bob, clientId)?.['at'] === clock)
    mallory.send({ type: 'awareness', update: lie(clientId) })
    show(mallory, { clientId: mallory.doc.clientID, clock: 1, state: {} })
    await until('Bob has seen what Mallory said next', () => stateOf(bob, mallory.doc.clientID))
    expect(stateOf(bob, clientId)).toMatchObject({ at: clock })
    show(ada, { clientId, clock: ++clock, state: { at: clock } })
    await until('Bob sees Ada\'s next state', () => stateOf(bob, clientId)?.['at'] === clock)
    return entriesOf(bob, clientId)
  }

  it('Ada\'s awareness id with a state of Mallory\'s making', async () => {
    const seen = await expectAdaIsSeen(clientId => encodePresence([{ clientId, clock: clock + 1, state: { at: 'forged' } }]))
    expect(seen.filter(({ state }) => typeof state?.['at'] !== 'number')).toEqual([])
  })

  it('Ada\'s awareness id as gone, with a huge clock that would hide her for good', async () => {
    const seen = await expectAdaIsSeen(clientId => encodePresence([{ clientId, clock: 2 ** 52, state: null }]))
    expect(seen.filter(({ state }) => state === null)).toEqual([])
  })

  it('an id that nobody shows yet as gone, with a huge clock: its owner is seen all the same', async () => {
    const clientId = 77_000_001
    const mallory = await world.join('mallory', 'artifact')
    show(mallory, { clientId, clock: 2 ** 52, state: null }, { clientId: mallory.doc.clientID, clock: 1, state: {} })
    await until('Ada has seen what Mallory said next', () => stateOf(world.ada.artifact, mallory.doc.clientID))
    const bob = await world.join('bob', 'artifact')
    show(bob, { clientId, clock: 1, state: { at: 'here' } })
    await until('Ada sees Bob', () => stateOf(world.ada.artifact, clientId)?.['at'] === 'here')
  })

  it('a state of Mallory\'s that says it is Ada\'s carries Mallory\'s own name', async () => {
    const mallory = await world.join('mallory', 'artifact')
    const { clientID: clientId } = mallory.doc
    const idOf = ({ controls }: Peer): unknown => controls.flatMap(control => control.kind === 'hello' ? [control.userId] : [])[0]
    show(mallory, { clientId, clock: 1, state: { user: { id: idOf(world.ada.artifact), name: 'Ada' } } })
    await until('Ada sees Mallory', () => stateOf(world.ada.artifact, clientId))
    expect(stateOf(world.ada.artifact, clientId)?.['user']).toMatchObject({ id: idOf(mallory) })
  })

  it('a state of 5 MB reaches nobody, and does not keep others from being seen', () => world.expectStaysSmall(async () => {
    const large = { name: 'x'.repeat(5_000_000) }
    await expectAdaIsSeen(() => encodePresence([{ clientId: 77_000_002, clock: 1, state: large }]))
    expect(entriesOf(world.ada.artifact, 77_000_002)).toEqual([])
  }))

  it('2,000 entries in one frame are malformed', async () => {
    const mallory = await world.join('mallory', 'artifact')
    show(mallory, ...Array.from({ length: 2000 }, (_, i) => ({ clientId: 78_000_000 + i, clock: 1, state: {} })))
    expect(await refusalOf(mallory)).toMatchObject({ code: 'malformed' })
    expect(stateOf(world.ada.artifact, 78_000_000)).toBeNull()
  })
})
