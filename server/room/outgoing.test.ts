/** What goes over the wire is built once, as a WebSocket reads it. */
import { describe, expect, it } from 'vitest'
import * as ws from 'ws'
import { Outgoing } from './outgoing.ts'

const frameOfWs = (payload: Uint8Array): Buffer => {
  const { Sender } = ws as typeof ws & { Sender: { frame: (data: Buffer, options: object) => Buffer[] } }
  return Buffer.concat(Sender.frame(Buffer.from(payload), { fin: true, opcode: 2, mask: false, readOnly: true, rsv1: false }))
}

describe('frames on their way out', () => {
  it.each([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])('carry the header that ws itself would write before %i bytes', length => {
    const payload = new Uint8Array(length).map((_, i) => i)
    expect(Buffer.compare(new Outgoing(payload).wire, frameOfWs(payload))).toBe(0)
  })

  it('stand one behind the other, and are built once', () => {
    const frames = [3, 200, 0, 66_000].map(length => new Uint8Array(length).fill(length))
    const outgoing = new Outgoing(...frames)
    expect(Buffer.compare(outgoing.wire, Buffer.concat(frames.map(frameOfWs)))).toBe(0)
    expect(outgoing.wire).toBe(outgoing.wire)
  })

  it('are in memory once when they have been made ready, and say the same', () => {
    const frames = [3, 200, 0, 66_000].map(length => new Uint8Array(length).fill(length))
    const outgoing = new Outgoing(...frames)
    const { wire } = outgoing
    expect(outgoing.frames).toEqual(frames)
    for (const frame of outgoing.frames) expect(frame.buffer).toBe(wire.buffer)
  })
})
