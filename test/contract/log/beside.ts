/** What lies beside the records: ledger, events, summary, lineage, runs, bindings. */
import { describe, expect, test } from 'vitest'
import type { LedgerEntry } from '../../../server/log/port.ts'
import { bytes, documentName, event, lineage, record, requestId, runId, summary, taken, userId } from '../samples.ts'
import type { LogUnderTest } from './under-test.ts'

const a = documentName('a')

export const beside = (use: LogUnderTest): void => {
  describe('what lies beside the records', () => {
    test('the ledger answers for the ids that were taken, and for no others', async () => {
      const refused: LedgerEntry = { ...taken(2), outcome: { status: 'refused', code: 'viewer', reason: 'You may only read.' } }
      await use.log.append(a, record(bytes(0), { ledger: [taken(1), refused] }))
      const found = await use.log.ledger(a, [requestId(3), requestId(2), requestId(1)])
      expect(found).toEqual(new Map([[requestId(2), refused], [requestId(1), taken(1)]]))
      expect(await use.log.ledger(documentName('b'), [requestId(1)])).toEqual(new Map())
    })

    test('the newest ids of the ledger are told from the greatest down, of this document alone', async () => {
      await use.log.append(a, record(bytes(0), { ledger: [taken(2), taken(1)] }))
      await use.log.append(documentName('b'), record(bytes(0), { ledger: [taken(9)] }))
      await use.log.append(a, record(bytes(1), { ledger: [taken(3)] }))
      expect(await use.log.newestTaken(a, 2)).toEqual([requestId(3), requestId(2)])
      expect(await use.log.newestTaken(a, 10)).toEqual([requestId(3), requestId(2), requestId(1)])
      expect(await use.log.newestTaken(documentName('c'), 10)).toEqual([])
    })

    test('events are read from a cursor, oldest first, at most so many records', async () => {
      await use.log.append(a, record(bytes(0), { events: [event('0'), event('0b')] }))
      await use.log.append(a, record(bytes(1)))
      await use.log.append(a, record(bytes(2), { events: [event('2')] }))
      await use.log.append(a, record(bytes(3), { events: [event('3')] }))
      expect(await use.log.events(a, -1, 2)).toEqual([{ sequence: 0, events: [event('0'), event('0b')] }, { sequence: 2, events: [event('2')] }])
      expect((await use.log.events(a, 2, 10)).map(({ sequence }) => sequence)).toEqual([3])
      expect(await use.log.events(a, 3, 10)).toEqual([])
      expect(await use.log.events(a, -1, 0)).toEqual([])
    })

    test('the newest summary and lineage count, and are kept when a record brings none', async () => {
      const b = documentName('b')
      await use.log.append(a, record(bytes(0), { lineage: lineage('first'), summary: summary('One') }))
      await use.log.append(a, record(bytes(1), { lineage: lineage('second'), summary: summary('Two') }))
      await use.log.append(a, record(bytes(2)))
      await use.log.append(b, record(bytes(0)))
      expect((await use.log.read(a))?.lineage).toEqual(lineage('second'))
      expect(await use.log.summaries([b, a, documentName('c')])).toEqual(new Map([[a, summary('Two')]]))
    })

    test('runs are open from the record that opened them to the one that closed them', async () => {
      const b = documentName('b')
      await use.log.append(a, record(bytes(0), { openedRuns: [runId(1), runId(2)] }))
      await use.log.append(b, record(bytes(0), { openedRuns: [runId(3)] }))
      await use.log.append(a, record(bytes(1), { closedRuns: [runId(1)] }))
      await use.crash()
      expect((await use.log.read(a))?.openRuns).toEqual([runId(2)])
      expect(await use.log.openRuns()).toEqual([{ name: a, runId: runId(2) }, { name: b, runId: runId(3) }])
    })

    test('a client id that is bound again has its new owner', async () => {
      await use.log.append(a, record(bytes(0), { bindings: [{ clientId: 5, owner: userId('anna') }] }))
      await use.log.append(a, record(bytes(1), { bindings: [{ clientId: 5, owner: userId('ben') }] }))
      expect((await use.log.read(a))?.bindings).toEqual([{ clientId: 5, owner: 'ben' }])
    })

    test('ids that are special to JavaScript are ids like any other', async () => {
      const proto = documentName('__proto__')
      await use.log.append(proto, record(bytes(0), { bindings: [{ clientId: 5, owner: userId('__proto__') }], summary: summary('Odd') }))
      expect((await use.log.read(proto))?.bindings).toEqual([{ clientId: 5, owner: '__proto__' }])
      expect((await use.log.summaries([proto])).get(proto)).toEqual(summary('Odd'))
    })
  })
}
