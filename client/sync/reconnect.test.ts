/** When a client comes back after a lost connection. */
import { beforeEach, describe, expect, it } from 'vitest'
import { ManualTime } from '../../test/rig/manual-time.ts'
import { runSeed, seededRandom } from '../../test/rig/seed.ts'
import { createReconnect, FIRST_BACKOFF_MS, LONGEST_BACKOFF_MS } from './reconnect.ts'
import type { Reconnect } from './reconnect.ts'

describe('after a lost connection', () => {
  let time: ManualTime
  let network: EventTarget
  let connects: number
  let byte: number
  let reconnect: Reconnect

  beforeEach(() => {
    time = new ManualTime()
    network = new EventTarget()
    connects = 0
    byte = 255
    reconnect = createReconnect({ after: time.after, random: target => target.fill(byte), network }, () => { connects++ })
  })

  it('the wait doubles with every loss up to a bound, until a connection was of use', async () => {
    for (let wait = FIRST_BACKOFF_MS; wait < 4 * LONGEST_BACKOFF_MS; wait *= 2) {
      const before = connects
      reconnect.lost()
      await time.advance(Math.min(wait, LONGEST_BACKOFF_MS) - 2)
      expect(connects).toBe(before)
      await time.advance(2)
      expect(connects).toBe(before + 1)
    }
    reconnect.succeeded()
    reconnect.lost()
    await time.advance(FIRST_BACKOFF_MS)
    expect(connects).toBe(8)
  })

  it('the wait is anything from nothing on, so that many devices do not come back in step', () => {
    const random = seededRandom(runSeed())
    const waits: number[] = []
    for (let device = 0; device < 1000; device++) {
      const after = (ms: number): (() => void) => {
        waits.push(ms)
        return () => {}
      }
      createReconnect({ after, random: target => target.map(() => Math.floor(random() * 256)), network: null }, () => {}).lost()
    }
    for (let tenth = 0; tenth < 10; tenth++) {
      const [from, to] = [tenth * FIRST_BACKOFF_MS / 10, (tenth + 1) * FIRST_BACKOFF_MS / 10]
      expect(waits.filter(ms => ms >= from && ms < to).length).toBeGreaterThan(50)
    }
  })

  it('a network that returns ends the wait, once', async () => {
    for (let i = 0; i < 6; i++) reconnect.lost()
    network.dispatchEvent(new Event('online'))
    expect(connects).toBe(1)
    network.dispatchEvent(new Event('online'))
    await time.advance(2 * LONGEST_BACKOFF_MS)
    expect(connects).toBe(1)
  })

  it('a server that said it would stop is come back to within the time that it named', async () => {
    reconnect.draining(4000)
    reconnect.lost()
    await time.advance(3998)
    expect(connects).toBe(0)
    await time.advance(2)
    expect(connects).toBe(1)
    reconnect.lost()
    await time.advance(2 * FIRST_BACKOFF_MS)
    expect(connects).toBe(2)
  })

  it('nobody connects who was told to stop', async () => {
    reconnect.lost()
    reconnect.stop()
    network.dispatchEvent(new Event('online'))
    await time.advance(LONGEST_BACKOFF_MS)
    expect(connects).toBe(0)
  })
})
