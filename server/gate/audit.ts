/**
 * The second key: right after an update was applied, what Yjs really did is held against what the judge expected.
 *
 * It must run inside the transaction, directly behind `applyClientUpdate` and before anything else is written: then every new struct and
 * every deletion is the client's, and deleted items still know where they stood (gc comes at the end).
 */
import * as Y from 'yjs'
import { SkeinError } from '../../shared/errors.ts'
import { Locator, touchedKey } from './locate.ts'
import { TouchedPlaces } from './touched-places.ts'
import type { Verdict } from './verdict.ts'

/** What a transaction had brought before an update. */
export interface Mark {
  /** The first clock of each client that was not known. */
  state: ReadonlyMap<number, number>
  /** How many ranges of each client were deleted. */
  deletions: ReadonlyMap<number, number>
}

export const markOf = ({ doc, deleteSet }: Y.Transaction): Mark => ({
  state: new Map(doc.store.clients.keys().map(client => [client, Y.getState(doc.store, client)])),
  deletions: new Map(deleteSet.clients.entries().map(([client, ranges]) => [client, ranges.length])),
})

const nothing: ReadonlyMap<number, number> = new Map()

/**
 * @param before when other updates were applied in this transaction, and audited: taken behind them
 * @throws SkeinError `forged`, its message for the log: the room is to be discarded, since the document holds what must not stay
 */
export const audit = (
  transaction: Y.Transaction, verdict: Extract<Verdict, { kind: 'accept' }>, before: Mark = { state: transaction.beforeState, deletions: nothing },
): void => {
  const { store } = transaction.doc
  if (store.pendingStructs !== null || store.pendingDs !== null) throw broken('Parts of the update wait for something that is missing.')
  const covered = new TouchedPlaces(verdict.touched)
  const locator = new Locator(transaction.doc, 'free')
  const check = (item: Y.Item): void => {
    const place = locator.ofKnown(item)
    if (!covered.has(place)) throw broken(`The update reached ${JSON.stringify([place.holder.root, touchedKey(place)])}.`)
  }
  for (const item of newItems(transaction, before)) check(item)
  for (const item of deletedItems(transaction, before)) check(item)
  for (const { last, next } of verdict.newNeighbours()) checkNeighbours(store, last, next)
}

/** Yjs put the item where the judge had rehearsed it, which is between its origins. */
const checkNeighbours = (store: Y.Doc['store'], last: Y.ID, next: Y.ID | null): void => {
  const item = Y.getItem(store, last)
  const isCut = item.id.clock + item.length === last.clock + 1
  if (!isCut || !Y.compareIDs(item.right && item.right.id, next)) throw broken('An item does not stand where it was expected.')
}

function * newItems({ doc }: Y.Transaction, { state }: Mark): Generator<Y.Item> {
  for (const [client, structs] of doc.store.clients) {
    const before = state.get(client) ?? 0
    if (Y.getState(doc.store, client) === before) continue
    for (let i = Y.findIndexSS(structs, before); i < structs.length; i++) {
      const struct = structs[i]!
      if (struct instanceof Y.Item) yield struct
    }
  }
}

function * deletedItems({ doc, deleteSet }: Y.Transaction, { deletions }: Mark): Generator<Y.Item> {
  for (const [client, ranges] of deleteSet.clients) {
    const structs = doc.store.clients.get(client) ?? []
    for (const { clock, len } of ranges.slice(deletions.get(client) ?? 0)) {
      for (let i = Y.findIndexSS(structs, clock); i < structs.length && structs[i]!.id.clock < clock + len; i++) {
        const struct = structs[i]!
        if (struct instanceof Y.Item) yield struct
      }
    }
  }
}

const broken = (detail: string): SkeinError => new SkeinError('forged', `The audit failed: ${detail}`)
