/** How the records of a document are folded: when, where, and what a failure costs. */
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { SkeinError } from '../../shared/errors.ts'
import { bytes, documentName, userId } from '../../test/contract/samples.ts'
import { ManualTime } from '../../test/rig/manual-time.ts'
import { openMemoryLog } from '../../test/rig/memory-log.ts'
import type { MemoryLog } from '../../test/rig/memory-log.ts'
import { until } from '../../test/rig/until.ts'
import type { Snapshot } from '../log/port.ts'
import type { Logger } from '../telemetry/port.ts'
import { FIRST_MS } from './back-off.ts'
import { foldInWorkers } from './fold.ts'
import type { Folding } from './fold.ts'
import { MessageIndex } from './message-index.ts'
import { Recorder } from './recorder.ts'

const name = documentName('a')
const noThread: Folding = { fold: () => Promise.reject(new Error('no thread expected')), close: () => undefined }

let log: MemoryLog
let snapshots: Snapshot[]
let warnings: string[]
let broken: unknown[]
let folding: Folding
let time: ManualTime
beforeEach(() => {
  log = openMemoryLog()
  snapshots = []
  warnings = []
  broken = []
  const compact = log.compact.bind(log)
  log.compact = async (name, snapshot) => {
    snapshots.push(snapshot)
    await compact(name, snapshot)
  }
  folding = noThread
  time = new ManualTime()
})
afterEach(() => folding.close())

const ignore = (): void => undefined
const logger: Logger = { debug: ignore, info: ignore, warn: (_what, text) => { warnings.push(text) }, error: ignore }

const open = async (options: { compactAfter?: number, foldFrom?: number } = {}): Promise<{ doc: Y.Doc, recorder: Recorder }> => {
  const stored = await log.read(name)
  const doc = new Y.Doc()
  for (const update of stored?.updates ?? []) Y.applyUpdate(doc, update)
  const lineage = { epoch: randomUUID(), ids: { generation: 1, message: 1, transient: 2 }, earlier: [], retired: [] }
  const recorder = new Recorder({ log, logger, now: () => 1, after: time.after, compactAfter: 1000, folding, ...options },
    { name, doc, lineage, lineageIsNew: true, messages: new MessageIndex([]), stored }, () => undefined, error => broken.push(error))
  return { doc, recorder }
}
const push = (recorder: Recorder, doc: Y.Doc, text: string): void => {
  recorder.record(userId('anna'), [], () => doc.getArray('messages').push([text]))
}
const redact = (recorder: Recorder, doc: Y.Doc): void => {
  recorder.record(userId('anna'), [], (writer) => {
    doc.getArray('messages').delete(0)
    writer!.events.push({ type: 'message.redacted', messageId: 'm' as never })
  })
}
const storedTexts = async (): Promise<unknown> => {
  const doc = new Y.Doc()
  for (const update of (await log.read(name))?.updates ?? []) Y.applyUpdate(doc, update)
  return doc.getArray('messages').toJSON()
}

