/** What a person typed into shared drafts on this device and no server may have: read from the store, while nobody has them open. */
import * as Y from 'yjs'
import { draftsStandingIn } from './gone-draft.ts'
import { ownText } from './late-edits.ts'
import { applyAll } from './stored-updates.ts'
import type { DraftId } from '../../shared/ids.ts'

export interface UnsentDraft {
  id: DraftId
  /** The person's own letters of it: all, since nobody notes which of them the server has confirmed. */
  text: string
}

/** @param writers Yjs client ids of the person, as they were noted */
export const unsentDrafts = (updates: readonly Uint8Array[], writers: readonly number[]): UnsentDraft[] => {
  const doc = new Y.Doc()
  try {
    if (!applyAll(doc, updates)) return []
    return draftsStandingIn(doc).flatMap(({ id, letters }) => {
      const text = ownText(letters.map(letter => ({ ...letter, own: writers.includes(letter.client) })))
      return text.trim() === '' ? [] : [{ id, text }]
    })
  } finally {
    doc.destroy()
  }
}
