/** Schema versions: what to do with a document of an older or newer schema when it is opened. */
import type * as Y from 'yjs'
import { SkeinError } from '../errors.ts'
import { readMeta } from './read.ts'
import { SCHEMA_VERSION } from './schema.ts'

/** One step from version `from` to `from + 1`; runs inside one server transaction. */
export interface Migration {
  from: number
  run: (doc: Y.Doc) => void
}

/** All steps since schema 1, in order. Schema 1 is the first, so there is none yet. */
export const migrations: readonly Migration[] = []

/**
 * The steps that bring the document to this program's schema.
 * @throws SkeinError `newer-schema` when the document was written by a newer program
 */
export const pendingMigrations = (doc: Y.Doc, steps: readonly Migration[] = migrations, target: number = SCHEMA_VERSION): Migration[] => {
  const { schema } = readMeta(doc)
  if (schema > target) throw new SkeinError('newer-schema')
  return steps.filter(step => step.from >= schema && step.from < target)
}