describe('the recorder compacts', () => {
  test('a small document here, when its tail is long', async () => {
    const { doc, recorder } = await open({ compactAfter: 10 })
    for (let n = 0; n < 25; n++) {
      push(recorder, doc, String(n))
      await recorder.drained()
    }
    expect(snapshots.map(({ upTo }) => upTo)).toEqual([9, 18])
    expect(await storedTexts()).toEqual(doc.getArray('messages').toJSON())
  })

  test('a long document less often than a short one: when much was written since, or very many records', async () => {
    const { doc, recorder } = await open({ compactAfter: 10 })
    push(recorder, doc, 'x'.repeat(40_000))
    const write = async (count: number, text: string): Promise<number> => {
      for (let n = 0; n < count; n++) {
        push(recorder, doc, text)
        await recorder.drained()
      }
      return snapshots.length
    }
    expect(await write(9, 'word')).toBe(1)
    expect([await write(30, 'word'), recorder.snapshots.isLong(1)]).toEqual([1, false])
    expect(await write(1, 'x'.repeat(10_000))).toBe(2)
    expect([await write(198, ''), await write(1, '')]).toEqual([2, 3])
    expect(await storedTexts()).toEqual(doc.getArray('messages').toJSON())
  })

  test('a long document of which much was written since, before somebody is served what is stored', async () => {
    const { doc, recorder } = await open({ compactAfter: 2, foldFrom: Infinity })
    const write = async (text: string): Promise<number> => {
      push(recorder, doc, text)
      await recorder.drained()
      return snapshots.length
    }
    const megabyte = 'x'.repeat(1024 * 1024)
    expect([await write(megabyte.repeat(12)), await write('word')]).toEqual([0, 1])
    expect([await write(megabyte), await recorder.snapshots.mayBeServedAsStored(), snapshots.length]).toEqual([1, true, 1])
    expect([await write(megabyte), await recorder.snapshots.mayBeServedAsStored(), snapshots.length]).toEqual([1, true, 2])
  })

  test('for many redactions in a row no more than twice', async () => {
    const { doc, recorder } = await open()
    for (let n = 0; n < 61; n++) push(recorder, doc, 'secret')
    for (let n = 0; n < 60; n++) redact(recorder, doc)
    await recorder.drained()
    expect(snapshots.length).toBeLessThanOrEqual(2)
    expect(snapshots.every(({ scrub }) => scrub)).toBe(true)
    expect([await log.owedScrubs(), (await log.read(name))?.updates.length]).toEqual([[], 1])
    expect(await storedTexts()).toEqual(['secret'])
  })

  test('a large document from its records, in a thread, while it is written on', async () => {
    folding = foldInWorkers()
    const { doc, recorder } = await open({ compactAfter: 20, foldFrom: 1000 })
    for (let n = 0; n < 20; n++) push(recorder, doc, 'x'.repeat(100_000))
    push(recorder, doc, 'written meanwhile')
    expect(snapshots).toEqual([])
    await recorder.drained()
    expect(snapshots.map(({ upTo }) => upTo)).toEqual([19])
    expect([broken, warnings]).toEqual([[], []])
    const stored = await log.read(name)
    expect([stored!.updates.length - stored!.snapshotParts!, stored?.head], 'one record after the snapshot').toEqual([1, 20])
    expect(stored!.snapshotParts).toBeGreaterThan(4)
    expect(await storedTexts()).toEqual(doc.getArray('messages').toJSON())
  })

  test('later when the thread ends: that is logged, loses nothing and does not break the room', async () => {
    folding = foldInWorkers(new URL('data:text/javascript,process.exit(3)'))
    const { doc, recorder } = await open({ compactAfter: 5, foldFrom: 1 })
    for (let n = 0; n < 5; n++) push(recorder, doc, String(n))
    await recorder.drained()
    expect(warnings).toEqual(['records not folded; they stay as they are'])
    expect([snapshots, broken]).toEqual([[], []])
    push(recorder, doc, '5')
    await recorder.drained()
    expect(await storedTexts()).toEqual(['0', '1', '2', '3', '4', '5'])
  })

  describe('what was redacted, in a fold that fails', () => {
    /** Fails so many times, then folds. */
    const failing = (times: number): Folding => {
      const works = foldInWorkers()
      let failed = 0
      return { fold: (...task) => failed++ < times ? Promise.reject(new Error('no memory')) : works.fold(...task), close: () => works.close() }
    }
    const openRedacted = async (failures: number): Promise<{ doc: Y.Doc, recorder: Recorder }> => {
      folding = failing(failures)
      const opened = await open({ foldFrom: 1 })
      for (const text of ['secret', 'x'.repeat(20_000), 'y'.repeat(3_000)]) push(opened.recorder, opened.doc, text)
      redact(opened.recorder, opened.doc)
      await opened.recorder.drained()
      return opened
    }

    test('is tried again by itself, after twice as long each time, and nobody takes the room for done before', async () => {
      const { recorder } = await openRedacted(3)
      for (const wait of [FIRST_MS, 2 * FIRST_MS, 4 * FIRST_MS]) {
        expect([snapshots, recorder.isSettled, await log.owedScrubs()]).toEqual([[], false, [name]])
        await time.advance(wait - 1)
        expect(time.pending).toBe(1)
        await time.advance(1)
        await recorder.drained()
      }
      expect([snapshots.map(({ scrub }) => scrub), recorder.isSettled, await log.owedScrubs()]).toEqual([[true], true, []])
      expect([time.pending, warnings.length, broken]).toEqual([0, 3, []])
      expect((await storedTexts() as string[]).map(({ length }) => length)).toEqual([20_000, 3_000])
    })

    test('goes with the next fold, whatever that is for', async () => {
      const { doc, recorder } = await openRedacted(1)
      push(recorder, doc, 'later')
      recorder.snapshots.compact()
      await recorder.drained()
      expect([snapshots.map(({ scrub }) => scrub), recorder.isSettled, time.pending]).toEqual([[true], true, 0])
    })

    test('does not count for what the document takes on disk once it is gone', async () => {
      const { doc, recorder } = await openRedacted(1)
      redact(recorder, doc)
      push(recorder, doc, 'z'.repeat(40_000))
      await recorder.drained()
      expect([snapshots.map(({ scrub }) => scrub), recorder.isSettled]).toEqual([[true], true])
      const bytes = (await log.read(name))!.updates.reduce((sum, { length }) => sum + length, 0)
      expect(bytes).toBeLessThan(45_000)
      // It is full at twice as much as it may have.
      expect([recorder.snapshots.isFull(Math.ceil(bytes / 2)), recorder.snapshots.isFull(Math.ceil(bytes / 2) - 1)]).toEqual([false, true])
      await recorder.drained()
      expect((await log.read(name))!.updates).toHaveLength(1)
    })

    test('is left to whoever loads the document next when the server stops', async () => {
      const { recorder } = await openRedacted(99)
      await recorder.finish()
      expect([time.pending, snapshots, await log.owedScrubs()]).toEqual([0, [], [name]])
    })
  })

  test('not when the server stops meanwhile: the thread ends, and the records stay', async () => {
    folding = foldInWorkers(new URL('data:text/javascript,setInterval(() => {}, 1000)'))
    const { doc, recorder } = await open({ compactAfter: 2, foldFrom: 1 })
    for (let n = 0; n < 2; n++) push(recorder, doc, String(n))
    const drained = recorder.drained()
    folding.close()
    await drained
    expect([snapshots, broken]).toEqual([[], []])
    expect(await storedTexts()).toEqual(['0', '1'])
  })

  test('not when an append failed meanwhile: the document can be loaded anew without waiting for the thread', async () => {
    folding = foldInWorkers(new URL('data:text/javascript,setInterval(() => {}, 1000)'))
    const { doc, recorder } = await open({ compactAfter: 2, foldFrom: 1 })
    for (let n = 0; n < 2; n++) push(recorder, doc, String(n))
    await log.read(name)
    log.failNext('before')
    push(recorder, doc, 'lost')
    await until('the room is broken', () => broken.length > 0)
    recorder.break(new SkeinError('not-saved'))
    await recorder.drained()
    expect(snapshots).toEqual([])
    expect(await storedTexts()).toEqual(['0', '1'])
  })

  test('never what cannot be made whole: a snapshot of records that are missing is not written', async () => {
    folding = foldInWorkers()
    const other = new Y.Doc()
    other.getText('t').insert(0, 'a')
    const before = Y.encodeStateVector(other)
    other.getText('t').insert(1, 'b')
    await expect(folding.fold(name, [Y.encodeStateAsUpdate(other, before)], new AbortController().signal)).rejects.toThrow('missing')
    await expect(folding.fold(name, [bytes(1)], new AbortController().signal)).rejects.toThrow()
    const folded = await folding.fold(name, [Y.encodeStateAsUpdate(other)], new AbortController().signal)
    expect(folded).toMatchObject({ update: Y.encodeStateAsUpdate(other), stateVector: Y.encodeStateVector(other) })
  })
})
