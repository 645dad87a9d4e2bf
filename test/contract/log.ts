/** What every adapter of the update log has to do, as one suite over a way to open it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DocumentName } from '../../shared/ids.ts'
import type { LedgerEntry, UpdateLog } from '../../server/log/port.ts'
import { codeOf } from './code-of.ts'
import { bytes, documentName, event, everythingBeside, lineage, record, requestId, runId, summary, taken, userId } from './samples.ts'

/** One data folder (or what stands for it) and what can happen to it. */
export interface LogWorld {
  open(): Promise<UpdateLog>
  /** Ends the log that is open as SIGKILL ends a process: without `close`. */
  crash(): Promise<void>
  /** Makes the next write fail, before it is done or after. */
  failNext(when: 'before' | 'after'): void
  /** How many stored keys name the document; no log is open. */
  traces(name: DocumentName): Promise<number>
  dispose(): Promise<void>
}

export const logContract = (adapter: string, create: () => Promise<LogWorld>): void => {
  describe(`the log contract, ${adapter}`, () => {
    const a = documentName('a')
    let world: LogWorld
    let log: UpdateLog

    beforeEach(async () => {
      world = await create()
      log = await world.open()
    })
    afterEach(async () => {
      await log.close()
      await world.dispose()
    })

    const reopen = async (): Promise<void> => {
      await log.close()
      log = await world.open()
    }
    const crash = async (): Promise<void> => {
      await world.crash()
      log = await world.open()
    }
    const updatesOf = async (name: DocumentName): Promise<Uint8Array[] | undefined> => (await log.read(name))?.updates

    describe('order', () => {
      test('a document that was never written reads as null', async () => {
        expect(await log.read(a)).toBeNull()
      })

      test('sequences start at 0 and have no gaps', async () => {
        expect(await log.append(a, record(bytes(0)))).toBe(0)
        expect(await log.append(a, record(bytes(1)))).toBe(1)
        const updates = [bytes(0), bytes(1)]
        expect(await log.read(a)).toEqual({ lineage: null, updates, head: 1, facts: null, bindings: [], openRuns: [] })
      })

      test('appends that are not awaited are stored in the order of the calls', async () => {
        const sequences = await Promise.all(Array.from({ length: 100 }, (_, n) => log.append(a, record(bytes(n)))))
        expect(sequences).toEqual(Array.from({ length: 100 }, (_, n) => n))
        expect(await updatesOf(a)).toEqual(Array.from({ length: 100 }, (_, n) => bytes(n)))
      })

      test('appends of one document resolve in the order of their calls', async () => {
        const resolved: number[] = []
        await Promise.all(Array.from({ length: 30 }, async (_, n) => {
          await log.append(a, record(bytes(n)))
          resolved.push(n)
        }))
        expect(resolved).toEqual(Array.from({ length: 30 }, (_, n) => n))
      })

      test('a read sees everything that was appended before it, durable or not yet', async () => {
        const appends = [log.append(a, record(bytes(0))), log.append(a, record(bytes(1)))]
        expect(await updatesOf(a)).toEqual([bytes(0), bytes(1)])
        await Promise.all(appends)
      })

      test('many documents written at once are all gapless', async () => {
        const names = Array.from({ length: 40 }, (_, n) => documentName(`many-${n}`))
        await Promise.all(Array.from({ length: 25 }, (_, n) => names.map(name => log.append(name, record(bytes(n))))).flat())
        await reopen()
        for (const name of names) expect(await updatesOf(name)).toEqual(Array.from({ length: 25 }, (_, n) => bytes(n)))
      })

      test('the state vector is taken when the record is appended, not later', async () => {
        let moved = false
        const seen: boolean[] = []
        const stateVector = (): Uint8Array => {
          seen.push(moved)
          return new Uint8Array([0])
        }
        const appended = log.append(a, record(bytes(0), { stateVector }))
        moved = true
        await appended
        expect(seen).not.toContain(true)
      })
    })

    describe('reopening', () => {
      test('an orderly stop keeps everything, and the next record continues the sequence', async () => {
        await log.append(a, record(bytes(0), everythingBeside))
        await reopen()
        expect(await log.append(a, record(bytes(1)))).toBe(1)
        const stored = await log.read(a)
        expect(stored?.updates).toEqual([bytes(0), bytes(1)])
        expect(stored?.lineage).toEqual(lineage('first'))
        expect(stored?.openRuns).toEqual([runId(1), runId(2)])
        expect(new Map(stored?.bindings.map(({ clientId, owner }) => [clientId, owner]))).toEqual(new Map([[2 ** 53 - 2, 'anna'], [1, 'ben']]))
      })

      test('a crash keeps everything that was acknowledged', async () => {
        for (let n = 0; n < 20; n++) await log.append(a, record(bytes(n), { ledger: [taken(n)], events: [event(`k${n}`)] }))
        await crash()
        expect(await updatesOf(a)).toEqual(Array.from({ length: 20 }, (_, n) => bytes(n)))
        expect((await log.ledger(a, [requestId(19)])).size).toBe(1)
        expect(await log.append(a, record(bytes(20)))).toBe(20)
      })

      test('close waits for what was appended before it', async () => {
        const appended = log.append(a, record(bytes(0)))
        await reopen()
        expect(await appended).toBe(0)
        expect(await updatesOf(a)).toEqual([bytes(0)])
      })

      test('after close everything is refused as unavailable, and closing again does nothing', async () => {
        await log.close()
        expect(await codeOf(log.append(a, record(bytes(0))))).toBe('unavailable')
        expect(await codeOf(log.read(a))).toBe('unavailable')
        expect(await codeOf(log.list(''))).toBe('unavailable')
        await log.close()
      })
    })

    describe('generations', () => {
      test('an orderly stop keeps the generation', async () => {
        const before = log.generation
        expect(before).toBeGreaterThan(0)
        await reopen()
        expect(log.generation).toBe(before)
      })

      test('a crash starts a new one, even when nothing was written', async () => {
        const before = log.generation
        await crash()
        expect(log.generation).toBeGreaterThan(before)
        const after = log.generation
        await crash()
        expect(log.generation).toBeGreaterThan(after)
      })

      test.each(['before', 'after'] as const)('a write that failed %s it was done starts a new one, which is kept', async (when) => {
        const before = log.generation
        world.failNext(when)
        expect(await codeOf(log.append(a, record(bytes(0))))).toBe('not-saved')
        await log.read(a)
        const after = log.generation
        expect(after).toBeGreaterThan(before)
        await reopen()
        expect(log.generation).toBe(after)
      })
    })

    describe('a failed write', () => {
      beforeEach(async () => {
        await log.append(a, record(bytes(0)))
      })

      test('that did not reach the disk is not there, and its sequence is used by the next record', async () => {
        world.failNext('before')
        expect(await codeOf(log.append(a, record(bytes(1), everythingBeside)))).toBe('not-saved')
        expect(await log.read(a)).toEqual({ lineage: null, updates: [bytes(0)], head: 0, facts: null, bindings: [], openRuns: [] })
        expect((await log.ledger(a, [requestId(1)])).size).toBe(0)
        expect(await log.events(a, -1, 10)).toEqual([])
        expect(await log.append(a, record(bytes(2)))).toBe(1)
        await reopen()
        expect(await updatesOf(a)).toEqual([bytes(0), bytes(2)])
      })

      test('that reached the disk after all is there with everything beside it', async () => {
        world.failNext('after')
        expect(await codeOf(log.append(a, record(bytes(1), everythingBeside)))).toBe('not-saved')
        const stored = await log.read(a)
        expect(stored?.updates).toEqual([bytes(0), bytes(1)])
        expect(stored?.lineage).toEqual(lineage('first'))
        expect((await log.ledger(a, [requestId(1)])).size).toBe(1)
        expect(await log.append(a, record(bytes(2)))).toBe(2)
      })

      test('rejects everything in line behind it, of every document', async () => {
        const b = documentName('b')
        world.failNext('before')
        const outcomes = [log.append(a, record(bytes(1))), log.append(a, record(bytes(2))), log.append(b, record(bytes(3)))].map(codeOf)
        expect(await Promise.all(outcomes)).toEqual(['not-saved', 'not-saved', 'not-saved'])
        expect(await updatesOf(a)).toEqual([bytes(0)])
        expect(await log.read(b)).toBeNull()
      })

      test('is over for a read in line behind it, which makes the document writable again', async () => {
        world.failNext('before')
        const failed = codeOf(log.append(a, record(bytes(1))))
        expect(await updatesOf(a)).toEqual([bytes(0)])
        expect(await failed).toBe('not-saved')
        expect(await log.append(a, record(bytes(2)))).toBe(1)
      })

      test('makes every document that was in use unwritable until it was read again', async () => {
        const b = documentName('b')
        await log.append(b, record(bytes(9)))
        world.failNext('before')
        expect(await codeOf(log.append(a, record(bytes(1))))).toBe('not-saved')
        expect(await codeOf(log.append(a, record(bytes(2))))).toBe('not-saved')
        expect(await codeOf(log.append(b, record(bytes(3))))).toBe('not-saved')
        expect(await codeOf(log.compact(a, { update: bytes(4), stateVector: bytes(0), upTo: 0 }))).toBe('not-saved')
        await log.read(a)
        expect(await log.append(a, record(bytes(5)))).toBe(1)
        expect(await codeOf(log.append(b, record(bytes(6))))).toBe('not-saved')
        await log.read(b)
        expect(await log.append(b, record(bytes(7)))).toBe(1)
      })

      test('leaves documents that nobody used writable', async () => {
        world.failNext('before')
        expect(await codeOf(log.append(a, record(bytes(1))))).toBe('not-saved')
        expect(await log.append(documentName('new'), record(bytes(2)))).toBe(0)
      })

      test('of a snapshot keeps the document readable', async () => {
        await log.append(a, record(bytes(1)))
        world.failNext('before')
        expect(await codeOf(log.compact(a, { update: bytes(50), stateVector: bytes(0), upTo: 1 }))).toBe('not-saved')
        expect(await updatesOf(a)).toEqual([bytes(0), bytes(1)])
      })
    })

    describe('compaction', () => {
      const fill = async (count: number, name = a): Promise<void> => {
        for (let n = 0; n < count; n++) await log.append(name, record(bytes(n), { events: [event(`k${n}`)] }))
      }

      test('puts the snapshot in the place of its last record and removes those before it', async () => {
        await fill(5)
        await log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 3 })
        expect(await log.read(a)).toMatchObject({ updates: [bytes(100), bytes(4)], head: 4 })
        expect(await log.append(a, record(bytes(5)))).toBe(5)
        await reopen()
        expect(await log.read(a)).toMatchObject({ updates: [bytes(100), bytes(4), bytes(5)], head: 5 })
      })

      test('keeps what lies beside the records, the events before the snapshot too', async () => {
        await log.append(a, record(bytes(0), everythingBeside))
        await log.append(a, record(bytes(1), { events: [event('later')] }))
        const before = await log.read(a)
        await log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 1 })
        expect(await log.read(a)).toEqual({ ...before, updates: [bytes(100)] })
        expect(await log.events(a, -1, 10)).toEqual([{ sequence: 0, events: [event('title')] }, { sequence: 1, events: [event('later')] }])
        expect((await log.ledger(a, [requestId(1)])).size).toBe(1)
      })

      test('keeps what is said of a snapshot for as long as that snapshot stands', async () => {
        const facts = { schema: 1, tombstones: 3, stateVector: bytes(7), deletions: bytes(8) }
        await fill(4)
        expect(await log.read(a)).toMatchObject({ facts: null })
        await log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 2, facts })
        await log.append(a, record(bytes(5)))
        await reopen()
        expect(await log.read(a)).toEqual(expect.objectContaining({ updates: [bytes(100), bytes(3), bytes(5)], facts }))
        await log.compact(a, { update: bytes(101), stateVector: bytes(0), upTo: 3 })
        expect(await log.read(a)).toMatchObject({ updates: [bytes(101), bytes(5)], facts: null })
      })

      test('with a new lineage brings both or neither', async () => {
        await log.append(a, record(bytes(0), everythingBeside))
        await log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 0, lineage: lineage('second') })
        await crash()
        expect(await log.read(a)).toMatchObject({ updates: [bytes(100)], lineage: lineage('second') })
        expect((await log.ledger(a, [requestId(1)])).size).toBe(1)
        world.failNext('before')
        expect(await codeOf(log.compact(a, { update: bytes(99), stateVector: bytes(0), upTo: 0, lineage: lineage('third') }))).toBe('not-saved')
        expect(await log.read(a)).toMatchObject({ updates: [bytes(100)], lineage: lineage('second') })
      })

      test('takes effect in line with appends that were made around it', async () => {
        await fill(3)
        await Promise.all([
          log.append(a, record(bytes(3))),
          log.append(a, record(bytes(4))),
          log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 4 }),
          log.append(a, record(bytes(5))),
          log.append(a, record(bytes(6))),
        ])
        expect(await log.read(a)).toMatchObject({ updates: [bytes(100), bytes(5), bytes(6)], head: 6 })
      })

      test('by an older snapshot than the one that is there changes nothing', async () => {
        await fill(5)
        await log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 4 })
        await log.compact(a, { update: bytes(99), stateVector: bytes(0), upTo: 2 })
        expect(await log.read(a)).toMatchObject({ updates: [bytes(100)], head: 4 })
      })

      test('up to a record that does not exist is refused and changes nothing', async () => {
        await fill(2)
        await expect(log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 2 })).rejects.toThrow(RangeError)
        expect(await log.read(a)).toMatchObject({ updates: [bytes(0), bytes(1)], head: 1 })
        expect(await log.append(a, record(bytes(2)))).toBe(2)
      })

      test('survives a crash right after it', async () => {
        await fill(4)
        await log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 3 })
        await crash()
        expect(await log.read(a)).toMatchObject({ updates: [bytes(100)], head: 3 })
      })

      test('with scrubbing leaves later records alone, even of a document erased and begun anew', async () => {
        await fill(4)
        const scrubbed = log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 3, scrub: true })
        const behind = [log.append(a, record(bytes(4))), log.erase(a), log.append(a, record(bytes(200))), log.append(a, record(bytes(201)))]
        await Promise.all([scrubbed, ...behind])
        expect(await log.read(a)).toMatchObject({ updates: [bytes(200), bytes(201)], head: 1 })
      })
    })

    describe('what was taken out of a document', () => {
      beforeEach(async () => {
        await log.append(a, record(bytes(0)))
        await log.append(documentName('b'), record(bytes(0)))
        await log.append(a, record(bytes(1), { scrub: true }))
      })

      test('is owed from its record on, over crashes, until a snapshot with scrubbing holds that record', async () => {
        await crash()
        expect(await log.owedScrubs()).toEqual([a])
        expect((await log.read(a))?.owesScrub).toBe(true)
        expect((await log.read(documentName('b')))?.owesScrub).toBeUndefined()
        await log.compact(a, { update: bytes(9), stateVector: bytes(0), upTo: 0 })
        expect((await log.read(a))?.owesScrub).toBe(true)
        await log.compact(a, { update: bytes(9), stateVector: bytes(0), upTo: 1, scrub: true })
        expect((await log.read(a))?.owesScrub).toBeUndefined()
        await crash()
        expect(await log.owedScrubs()).toEqual([])
      })

      test('is not owed any more of a document that was erased', async () => {
        await log.erase(a)
        expect(await log.owedScrubs()).toEqual([])
      })
    })

    describe('the records for a snapshot', () => {
      test('are those up to its sequence, what is in line before it too, snapshot first', async () => {
        const appended = Array.from({ length: 6 }, (_, n) => log.append(a, record(bytes(n))))
        expect(await log.records(a, 3)).toEqual([0, 1, 2, 3].map(bytes))
        await Promise.all(appended)
        await log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 4 })
        expect(await log.records(a, 5)).toEqual([bytes(100), bytes(5)])
      })

      test('are no beginning: after a failed write the document stays unwritable', async () => {
        await log.append(a, record(bytes(0)))
        world.failNext('before')
        expect(await codeOf(log.append(a, record(bytes(1))))).toBe('not-saved')
        await log.records(a, 0).catch(() => undefined)
        expect(await codeOf(log.append(a, record(bytes(2))))).toBe('not-saved')
      })
    })

    describe('what lies beside the records', () => {
      test('the ledger answers for the ids that were taken, and for no others', async () => {
        const refused: LedgerEntry = { ...taken(2), outcome: { status: 'refused', code: 'viewer', reason: 'You may only read.' } }
        await log.append(a, record(bytes(0), { ledger: [taken(1), refused] }))
        const found = await log.ledger(a, [requestId(3), requestId(2), requestId(1)])
        expect(found).toEqual(new Map([[requestId(2), refused], [requestId(1), taken(1)]]))
        expect(await log.ledger(documentName('b'), [requestId(1)])).toEqual(new Map())
      })

      test('the newest ids of the ledger are told from the greatest down, of this document alone', async () => {
        await log.append(a, record(bytes(0), { ledger: [taken(2), taken(1)] }))
        await log.append(documentName('b'), record(bytes(0), { ledger: [taken(9)] }))
        await log.append(a, record(bytes(1), { ledger: [taken(3)] }))
        expect(await log.newestTaken(a, 2)).toEqual([requestId(3), requestId(2)])
        expect(await log.newestTaken(a, 10)).toEqual([requestId(3), requestId(2), requestId(1)])
        expect(await log.newestTaken(documentName('c'), 10)).toEqual([])
      })

      test('events are read from a cursor, oldest first, at most so many records', async () => {
        await log.append(a, record(bytes(0), { events: [event('0'), event('0b')] }))
        await log.append(a, record(bytes(1)))
        await log.append(a, record(bytes(2), { events: [event('2')] }))
        await log.append(a, record(bytes(3), { events: [event('3')] }))
        expect(await log.events(a, -1, 2)).toEqual([{ sequence: 0, events: [event('0'), event('0b')] }, { sequence: 2, events: [event('2')] }])
        expect((await log.events(a, 2, 10)).map(({ sequence }) => sequence)).toEqual([3])
        expect(await log.events(a, 3, 10)).toEqual([])
        expect(await log.events(a, -1, 0)).toEqual([])
      })

      test('the newest summary and lineage count, and are kept when a record brings none', async () => {
        const b = documentName('b')
        await log.append(a, record(bytes(0), { lineage: lineage('first'), summary: summary('One') }))
        await log.append(a, record(bytes(1), { lineage: lineage('second'), summary: summary('Two') }))
        await log.append(a, record(bytes(2)))
        await log.append(b, record(bytes(0)))
        expect((await log.read(a))?.lineage).toEqual(lineage('second'))
        expect(await log.summaries([b, a, documentName('c')])).toEqual(new Map([[a, summary('Two')]]))
      })

      test('runs are open from the record that opened them to the one that closed them', async () => {
        const b = documentName('b')
        await log.append(a, record(bytes(0), { openedRuns: [runId(1), runId(2)] }))
        await log.append(b, record(bytes(0), { openedRuns: [runId(3)] }))
        await log.append(a, record(bytes(1), { closedRuns: [runId(1)] }))
        await crash()
        expect((await log.read(a))?.openRuns).toEqual([runId(2)])
        expect(await log.openRuns()).toEqual([{ name: a, runId: runId(2) }, { name: b, runId: runId(3) }])
      })

      test('a client id that is bound again has its new owner', async () => {
        await log.append(a, record(bytes(0), { bindings: [{ clientId: 5, owner: userId('anna') }] }))
        await log.append(a, record(bytes(1), { bindings: [{ clientId: 5, owner: userId('ben') }] }))
        expect((await log.read(a))?.bindings).toEqual([{ clientId: 5, owner: 'ben' }])
      })

      test('ids that are special to JavaScript are ids like any other', async () => {
        const proto = documentName('__proto__')
        await log.append(proto, record(bytes(0), { bindings: [{ clientId: 5, owner: userId('__proto__') }], summary: summary('Odd') }))
        expect((await log.read(proto))?.bindings).toEqual([{ clientId: 5, owner: '__proto__' }])
        expect((await log.summaries([proto])).get(proto)).toEqual(summary('Odd'))
      })
    })

    describe('siblings', () => {
      // `a/b` is no name of ours, but y-leveldb's users have such.
      const names = ['a', 'ab', 'a/b', 'b', 'aa'].map(id => `conversation/${id}` as DocumentName)

      test('documents whose names begin alike never mix', async () => {
        for (const [i, name] of names.entries()) {
          await log.append(name, record(bytes(i), { ...everythingBeside, openedRuns: [runId(i)], ledger: [taken(i)] }))
          await log.append(name, record(bytes(i + 100)))
        }
        await log.compact(names[0]!, { update: bytes(200), stateVector: bytes(0), upTo: 1 })
        await reopen()
        expect(await updatesOf(names[0]!)).toEqual([bytes(200)])
        for (const [i, name] of names.entries()) {
          const stored = await log.read(name)
          if (i > 0) expect(stored?.updates).toEqual([bytes(i), bytes(i + 100)])
          expect(stored?.openRuns).toEqual([runId(i)])
          expect([...(await log.ledger(name, names.map((_, n) => requestId(n)))).keys()]).toEqual([requestId(i)])
          expect((await log.events(name, -1, 10)).length).toBe(1)
        }
      })

      test('erasing one leaves the others whole', async () => {
        for (const name of names) await log.append(name, record(bytes(1), everythingBeside))
        const others = names.slice(1)
        const before = await Promise.all(others.map(name => log.read(name)))
        await log.erase(names[0]!)
        expect(await Promise.all(others.map(name => log.read(name)))).toEqual(before)
        expect(await log.read(names[0]!)).toBeNull()
      })

      test('list gives the names that begin with the prefix, each once', async () => {
        for (const name of names) await log.append(name, record(bytes(1)))
        await log.append('artifact/a' as DocumentName, record(bytes(1)))
        expect(await log.list('conversation/')).toEqual(['conversation/a', 'conversation/b', 'conversation/aa', 'conversation/ab', 'conversation/a/b']
          .sort((x, y) => x.length - y.length || (x < y ? -1 : 1)))
        expect(await log.list('conversation/a')).toHaveLength(4)
        expect(await log.list('artifact/')).toEqual(['artifact/a'])
        expect(await log.list('home/')).toEqual([])
        expect(await log.list('')).toHaveLength(6)
      })
    })

    describe('erasing', () => {
      test('leaves no trace of the document', async () => {
        await log.append(a, record(bytes(0), everythingBeside))
        await log.append(a, record(bytes(1)))
        await log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 1 })
        await log.append(a, record(bytes(2), { events: [event('x')], ledger: [taken(5)] }))
        await log.erase(a)
        expect(await log.read(a)).toBeNull()
        expect(await log.list('')).toEqual([])
        expect(await log.openRuns()).toEqual([])
        expect(await log.summaries([a])).toEqual(new Map())
        expect(await log.ledger(a, [requestId(1), requestId(5)])).toEqual(new Map())
        expect(await log.events(a, -1, 10)).toEqual([])
        await log.close()
        expect(await world.traces(a)).toBe(0)
        log = await world.open()
        expect(await log.read(a)).toBeNull()
      })

      test('lets the document begin anew at 0', async () => {
        await log.append(a, record(bytes(0)))
        const order = [log.append(a, record(bytes(1))), log.erase(a), log.append(a, record(bytes(2)))]
        expect(await Promise.all(order)).toEqual([1, undefined, 0])
        await reopen()
        expect(await log.read(a)).toMatchObject({ updates: [bytes(2)], head: 0 })
        expect(await log.list('')).toEqual([a])
      })

      test('of a document that is not there does nothing', async () => {
        await log.erase(a)
        expect(await log.read(a)).toBeNull()
      })

      test('that failed says so, and the document can be read', async () => {
        await log.append(a, record(bytes(0)))
        world.failNext('before')
        expect(await codeOf(log.erase(a))).toBe('not-saved')
        expect(await updatesOf(a)).toEqual([bytes(0)])
        await log.erase(a)
        expect(await log.read(a)).toBeNull()
      })
    })
  })
}
