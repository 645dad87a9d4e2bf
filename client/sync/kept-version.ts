/**
 * An earlier version of a document on this device: what it held when the server turned out to have begun anew, with edits that no server
 * had confirmed, or letters in drafts that may have been sent without them. Those build on content that the new document does not know,
 * so they cannot be sent; they can be read and copied.
 */
import * as Y from 'yjs'
import type { KeptGeneration } from './port.ts'
import { applyAll } from './stored-updates.ts'

export interface KeptVersion {
  id: string
  /** To be read; what is written into it is not kept. */
  doc: Y.Doc
  /** Yjs client ids of this person, as far as they were noted. */
  writers: readonly number[]
  /** Something in it was not confirmed, or nobody noted. */
  unsaved: boolean
}

/** Those that can be read. */
export const readKept = (kept: readonly KeptGeneration[]): KeptVersion[] =>
  kept.flatMap(({ generation, updates, writers, unsaved = true }) => {
    const doc = new Y.Doc()
    return applyAll(doc, updates) ? [{ id: generation, doc, writers, unsaved }] : []
  })
