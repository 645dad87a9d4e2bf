/** What is written to one socket in a turn, and what is held back from a full one. */
import { beforeEach, describe, expect, it } from 'vitest'
import { decodeFrame, encodeFrame } from '../../shared/wire/codec.ts'
import { Outgoing } from '../room/outgoing.ts'
import { Outbox } from './outbox.ts'

const update = (n: number): Outgoing => new Outgoing(encodeFrame({ type: 'update', update: Uint8Array.of(n) }))
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('what goes to one socket', () => {
  /** One list per write: numbers are updates, texts are control frames. */
  let writes: (number | string)[][]
  let backlog: number
  let full: number
  let outbox: Outbox

  beforeEach(() => {
    writes = []
    backlog = 0
    full = 0
    const nothing = (): void => {}
    const send = (outgoing: readonly Outgoing[]): void => void writes.push(outgoing.flatMap(({ frames }) => frames.map(bytes => {
      const frame = decodeFrame(bytes)!
      if (frame.type === 'update') return frame.update[0]!
      return frame.type === 'control' && frame.control.kind === 'saved' ? `saved ${frame.control.frames}` : frame.type
    })))
    const socket = { send, close: nothing, backlog: () => backlog, whenDrained: nothing, pause: nothing, resume: nothing }
    outbox = new Outbox(socket, { outboxBytes: 100, outboxWrites: 3 }, () => { full++ })
  })

  it('leaves as one write a turn, with the latest `saved` at its end', async () => {
    outbox.add(update(1))
    outbox.saved(1)
    outbox.add(update(2))
    outbox.saved(2)
    expect(writes).toEqual([])
    await turn()
    expect(writes).toEqual([[1, 2, 'saved 2']])
    await turn()
    expect(writes).toHaveLength(1)
  })

  it('is full when too many bytes wait, and says so once', async () => {
    backlog = 100
    outbox.add(update(1))
    await turn()
    expect(full).toBe(0)
    backlog = 101
    outbox.add(update(2))
    await turn()
    outbox.add(update(3))
    await turn()
    expect(full).toBe(1)
    expect(writes).toEqual([[1], [2], [3]])
  })

  it('is full when too many writes wait, counted from when the socket was last empty', async () => {
    for (let n = 1; n <= 5; n++) {
      outbox.add(update(n))
      await turn()
    }
    expect(full).toBe(0)
    backlog = 5
    for (let n = 1; n <= 4; n++) {
      outbox.add(update(n))
      await turn()
      expect(full).toBe(n === 4 ? 1 : 0)
    }
  })

  it('holds answers back from when it is full until it is released', async () => {
    backlog = 101
    outbox.add(update(1))
    await turn()
    backlog = 0
    outbox.saved(4)
    outbox.answer(encodeFrame({ type: 'auth', reason: 'an answer' }))
    expect(outbox.heldBytes).toBeGreaterThan(0)
    await turn()
    expect(writes).toEqual([[1]])
    outbox.add(update(2))
    outbox.release()
    await turn()
    expect(writes).toEqual([[1], [2, 'auth', 'saved 4']])
    expect(outbox.heldBytes).toBe(0)
  })
})
