/** Readers that do not keep up: nothing is queued for them without end, and one difference brings them up to date. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { encodePresence } from '../../server/connection/presence-codec.ts'
import { serverLimits } from '../../shared/limits.ts'
import { startInProcess } from '../rig/in-process.ts'
import { ManualTime } from '../rig/manual-time.ts'
import type { InProcessServer } from '../rig/in-process.ts'
import { Peer } from '../rig/peer.ts'
import { until } from '../rig/until.ts'

const NAME = 'artifact/busy'
/** More than the system's own socket buffers on both sides hold. */
const WRITES = 700
/** So that no two are taken as one record. */
const LARGE = 33 * 1024

let server: InProcessServer
let writer: Peer
let honest: Peer
let slow: Peer

beforeEach(async () => {
  server = await startInProcess({ durability: 'os' })
  writer = await Peer.join(server.syncUrl, NAME)
  honest = await Peer.join(server.syncUrl, NAME)
  slow = await Peer.join(server.syncUrl, NAME)
})

afterEach(async () => {
  for (const peer of [writer, honest, slow]) peer.close()
  await server.close()
})

const isShown = (peer: Peer): boolean => peer.frames.some(({ type }) => type === 'awareness')

const updates = (peer: Peer): number => peer.frames.filter(({ type }) => type === 'update').length

/** One value that is replaced over and over: the document stays small, what was sent does not. */
const writeALot = async (): Promise<void> => {
  for (let n = 1; n <= WRITES; n++) {
    writer.doc.getMap('state').set('value', `${n} ${'x'.repeat(LARGE)}`)
    if (n % 50 === 0) await writer.allSaved()
  }
  await until('the honest reader has it all', () => String(honest.doc.getMap('state').get('value')).startsWith(`${WRITES} `))
}

describe('a reader that does not read for a while', () => {
  it('is not ended: it gets one difference instead of all that it missed, and then every update again', async () => {
    slow.socket.pause()
    await writeALot()
    const before = updates(honest)
    slow.socket.resume()
    await until('the slow reader has it all', () => String(slow.doc.getMap('state').get('value')).startsWith(`${WRITES} `))
    expect(slow.closedBy).toBeNull()
    expect(before).toBe(WRITES)
    expect(updates(slow)).toBeLessThan(WRITES)
    expect(Y.encodeStateVector(slow.doc)).toEqual(Y.encodeStateVector(honest.doc))
    const seen = updates(slow)
    writer.doc.getMap('state').set('value', 'afterwards')
    await until('it gets what follows', () => slow.doc.getMap('state').get('value') === 'afterwards')
    expect(updates(slow)).toBe(seen + 1)
  })

  it('is told that its own edit is saved after it has been sent what came before', async () => {
    slow.socket.pause()
    await writeALot()
    slow.doc.getMap('state').set('mine', 1)
    await until('others see its edit', () => honest.doc.getMap('state').get('mine') === 1)
    slow.socket.resume()
    await slow.allSaved()
    expect(String(slow.doc.getMap('state').get('value'))).toMatch(new RegExp(`^${WRITES} `))
  })

  it('that asks to be synced meanwhile is answered when it has caught up: its first step 2 has all that it asked for', async () => {
    writer.doc.getMap('state').set('early', 1)
    await until('it has what it will ask for again', () => slow.doc.getMap('state').get('early') === 1)
    slow.socket.pause()
    await writeALot()
    const asked = slow.frames.length
    slow.send({ type: 'sync-step-1', stateVector: Y.encodeStateVector(new Y.Doc()) })
    slow.doc.getMap('state').set('mine', 1)
    await until('its frames have arrived', () => honest.doc.getMap('state').get('mine') === 1)
    slow.socket.resume()
    await slow.allSaved()
    const answer = asked + slow.frames.slice(asked).findIndex(({ type }) => type === 'sync-step-2')
    const read = slow.frames.slice(asked, answer + 1).flatMap(frame => frame.type === 'update' || frame.type === 'sync-step-2' ? [frame.update] : [])
    const begunAnew = new Y.Doc()
    Y.applyUpdate(begunAnew, Y.mergeUpdates(read))
    expect(begunAnew.getMap('state').toJSON()).toEqual(honest.doc.getMap('state').toJSON())
    writer.doc.getMap('state').set('value', 'afterwards')
    await until('it gets what follows', () => slow.doc.getMap('state').get('value') === 'afterwards')
  })

  it('already while its join waits for the disk is not queued for: it is answered when it reads again', async () => {
    const shown = Array.from({ length: 60 }, (_, n) => ({ clientId: n + 1, clock: 1, state: { at: 'x'.repeat(4000) } }))
    honest.send({ type: 'awareness', update: encodePresence(shown) })
    await until('others are shown it', () => isShown(writer))
    const late = await Peer.open(server.syncUrl, NAME)
    const { reached, release } = server.holdWrites()
    writer.doc.getMap('state').set('value', 'on its way to the disk')
    await reached
    late.socket.pause()
    late.send({ type: 'sync-step-1', stateVector: Y.encodeStateVector(late.doc) })
    // Each is answered with all that is shown: together more than the system takes for a socket that is not read.
    for (let n = 0; n < 60; n++) late.send({ type: 'query-awareness' })
    const before = honest.frames.length
    late.send({ type: 'awareness', update: encodePresence([{ clientId: 100, clock: 1, state: {} }]) })
    await until('its frames have arrived', () => honest.frames.slice(before).some(({ type }) => type === 'awareness'))
    release()
    await writeALot()
    late.socket.resume()
    await until('it has it all', () => String(late.doc.getMap('state').get('value')).startsWith(`${WRITES} `))
    expect([late.closedBy, late.synced]).toEqual([null, true])
    expect(updates(late)).toBeLessThan(10)
    writer.doc.getMap('state').set('value', 'afterwards')
    await until('it gets what follows', () => late.doc.getMap('state').get('value') === 'afterwards')
    late.close()
  })
})

describe('a reader that takes nothing at all', () => {
  it('is ended after a while with the reason, and misses nothing when it comes back; who reads is not', async () => {
    const time = new ManualTime()
    const limits = { ...serverLimits, stalledSeconds: 60, pingSeconds: 600 }
    const begun = time.now()
    const quiet = await startInProcess({ durability: 'os', timers: time, now: time.now, limits })
    const [author, gone] = [await Peer.join(quiet.syncUrl, NAME), await Peer.join(quiet.syncUrl, NAME)]
    try {
      gone.socket.pause()
      for (let n = 1; n <= WRITES; n++) {
        author.doc.getMap('state').set('value', `${n} ${'x'.repeat(LARGE)}`)
        if (n % 20 === 0) await until('it is saved', async () => { await time.advance(20); return author.saved === author.sent })
      }
      // Sockets are looked at every quarter of a minute: the first look finds that bytes wait, the last that none of them was taken.
      await time.advance(15_000 - (time.now() - begun) % 15_000)
      for (let n = 0; n < 4; n++) await time.advance(15_000)
      gone.socket.resume()
      expect(await gone.closed()).toMatchObject({ code: 1013, reason: expect.stringMatching(/^slow-reader: This device did not read/) })
      expect(author.closedBy).toBeNull()
      const back = await Peer.join(quiet.syncUrl, NAME, { doc: gone.doc })
      expect(String(back.doc.getMap('state').get('value'))).toMatch(new RegExp(`^${WRITES} `))
      back.close()
    } finally {
      for (const peer of [author, gone]) peer.close()
      const closed = quiet.close()
      await time.advance(2000)
      await closed
    }
  })
})
