/** Pieces of replies share records: how many are stored, and what a crash or a failed write leaves of them. */
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { SkeinError } from '../../shared/errors.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { readDrafts, textOf } from '../../shared/conversation/read.ts'
import type { DraftHead } from '../../shared/conversation/schema.ts'
import type { AgentId, DraftId, MessageId, RunId } from '../../shared/ids.ts'
import { documentName, userId } from '../../test/contract/samples.ts'
import { newRequestId } from '../../test/rig/conversation.ts'
import { LevelDbWorld } from '../../test/rig/leveldb-world.ts'
import { runSeed, seededRandom, times, withReplay } from '../../test/rig/seed.ts'
import { systemTimers } from '../../shared/timers.ts'
import type { LevelDbLog } from '../log/leveldb/leveldb-log.ts'
import { JOINED_BYTES } from './last-record.ts'
import { mustBeWhole } from './load-document.ts'
import { MessageIndex } from './message-index.ts'
import { Recorder } from './recorder.ts'

const name = documentName('a')
const ann = userId('ann')
const [one, two] = [newRequestId() as string as DraftId, newRequestId() as string as DraftId]
const head: DraftHead = {
  kind: 'agent', authorId: 'agent:a', agentId: 'a' as AgentId, runId: newRequestId() as string as RunId,
  replyId: newRequestId() as string as MessageId, parentId: newRequestId() as string as MessageId, createdAt: 1,
}

let world: LevelDbWorld
beforeEach(async () => {
  world = await LevelDbWorld.create()
})
afterEach(() => world.dispose())

/** A conversation as one process after another holds it. */
class Talk {
  readonly doc: Y.Doc
  readonly recorder: Recorder
  readonly log: LevelDbLog
  broken = false

  private constructor(doc: Y.Doc, log: LevelDbLog, recorder: (onBroken: () => void) => Recorder) {
    this.doc = doc
    this.log = log
    this.recorder = recorder(() => {
      this.broken = true
      this.recorder.break(new SkeinError('not-saved'))
    })
  }

  static async open(lives: number, compactAfter = 1000): Promise<Talk> {
    const log = await world.open()
    const stored = await log.read(name)
    const doc = new Y.Doc()
    for (const update of stored?.updates ?? []) Y.applyUpdate(doc, update)
    mustBeWhole(name, doc)
    const ids = { generation: lives, message: 2 * lives, transient: 2 * lives + 1 }
    const lineage = { epoch: randomUUID(), ids, earlier: [], retired: [] }
    const ignore = (): void => undefined
    const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }
    return new Talk(doc, log, onBroken => new Recorder({ log, logger, now: () => 1, after: systemTimers.after, compactAfter },
      { name, doc, lineage, lineageIsNew: true, messages: new MessageIndex([]), stored }, ignore, onBroken))
  }

  /** Of a reply, as its agent writes it. */
  piece(id: DraftId, text: string): void {
    this.recorder.record(`agent:${id}`, [], writer => {
      if (!openRoots(this.doc).drafts.has(id)) writer!.openDraft(id, head, [])
      writer!.appendToDraft(id, 'text', text)
    }, true)
  }

  /** What a person types. */
  type(letter: string): void {
    this.recorder.record(ann, [], () => this.doc.getText('typed').insert(this.doc.getText('typed').length, letter))
  }

  get texts(): Map<string, string> {
    return new Map([['typed', this.doc.getText('typed').toJSON()], ...readDrafts(this.doc).map(({ id, parts }) => [id, textOf(parts)] as const)])
  }
}

const stored = (): Promise<number> => world.raw(async database =>
  (await database.keys({ gte: ['v1', name, 'update', 0], lte: ['v1', name, 'update', 0xffffffff] }).all()).length)

describe('pieces of a reply', () => {
  test('are one record until that is full, however many there are', async () => {
    const talk = await Talk.open(1)
    talk.type('x')
    for (let n = 0; n < 1000; n++) talk.piece(one, ` word${n % 10}`)
    await talk.recorder.drained()
    await world.crash()
    expect([await stored(), JOINED_BYTES]).toEqual([4, 4096])
    const { texts } = await Talk.open(2)
    expect(texts).toEqual(talk.texts)
    expect(texts.get(one)).toHaveLength(6000)
  })

  test('of two replies share records with each other, and with what is typed meanwhile', async () => {
    const talk = await Talk.open(1)
    talk.type('x')
    for (let n = 0; n < 400; n++) {
      talk.piece(n % 2 ? one : two, ` word${n % 10}`)
      if (n % 40 === 20) talk.type('y')
    }
    await talk.recorder.drained()
    await world.crash()
    // One for each time that somebody typed, and those of the replies.
    expect(await stored()).toBeLessThanOrEqual(11 + 4)
    expect((await Talk.open(2)).texts).toEqual(talk.texts)
  })

  test('that come while a snapshot is taken are not lost with what it takes the place of', async () => {
    const talk = await Talk.open(1, 5)
    for (let n = 0; n < 200; n++) {
      talk.type('x')
      talk.piece(one, ` word${n}`)
      if (n % 10 === 0) await talk.recorder.drained()
      talk.piece(two, ` word${n}`)
    }
    await talk.recorder.drained()
    await world.crash()
    expect((await Talk.open(2)).texts).toEqual(talk.texts)
  })

  test('that were acknowledged are there, whole, whenever the process is killed or a write fails', { timeout: 300_000 }, async () => {
    for (let seed = runSeed(), last = seed + times(300, 4); seed < last; seed++) {
      await withReplay(seed, 'server/room/last-record.test.ts', () => liveAndDie(seed))
      await world.dispose()
      world = await LevelDbWorld.create()
    }
  })

  const liveAndDie = async (seed: number): Promise<void> => {
    const random = seededRandom(seed)
    const chance = (share: number): boolean => random() < share
    for (let lives = 1; lives <= 4; lives++) {
      const talk = await Talk.open(lives, chance(0.5) ? 5 : 1000)
      const [isKilled, isWritten] = [chance(0.5), chance(0.5)]
      const usual = world.onWrite
      let left = 1 + Math.floor(random() * 40)
      world.onWrite = async (write) => {
        if (--left > 0) return write()
        world.onWrite = usual
        if (isWritten) await write()
        if (isKilled) await world.copy()
        throw new Error('made to fail')
      }
      let acknowledged = talk.texts
      for (let n = 0; n < 60 && !talk.broken; n++) {
        if (chance(0.1)) talk.type('x')
        else talk.piece(chance(0.5) ? one : two, chance(0.05) ? 'long '.repeat(400) : ` ${n}`)
        if (chance(0.02)) talk.recorder.snapshots.compact()
        const now = talk.texts
        talk.recorder.whenDurable(() => { acknowledged = now }, () => undefined)
        if (chance(0.7)) await new Promise(resolve => setImmediate(resolve))
        if (chance(0.2)) await talk.recorder.drained()
      }
      await talk.recorder.drained()
      await talk.log.read(name)
      world.onWrite = usual
      if (!isKilled || left > 0) await world.copy()
      await talk.log.close()
      const next = await Talk.open(100 * lives)
      const found = next.texts
      await next.log.close()
      for (const [what, text] of acknowledged) expect(found.get(what)?.startsWith(text), `${what} of life ${lives}`).toBe(true)
      for (const [what, text] of found) expect(talk.texts.get(what)?.startsWith(text), `${what} of life ${lives}`).toBe(true)
    }
  }
})
