/** Documents of every schema that there ever was open; one of a newer schema is refused and left as it is. */
import { randomFillSync, randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { SCHEMA_VERSION } from '../../shared/conversation/schema.ts'
import { RoomRegistry } from '../../server/room/rooms.ts'
import { codeOf } from '../contract/code-of.ts'
import { documentName, record } from '../contract/samples.ts'
import { messageTexts } from '../rig/conversation.ts'
import { levelDbForEachTest } from '../rig/leveldb-for-each-test.ts'

const name = documentName('of-some-schema')
/** A conversation of schema 1 with one message, as the server stored it. */
const SCHEMA_1 = Buffer.from([
  '010207002801046d65746106736368656d61017d010801086d65737361676573017604026964772430303030303030302d303030302d37',
  '3030302d383030302d30303030303030303030303104726f6c657704757365720570617274737501760204747970657704746578740474',
  '657874770548656c6c6f086d65746164617461760508706172656e7449647e08617574686f7249647704616e6e61096372656174656441',
  '747d010a616363657074656441747d02067374617475737708636f6d706c65746500',
].join(''), 'hex')

const on = levelDbForEachTest()

const ignore = (): void => undefined
const rooms = (): RoomRegistry => new RoomRegistry({
  log: on.log,
  agents: { defaultAgent: null, nameOf: () => undefined, all: [] }, onEvents: ignore, now: Date.now, budgets: null, compactAfter: 500,
  logger: { debug: ignore, info: ignore, warn: ignore, error: ignore }, graceMs: 0, after: () => ignore,
  random: { uint32: () => randomFillSync(new Uint32Array(1))[0]!, uuid: randomUUID }, yieldToOthers: () => Promise.resolve(),
})

test('a conversation of schema 1 opens with its messages', async () => {
  await on.log.append(name, record(SCHEMA_1, { stateVector: () => Y.encodeStateVectorFromUpdate(SCHEMA_1) }))
  expect(await rooms().use(name, room => room.read(messageTexts))).toEqual(['Hello'])
})

test('a conversation of a newer schema is refused, and nothing of it is changed', async () => {
  const doc = new Y.Doc()
  doc.getMap('meta').set('schema', SCHEMA_VERSION + 1)
  await on.log.append(name, record(Y.encodeStateAsUpdate(doc), { stateVector: () => Y.encodeStateVector(doc), scrub: true }))
  const before = await on.log.read(name)
  const registry = rooms()
  expect(await codeOf(registry.use(name, room => room.read(messageTexts)))).toBe('newer-schema')
  await registry.close()
  expect(await on.log.read(name)).toEqual(before)
})
