/** A connection whose socket takes nothing more while its join is still being served. */
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { limits, serverLimits } from '../../shared/limits.ts'
import { decodeFrame, encodeFrame } from '../../shared/wire/codec.ts'
import { messageTexts, say } from '../../test/rig/conversation.ts'
import { settle } from '../../test/rig/manual-time.ts'
import { ada, bob, closeWorlds, talk, world } from '../../test/rig/rooms-world.ts'
import { BULK_BYTES, PATIENCE_MS, PLACES } from '../room/bulk-gate.ts'
import { Connection } from './connection.ts'
import { Pace } from './pace.ts'
import { Presence } from './presence.ts'
import type { Socket } from './socket.ts'

afterEach(closeWorlds)

/** What is sent to it waits until it is drained. */
class FullSocket implements Socket {
  readonly doc = new Y.Doc()
  waiting: Uint8Array[] = []
  #drained: (() => void)[] = []

  send(turn: Parameters<Socket['send']>[0]): void {
    this.waiting.push(...turn.flatMap(({ frames }) => frames))
  }

  backlog(): number {
    return this.waiting.reduce((sum, { length }) => sum + length, 0)
  }

  whenDrained(run: () => void): void {
    this.#drained.push(run)
  }

  /** The other side reads all that was sent. */
  async drain(): Promise<void> {
    for (const bytes of this.waiting.splice(0)) {
      const frame = decodeFrame(bytes)
      if (frame?.type === 'update' || frame?.type === 'sync-step-2') Y.applyUpdate(this.doc, frame.update)
    }
    for (const run of this.#drained.splice(0)) run()
    await settle()
  }

  close(): void {}
  pause(): void {}
  resume(): void {}
}

describe('who takes nothing more while the stored bytes wait for their turn', () => {
  it('is not subscribed nor sent anything until it has read, and then misses nothing', async () => {
    const over = world()
    const first = await over.enter()
    await first.join()
    const texts = ['x'.repeat(BULK_BYTES)]
    say(first.doc, texts[0]!, { to: [] })
    await settle()
    first.close()
    await over.restart()
    const writer = await over.enter(talk, bob)
    await writer.join()
    await over.time.advance(PATIENCE_MS)
    for (let n = 0; n < PLACES; n++) (await over.enter()).ask()

    const { room, release } = await over.rooms.acquire(talk)
    const socket = new FullSocket()
    const ports = { limits: serverLimits, now: over.time.now, after: over.time.after, work: new Pace(1, Infinity, over.time.now) }
    const connection = new Connection(socket, room, new Presence(over.time.after), ada, 'owner', false, ports)
    connection.receive(encodeFrame({ type: 'sync-step-1', stateVector: Y.encodeStateVector(socket.doc) }))
    connection.send(new Uint8Array(limits.outboxBytes + 1))
    await settle()
    const waiting = socket.waiting.length
    await over.time.advance(PATIENCE_MS)
    for (const text of ['one', 'two']) {
      texts.push(text)
      say(writer.doc, text, { to: [] })
      await settle()
    }
    expect([waiting, socket.waiting.length]).toEqual([1, 1])
    await socket.drain()
    await socket.drain()
    expect(messageTexts(socket.doc)).toEqual(texts)
    say(writer.doc, 'three', { to: [] })
    await settle()
    await socket.drain()
    expect(messageTexts(socket.doc)).toEqual([...texts, 'three'])
    connection.closed()
    release()
  })
})
