/** A room's records on their way to the readers: one by one, in bursts, and what follows behind them. */
import { beforeEach, describe, expect, it } from 'vitest'
import { ManualTime } from '../../test/rig/manual-time.ts'
import { BURST_MS, Broadcast, CROWD, CROWD_BURST_MS } from './broadcast.ts'

const frame = (n: number): Uint8Array => Uint8Array.of(n)

describe('a room\'s records on their way to the readers', () => {
  let time: ManualTime
  let now: () => number
  /** What was delivered, one list per write; and `saved` where an action ran. */
  let sent: (number[] | 'saved')[]
  let broadcast: Broadcast
  let readers: number

  beforeEach(() => {
    time = new ManualTime()
    now = time.now
    sent = []
    readers = 1
    broadcast = new Broadcast({ now: () => now(), after: time.after }, () => readers, ({ frames }) => sent.push(frames.map(([n]) => n!)))
  })

  it('leave at once when they come one at a time', async () => {
    for (let n = 1; n <= 3; n++) {
      broadcast.add(frame(n))
      expect(sent).toHaveLength(n)
      await time.advance(BURST_MS)
    }
  })

  it('leave together when they come in a burst, but for the first', async () => {
    for (let n = 1; n <= 4; n++) broadcast.add(frame(n))
    expect(sent).toEqual([[1]])
    await time.advance(BURST_MS - 1)
    expect(sent).toEqual([[1]])
    await time.advance(1)
    expect(sent).toEqual([[1], [2, 3, 4]])
    broadcast.add(frame(5))
    expect(sent).toHaveLength(2)
    await time.advance(BURST_MS)
    expect(sent.at(-1)).toEqual([5])
  })

  it('leave in order and in several writes when very many have come together', async () => {
    for (let n = 0; n < 200_000; n++) broadcast.add(frame(n % 256))
    await time.advance(BURST_MS)
    expect(sent.length).toBeGreaterThan(100)
    expect(sent.flat()).toEqual(Array.from({ length: 200_000 }, (_, n) => n % 256))
  })

  it('wait a little longer for each other where there are many readers', async () => {
    readers = CROWD
    for (let n = 1; n <= 4; n++) broadcast.add(frame(n))
    await time.advance(CROWD_BURST_MS - 1)
    expect(sent).toEqual([[1]])
    await time.advance(1)
    expect(sent).toEqual([[1], [2, 3, 4]])
  })

  it('are sent before what depends on it', async () => {
    const saved = (): void => void sent.push('saved')
    broadcast.add(frame(1))
    broadcast.afterwards(saved)
    broadcast.add(frame(2))
    broadcast.afterwards(saved)
    expect(sent).toEqual([[1], 'saved'])
    await time.advance(BURST_MS)
    expect(sent).toEqual([[1], 'saved', [2], 'saved'])
  })

  it('leave before their time when somebody asks for it, and not a second time', async () => {
    broadcast.add(frame(1))
    broadcast.add(frame(2))
    broadcast.flush()
    expect(sent).toEqual([[1], [2]])
    await time.advance(2 * BURST_MS)
    expect(sent).toHaveLength(2)
  })

  it('are not held up by a clock that was set back', () => {
    broadcast.add(frame(1))
    now = () => time.now() - 3_600_000
    broadcast.add(frame(2))
    expect(sent).toEqual([[1], [2]])
  })
})
