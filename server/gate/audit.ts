/**
 * The second key: right after an update was applied, what Yjs really did is held against what the judge expected.
 *
 * It must run inside the transaction, directly behind `applyClientUpdate` and before the server writes anything itself: then every
 * new struct and every deletion is the client's, and deleted items still know where they stood (gc comes at the end).
 */
import * as Y from 'yjs'
import { SkeinError } from '../../shared/errors.ts'
import { Locator, touchedKey } from './locate.ts'
import type { Verdict } from './verdict.ts'

/**
 * @throws SkeinError `forged`, its message for the log: the room is to be discarded, since the document holds what must not stay
 */
export const audit = (transaction: Y.Transaction, verdict: Extract<Verdict, { kind: 'accept' }>): void => {
  const { store } = transaction.doc
  if (store.pendingStructs !== null || store.pendingDs !== null) throw broken('Parts of the update wait for something that is missing.')
  const covered = new Set(verdict.touched.map(({ root, key }) => JSON.stringify([root, key])))
  const locator = new Locator(transaction.doc, 'free')
  const order = new ListOrder()
  const check = (item: Y.Item): void => {
    const place = locator.ofKnown(item)
    const { root } = place.holder
    const key = touchedKey(place)
    if (!covered.has(JSON.stringify([root, key]))) throw broken(`The update reached ${JSON.stringify([root, key])}.`)
  }
  for (const item of newItems(transaction)) {
    check(item)
    order.check(item, store)
  }
  for (const item of deletedItems(transaction)) check(item)
}

function * newItems({ doc, beforeState }: Y.Transaction): Generator<Y.Item> {
  for (const [client, structs] of doc.store.clients) {
    const before = beforeState.get(client) ?? 0
    if (Y.getState(doc.store, client) === before) continue
    for (let i = Y.findIndexSS(structs, before); i < structs.length; i++) {
      const struct = structs[i]!
      if (struct instanceof Y.Item) yield struct
    }
  }
}

function * deletedItems({ doc, deleteSet }: Y.Transaction): Generator<Y.Item> {
  for (const [client, ranges] of deleteSet.clients) {
    const structs = doc.store.clients.get(client) ?? []
    for (const { clock, len } of ranges) {
      for (let i = Y.findIndexSS(structs, clock); i < structs.length && structs[i]!.id.clock < clock + len; i++) {
        const struct = structs[i]!
        if (struct instanceof Y.Item) yield struct
      }
    }
  }
}

/** Checks that items stand between their origins. Most have an origin as neighbour; a list is only numbered when one does not. */
class ListOrder {
  readonly #ranks = new Map<unknown, Map<Y.Item, number>>()

  check(item: Y.Item, store: Y.Doc['store']): void {
    const { origin, rightOrigin } = item
    if (item.parentSub !== null || origin === null || rightOrigin === null) return
    const left = Y.getItem(store, origin)
    const right = Y.getItem(store, rightOrigin)
    if (item.left === left && item.right === right) return
    const ranks = this.#ranksOf(item)
    const rank = ranks.get(item)!
    if (!((ranks.get(left) ?? Infinity) < rank && rank < (ranks.get(right) ?? -Infinity))) {
      throw broken('An item does not stand between its origins.')
    }
  }

  #ranksOf({ parent }: Y.Item): Map<Y.Item, number> {
    let ranks = this.#ranks.get(parent)
    if (!ranks) {
      ranks = new Map()
      const start = parent instanceof Y.AbstractType ? parent._start : null
      for (let item = start; item !== null; item = item.right) ranks.set(item, ranks.size)
      this.#ranks.set(parent, ranks)
    }
    return ranks
  }
}

const broken = (detail: string): SkeinError => new SkeinError('forged', `The audit failed: ${detail}`)
