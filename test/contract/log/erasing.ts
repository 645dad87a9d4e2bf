/** Documents side by side: names that begin alike never mix, and one is erased without a trace. */
import { describe, expect, test } from 'vitest'
import type { DocumentName } from '../../../shared/ids.ts'
import { codeOf } from '../code-of.ts'
import { bytes, documentName, event, everythingBeside, record, requestId, runId, taken } from '../samples.ts'
import type { LogUnderTest } from './under-test.ts'

const a = documentName('a')

export const erasing = (use: LogUnderTest): void => {
  describe('siblings', () => {
    // `a/b` is no name of ours, but y-leveldb's users have such.
    const names = ['a', 'ab', 'a/b', 'b', 'aa'].map(id => `conversation/${id}` as DocumentName)

    test('documents whose names begin alike never mix', async () => {
      for (const [i, name] of names.entries()) {
        await use.log.append(name, record(bytes(i), { ...everythingBeside, openedRuns: [runId(i)], ledger: [taken(i)] }))
        await use.log.append(name, record(bytes(i + 100)))
      }
      await use.log.compact(names[0]!, { update: bytes(200), stateVector: bytes(0), upTo: 1 })
      await use.reopen()
      expect(await use.updatesOf(names[0]!)).toEqual([bytes(200)])
      for (const [i, name] of names.entries()) {
        const stored = await use.log.read(name)
        if (i > 0) expect(stored?.updates).toEqual([bytes(i), bytes(i + 100)])
        expect(stored?.openRuns).toEqual([runId(i)])
        expect([...(await use.log.ledger(name, names.map((_, n) => requestId(n)))).keys()]).toEqual([requestId(i)])
        expect((await use.log.events(name, -1, 10)).length).toBe(1)
      }
    })

    test('erasing one leaves the others whole', async () => {
      for (const name of names) await use.log.append(name, record(bytes(1), everythingBeside))
      const others = names.slice(1)
      const before = await Promise.all(others.map(name => use.log.read(name)))
      await use.log.erase(names[0]!)
      expect(await Promise.all(others.map(name => use.log.read(name)))).toEqual(before)
      expect(await use.log.read(names[0]!)).toBeNull()
    })

    test('list gives the names that begin with the prefix, each once', async () => {
      for (const name of names) await use.log.append(name, record(bytes(1)))
      await use.log.append('artifact/a' as DocumentName, record(bytes(1)))
      expect(await use.log.list('conversation/')).toEqual(['conversation/a', 'conversation/b', 'conversation/aa', 'conversation/ab', 'conversation/a/b']
        .sort((x, y) => x.length - y.length || (x < y ? -1 : 1)))
      expect(await use.log.list('conversation/a')).toHaveLength(4)
      expect(await use.log.list('artifact/')).toEqual(['artifact/a'])
      expect(await use.log.list('home/')).toEqual([])
      expect(await use.log.list('')).toHaveLength(6)
    })
  })

  describe('erasing', () => {
    test('leaves no trace of the document', async () => {
      await use.log.append(a, record(bytes(0), everythingBeside))
      await use.log.append(a, record(bytes(1)))
      await use.log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 1 })
      await use.log.append(a, record(bytes(2), { events: [event('x')], ledger: [taken(5)] }))
      await use.log.erase(a)
      expect(await use.log.read(a)).toBeNull()
      expect(await use.log.list('')).toEqual([])
      expect(await use.log.openRuns()).toEqual([])
      expect(await use.log.summaries([a])).toEqual(new Map())
      expect(await use.log.ledger(a, [requestId(1), requestId(5)])).toEqual(new Map())
      expect(await use.log.events(a, -1, 10)).toEqual([])
      await use.log.close()
      expect(await use.world.traces(a)).toBe(0)
      use.log = await use.world.open()
      expect(await use.log.read(a)).toBeNull()
    })

    test('lets the document begin anew at 0', async () => {
      await use.log.append(a, record(bytes(0)))
      const order = [use.log.append(a, record(bytes(1))), use.log.erase(a), use.log.append(a, record(bytes(2)))]
      expect(await Promise.all(order)).toEqual([1, undefined, 0])
      await use.reopen()
      expect(await use.log.read(a)).toMatchObject({ updates: [bytes(2)], head: 0 })
      expect(await use.log.list('')).toEqual([a])
    })

    test('of a document that is not there does nothing', async () => {
      await use.log.erase(a)
      expect(await use.log.read(a)).toBeNull()
    })

    test('that failed says so, and the document can be read', async () => {
      await use.log.append(a, record(bytes(0)))
      use.world.failNext('before')
      expect(await codeOf(use.log.erase(a))).toBe('not-saved')
      expect(await use.updatesOf(a)).toEqual([bytes(0)])
      await use.log.erase(a)
      expect(await use.log.read(a)).toBeNull()
    })
  })
}
