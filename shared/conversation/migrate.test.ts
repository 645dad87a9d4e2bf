/** Documents of older schemas are brought up to this one, and newer ones left alone. */
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { migrations, pendingMigrations } from './migrate.ts'
import type { Migration } from './migrate.ts'
import { SCHEMA_VERSION } from './schema.ts'
import { SkeinError } from '../errors.ts'

const documentOf = (schema?: number): Y.Doc => {
  const doc = new Y.Doc()
  if (schema !== undefined) doc.getMap('meta').set('schema', schema)
  return doc
}
const steps: Migration[] = [1, 2, 3].map(from => ({ from, run: doc => void doc.getMap('meta').set('schema', from + 1) }))

test('a document of this schema needs nothing, and a new one neither', () => {
  expect(pendingMigrations(documentOf(SCHEMA_VERSION))).toEqual([])
  expect(pendingMigrations(documentOf())).toEqual([])
})

test('an older document gets the steps that it lacks, in order', () => {
  expect(pendingMigrations(documentOf(1), steps, 4).map(({ from }) => from)).toEqual([1, 2, 3])
  expect(pendingMigrations(documentOf(3), steps, 4).map(({ from }) => from)).toEqual([3])
  expect(pendingMigrations(documentOf(1), steps, 3).map(({ from }) => from)).toEqual([1, 2])
})

test('after its steps a document needs nothing', () => {
  const doc = documentOf(1)
  for (const step of pendingMigrations(doc, steps, 4)) step.run(doc)
  expect(pendingMigrations(doc, steps, 4)).toEqual([])
})

test('a document of a newer program is not opened', () => {
  expect(() => pendingMigrations(documentOf(SCHEMA_VERSION + 1))).toThrow(SkeinError)
  expect(() => pendingMigrations(documentOf(SCHEMA_VERSION + 1))).toThrow(expect.objectContaining({ code: 'newer-schema' }))
})

test('there is one step for each version up to this one', () => {
  expect(migrations.map(({ from }) => from)).toEqual(Array.from({ length: SCHEMA_VERSION - 1 }, (_, i) => i + 1))
})
