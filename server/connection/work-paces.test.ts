/** What somebody's updates cost counts for how fast they are read: who floods is slowed down, nobody else is, and nothing is lost. */
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { limits, serverLimits } from '../../shared/limits.ts'
import type { DocumentName } from '../../shared/ids.ts'
import { decodeFrame, encodeFrame } from '../../shared/wire/codec.ts'
import { oneBlock, text, writeUpdate } from '../../test/fuzz/update-writer.ts'
import { ManualTime, settle } from '../../test/rig/manual-time.ts'
import { ada, bob, closeWorlds, world } from '../../test/rig/rooms-world.ts'
import type { Page, World } from '../../test/rig/rooms-world.ts'
import { Connection } from './connection.ts'
import { Intake } from './intake.ts'
import { Pace } from './pace.ts'
import { Presence } from './presence.ts'
import type { Socket } from './socket.ts'
import { workPaces } from './work-paces.ts'

afterEach(closeWorlds)

const NAME = 'artifact/one-place' as DocumentName
const ELSEWHERE = 'artifact/elsewhere' as DocumentName
const shareOf = (percent: number): number => percent / 100 * limits.workPerCoreSecond

/** A pace that tells what was spent. */
class CountedPace extends Pace {
  spent = 0
  override spend(amount = 1): number {
    this.spent += amount
    return super.spend(amount)
  }
}

/** Sends what it has as long as it is read. */
class Sender implements Socket {
  pauses = 0
  isRead = true
  acknowledged = 0
  closedBy: number | null = null
  readonly connection: Connection
  readonly #frames: Uint8Array[]

  constructor(over: World, room: Page['room'], work: Pace, updates: readonly Uint8Array[]) {
    this.#frames = updates.map(update => encodeFrame({ type: 'update', update }))
    const ports = { limits: serverLimits, now: over.time.now, after: over.time.after, work }
    this.connection = new Connection(this, room, new Presence(over.time.after), ada, 'owner', true, ports)
  }

  get left(): number {
    return this.#frames.length
  }

