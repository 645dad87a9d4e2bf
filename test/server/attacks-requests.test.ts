/**
 * Requests without end. One that is refused leaves a tombstone in the document and a line in the ledger: 100,000 of them would leave 9.7 MB
 * that every later reader loads. So a person's requests are counted by the hour, over all rooms and connections, and past the limit not
 * looked at.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as Y from 'yjs'
import { limits } from '../../shared/limits.ts'
import { any, oneBlock } from '../fuzz/update-writer.ts'
import { AttackWorld } from '../rig/attack-world.ts'
import { newRequestId } from '../rig/conversation.ts'
import { Peer } from '../rig/peer.ts'
import { times } from '../rig/seed.ts'

const REQUESTS = times(100_000, 10_000)
const CLIENT = 4_000_000
/** What the log of LevelDB and its own notes may grow by although nothing is stored. */
const MOST_BYTES = 64 * 1024

let world: AttackWorld

beforeAll(async () => {
  world = await AttackWorld.start()
})

afterAll(() => world?.stop())

it(`${REQUESTS} refused requests cost what the limit of an hour lets through, on disk and in memory, and others write on`, { timeout: 600_000 }, async () => {
  let taken = 0
  let refused = 0
  let disk = 0
  let memory = 0
  let mallory: Peer | null = null
  for (let sent = 0; sent < REQUESTS; sent += limits.requestsPerUpdate) {
    if (!mallory || mallory.closedBy) mallory = await world.join('mallory', 'conversation')
    const form = Array.from({ length: limits.requestsPerUpdate }, () => ({ parent: 'requests', key: newRequestId(), content: any({ type: 'no such type' }) }))
    mallory.sendUpdate(oneBlock(CLIENT, taken, ...form))
    const end = await Promise.race([mallory.allSaved().catch(() => null), mallory.closed()])
    if (!mallory.closedBy) {
      taken += form.length
      continue
    }
    expect(end ?? mallory.closedBy).toMatchObject({ code: 4429, reason: expect.stringContaining('rate-limited') })
    if (refused === 0) [disk, memory] = [await world.diskBytes(), await world.megabytes()]
    refused += form.length
  }

  // The bucket fills up again while the test runs.
  expect(taken).toBeGreaterThan(limits.requestsJudgedPerHour - 2 * limits.requestsPerUpdate)
  expect(taken).toBeLessThanOrEqual(limits.requestsJudgedPerHour + times(2, 0) * limits.requestsPerUpdate)
  expect(taken + refused).toBe(REQUESTS)
  const newcomer = await world.join('bob', 'conversation')
  expect(Y.getState(newcomer.doc.store, CLIENT)).toBe(taken)
  expect(await world.diskBytes() - disk).toBeLessThan(MOST_BYTES)
  expect(await world.megabytes() - memory).toBeLessThan(64)

  const elsewhere = await Peer.join(world.server.syncUrl, `conversation/${newRequestId()}`, { cookie: world.cookies.mallory })
  elsewhere.sendUpdate(oneBlock(CLIENT, 0, ...Array.from({ length: limits.requestsPerUpdate }, () => ({ parent: 'requests', key: newRequestId(), content: any(1) }))))
  expect(await elsewhere.closed()).toMatchObject({ code: 4429 })
  await world.expectHonestGoesOn()
})
