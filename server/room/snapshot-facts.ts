/** What is said beside a snapshot, so that whoever reads its document later need not decode it (see the log's port). */
import * as Y from 'yjs'
import { readMeta } from '../../shared/conversation/read.ts'
import { documentKind } from '../../shared/ids.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { SnapshotFacts } from '../log/port.ts'

/** @param doc as the snapshot has it */
export const factsOf = (name: DocumentName, doc: Y.Doc): SnapshotFacts => {
  const stateVector = Y.encodeStateVector(doc)
  return {
    schema: documentKind(name) === 'conversation' ? readMeta(doc).schema : null,
    tombstones: countTombstones(doc),
    stateVector,
    deletions: Y.encodeStateAsUpdate(doc, stateVector),
  }
}

/** Structs of a document without content: they cost memory and time at every load. */
export const countTombstones = (doc: Y.Doc): number => {
  let tombstones = 0
  for (const structs of doc.store.clients.values()) for (const struct of structs) if (struct.deleted) tombstones++
  return tombstones
}