  /** As many as are read now. */
  async go(): Promise<void> {
    while (this.isRead && this.#frames.length > 0) this.connection.receive(this.#frames.shift()!)
    await settle()
  }

  send(turn: Parameters<Socket['send']>[0]): void {
    for (const bytes of turn.flatMap(({ frames }) => frames)) {
      const frame = decodeFrame(bytes)
      if (frame?.type === 'control' && frame.control.kind === 'saved') this.acknowledged = frame.control.frames
    }
  }

  pause(): void {
    this.isRead = false
    this.pauses++
  }

  resume(): void {
    this.isRead = true
  }

  close(code: number): void {
    this.closedBy = code
  }

  backlog(): number {
    return 0
  }

  whenDrained(run: () => void): void {
    run()
  }
}

const enter = async (over: World, name: DocumentName): Promise<Page> => {
  const page = await over.enter(name, bob)
  await page.join()
  return page
}

const writes = async (page: Page, word: string): Promise<boolean> => {
  page.doc.getMap('words').set(word, true)
  await settle()
  return page.acknowledged === page.sent
}

describe('a flood of updates that all write at one place', () => {
  const CROWD = 1000

  it('gets a named share of a core and no more; who writes beside it is served at once, and all of it arrives', async () => {
    const over = world()
    const honest = await enter(over, NAME)
    const elsewhere = await enter(over, ELSEWHERE)
    for (const first of [10_000, 20_000]) {
      const structs = [{ parent: 'text', content: text('x') }]
      honest.submit(writeUpdate({ blocks: Array.from({ length: CROWD / 2 }, (_, i) => ({ client: first + i, clock: 0, structs })) }))
    }
    await settle()
    const percent = 0.5
    const work = new CountedPace(shareOf(percent), 20 * shareOf(percent), over.time.now)
    const flood = Array.from({ length: 300 }, (_, clock) => oneBlock(900_000, clock, { parent: 'text', content: text('y') }))
    const attacker = new Sender(over, honest.room, work, flood)
    const most = CROWD * 18 * 2
    let seconds = 0
    for (; attacker.left > 0 || attacker.acknowledged < flood.length; seconds++) {
      await attacker.go()
      expect(work.spent).toBeLessThanOrEqual((20 + seconds) * shareOf(percent) + (limits.waitingFrames + 1) * most)
      if (seconds % 10 === 0) expect([await writes(honest, `${seconds}`), await writes(elsewhere, `${seconds}`)]).toEqual([true, true])
      await over.time.advance(1000)
    }
    // Unpaced it would have been over at once.
    expect(seconds).toBeGreaterThan(work.spent / shareOf(percent) - 20 - (limits.waitingFrames + 1) * most / shareOf(percent))
    expect(seconds).toBeGreaterThan(15)
    expect(attacker.closedBy).toBeNull()
    expect(honest.doc.getText('text').length).toBe(CROWD + flood.length)
  })
})

describe('an honest device that comes back', () => {
  it.each(['as one update', 'one by one'])('with 10,000 pieces that were written offline, %s, is not slowed', async how => {
    const over = world()
    const reader = await enter(over, NAME)
    const device = new Y.Doc()
    const typed: Uint8Array[] = []
    device.on('update', (update: Uint8Array) => typed.push(update))
    const note = device.getText('note')
    for (let n = 0; n < 10_000; n++) note.insert(0, 'x')
    const updates = how === 'as one update' ? [Y.encodeStateAsUpdate(device)] : typed
    const { updatesPerSecond: perSecond, workPercentPerPerson: percent } = serverLimits
    const work = new CountedPace(shareOf(percent), 20 * shareOf(percent), over.time.now)
    const sender = new Sender(over, reader.room, work, updates)
    let seconds = 0
    for (; sender.acknowledged < updates.length; seconds++) {
      for (let n = 0; n < perSecond / limits.waitingFrames; n++) await sender.go()
      await over.time.advance(1000)
    }
    expect(reader.doc.getText('note').length).toBe(10_000)
    // Several times that would not be too much either.
    expect(work.spent).toBeLessThan(20 * shareOf(percent) / 4)
    // Updates one by one are paced by their number, as ever.
    expect(seconds).toBeLessThanOrEqual(how === 'as one update' ? 1 : 10_000 / perSecond)
  }, 60_000)
})

describe('the pace of work', () => {
  it('is one for all connections of a person, and of each connection where nobody is told apart', () => {
    const time = new ManualTime()
    const paces = workPaces({ workPercentPerPerson: 10 }, time.now)
    const isSame = [paces.of('ada') === paces.of('ada'), paces.of('ada') === paces.of('bob'), paces.ofOne() === paces.ofOne()]
    expect(isSame).toEqual([true, false, false])
    const burst = 20 * shareOf(10)
    expect([paces.of('ada').spend(burst), paces.of('ada').spend(shareOf(10)), paces.of('bob').spend(1)]).toEqual([0, 1000, 0])
  })

  it('keeps a new connection waiting, too, of whoever has spent it on others', async () => {
    const time = new ManualTime()
    let isRead = true
    const socket = { pause: () => { isRead = false }, resume: () => { isRead = true } }
    const work = new Pace(1000, 1000, time.now)
    const ports = { limits: { updatesPerSecond: 10, presencePerSecond: 10 }, now: time.now, after: time.after, work }
    work.spend(1000)
    new Intake(socket, ports).question()
    expect(isRead).toBe(true)
    work.spend(3000)
    new Intake(socket, ports).question()
    await time.advance(2999)
    expect(isRead).toBe(false)
    await time.advance(1)
    expect(isRead).toBe(true)
  })

  it('holds a socket for as long as its work takes, whatever cheaper thing comes meanwhile', async () => {
    const time = new ManualTime()
    let isRead = true
    const socket = { pause: () => { isRead = false }, resume: () => { isRead = true } }
    const work = new Pace(1000, 1000, time.now)
    const intake = new Intake(socket, { limits: { updatesPerSecond: 10, presencePerSecond: 10 }, now: time.now, after: time.after, work })
    intake.worked(1000)
    expect(isRead).toBe(true)
    intake.worked(5000)
    for (let n = 0; n < 21; n++) intake.update()
    await time.advance(4999)
    expect(isRead).toBe(false)
    await time.advance(1)
    expect(isRead).toBe(true)
  })
})
