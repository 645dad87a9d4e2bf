/**
 * Reads who wrote which letter of a shared draft, also in the transaction that deletes it, and what is typed into one that is gone:
 * after the transaction Yjs's gc has removed the text, and nobody can. Deleted types answer nothing, so this reads the items that Yjs
 * keeps until then.
 */
import * as Y from 'yjs'
import type { Letter } from './late-edits.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { draftHead } from '../../shared/conversation/schema.ts'
import type { SharedDraftHead } from '../../shared/conversation/write.ts'
import { parseDraftId } from '../../shared/ids.ts'
import type { DraftId } from '../../shared/ids.ts'

export interface GoneDraft {
  id: DraftId
  head: SharedDraftHead
  /** As this device saw it last. */
  letters: Omit<Letter, 'own'>[]
}

/** Shared drafts that this transaction deletes. To be called before gc: in `afterTransaction` at the latest. */
export const draftsGoneIn = (transaction: Y.Transaction): GoneDraft[] => {
  const { drafts } = openRoots(transaction.doc)
  // Among the changed types a root's own type is `Y.Map<unknown>`.
  const keys = [...transaction.changed].find(([type]) => Object.is(type, drafts))?.[1] ?? []
  return [...keys].flatMap(key => {
    const id = key === null || drafts.has(key) ? null : parseDraftId(key)
    const item = id && drafts._map.get(id)
    const isGone = ({ id: place }: Y.Item): boolean => Y.isDeleted(transaction.deleteSet, place)
    return id && item && isGone(item) ? sharedDraft(id, item, isGone) : []
  })
}

/** The shared drafts that stand in a document. */
export const draftsStandingIn = (doc: Y.Doc): GoneDraft[] => [...openRoots(doc).drafts._map].flatMap(([key, item]) => {
  const id = parseDraftId(key)
  return id && !item.deleted ? sharedDraft(id, item, ({ deleted }) => !deleted) : []
})

/** @param counts of the items in it */
const sharedDraft = (id: DraftId, item: Y.Item, counts: (item: Y.Item) => boolean): GoneDraft[] => {
  const draft = typeOf(item)
  const head = draftHead.safeParse(draft?._map.get('head')?.content.getContent()[0])
  return draft && head.success && head.data.kind === 'shared' ? [{ id, head: head.data, letters: lettersOf(draft, counts) }] : []
}

/** Text that this client wrote in this transaction into drafts that were gone already: it was never seen. */
export const strayText = (transaction: Y.Transaction): Map<DraftId, string> => {
  const { doc, beforeState, local } = transaction
  const found = new Map<DraftId, string>()
  const structs = doc.store.clients.get(doc.clientID) ?? []
  const before = beforeState.get(doc.clientID) ?? 0
  if (!local || Y.getState(doc.store, doc.clientID) === before) return found
  for (const struct of structs.slice(Y.findIndexSS(structs, before))) {
    if (!(struct instanceof Y.Item) || !(struct.content instanceof Y.ContentString)) continue
    const draft = draftAround(struct)
    const id = draft?.deleted ? parseDraftId(draft.parentSub ?? '') : null
    if (id && !Y.isDeleted(transaction.deleteSet, draft!.id)) found.set(id, (found.get(id) ?? '') + struct.content.str)
  }
  return found
}

type AnyType = Y.AbstractType<unknown>

const typeOf = (item: Y.Item | undefined): AnyType | null =>
  item?.content instanceof Y.ContentType ? item.content.type : null

const lettersOf = (draft: AnyType, counts: (item: Y.Item) => boolean): GoneDraft['letters'] => {
  const letters: GoneDraft['letters'] = []
  for (const partItem of itemsOf(typeOf(draft._map.get('parts')))) {
    if (!counts(partItem)) continue
    for (const item of itemsOf(typeOf(typeOf(partItem)?._map.get('text')))) {
      if (!(item.content instanceof Y.ContentString) || !counts(item)) continue
      const { client } = item.id
      let { clock } = item.id
      for (const char of item.content.str) {
        letters.push({ char, client, clock })
        clock += char.length
      }
    }
  }
  return letters
}

function * itemsOf(type: AnyType | null): Generator<Y.Item> {
  for (let item = type?._start ?? null; item !== null; item = item.right) yield item
}

/** The entry of `drafts` that the item stands in. */
const draftAround = (item: Y.Item): Y.Item | null => {
  for (let at = item; ;) {
    const { parent } = at
    if (!(parent instanceof Y.AbstractType)) return null
    if (parent._item === null) return Object.is(parent, parent.doc?.share.get('drafts')) ? at : null
    at = parent._item
  }
}
