/** What Yjs will pay beyond finding places, so that the judge can pay it first, and how large documents may become. */
import * as Y from 'yjs'
import { SkeinError } from '../../shared/errors.ts'
import { limits } from '../../shared/limits.ts'
import { COPIES_PER_STEP, MOVES_PER_STEP, price } from './budget.ts'
import type { Budget } from './budget.ts'
import type { Holder, Place } from './locate.ts'
import type { Block, Struct, UpdateIndex } from './update-index.ts'
import { startOf } from './update-index.ts'
import type { GateContext } from './verdict.ts'
import type { SharedType } from './yjs-internals.ts'

export class Costs {
  readonly #budget: Budget
  readonly #index: UpdateIndex
  /** Living structs inside each type that stands right under a root. */
  readonly #nested = new Map<Holder, number>()
  /** Keys that the update writes. */
  readonly #written = new Map<Holder, Set<string>>()
  readonly #emptied = new Set<Y.Item>()

  constructor(index: UpdateIndex, budget: Budget) {
    this.#index = index
    this.#budget = budget
  }

  /** A new struct in its place; one at a key takes the place of the entry that was there. */
  add(place: Place, splits: number): void {
    this.grow(place.holder, splits + (this.#replaces(place) ? 0 : 1))
  }

  /**
   * More living structs inside a nested type. Who deletes that type, or overwrites it, must be able to afford it. Tombstones do not count:
   * a shape that is dragged about leaves two at every step and must not freeze; a squash takes them away.
   */
  grow(holder: Holder, by: number): void {
    if (holder.depth === 0 || holder.dead || by === 0) return
    let top = holder
    while (top.depth > 1) top = top.parent!
    const size = (this.#nested.get(top) ?? this.#sizeOf(top)) + by
    if (size > limits.nestedStructs) throw new SkeinError('too-large', 'A nested type of the document would become too large to be deleted.')
    this.#nested.set(top, size)
  }

  /** @param added structs, those included that the update makes by cutting others */
  checkWhole(added: number, hasRoomFor: GateContext['hasRoomFor'] = ({ structs }) => structs <= limits.documentStructs): void {
    if (added > 0 && !hasRoomFor({ structs: this.#index.knownStructs + added, added })) {
      throw new SkeinError('too-large', 'The document has as many parts as it may have, so nothing can be added. Your text stays on this device.')
    }
  }

  /** Tombstones that stand side by side are joined, and all structs behind them move up. */
  payMove(client: number): void {
    this.#budget.spend(Math.floor(this.#index.structCount(client) / MOVES_PER_STEP))
  }

  /** What goes with an item that is deleted or overwritten: all that stands inside it, and tombstones there too. */
  payRemoval(item: Y.Item, isPaid: (item: Y.Item) => boolean): void {
    this.#payRemoved(item)
    if (!(item.content instanceof Y.ContentType) || this.#emptied.has(item)) return
    this.#emptied.add(item)
    this.#budget.spend(price.removedType)
    for (const child of itemsWithin(item.content.type, inner => !isPaid(inner))) {
      if (isPaid(child)) continue
      if (child.deleted) this.#budget.spend(price.tidied)
      else this.#payRemoved(child)
      if (child.content instanceof Y.ContentType) this.#budget.spend(price.removedType)
    }
  }

  #payRemoved({ parentSub }: Y.Item): void {
    this.#budget.spend(parentSub === null ? price.removed : price.removed + price.removedEntry)
  }

  /** Yjs joins neighbours from right to left, and copies the values of an array each time. */
  payJoins({ client, structs, known }: Block): void {
    let copied = 0
    for (let i = structs.length - 1; i >= 0 && startOf(structs[i]!) >= known; i--) {
      const struct = structs[i]!
      if (!continuesArray(struct)) {
        copied = 0
        continue
      }
      copied += struct.length
      this.#budget.spend(Math.floor((copied + (i === 0 ? this.#lengthBefore(client, known) : 0)) / COPIES_PER_STEP))
    }
  }

  /** Of the array that the first new struct will be joined to. */
  #lengthBefore(client: number, known: number): number {
    if (known === 0) return 0
    const before = this.#index.lastKnown(client)
    return before instanceof Y.Item && before.content instanceof Y.ContentAny ? before.length : 0
  }

  #sizeOf({ type, isNew }: Holder): number {
    if (type === null || isNew) return 0
    let size = 0
    for (const item of itemsWithin(type, () => true)) {
      this.#budget.spend(1)
      if (!item.deleted) size++
    }
    return size
  }

  #replaces({ holder, key }: Place): boolean {
    if (key === null) return false
    const written = this.#written.get(holder) ?? new Set()
    this.#written.set(holder, written)
    if (written.has(key)) return true
    written.add(key)
    const before = holder.isNew ? undefined : holder.type?._map.get(key)
    return before !== undefined && !before.deleted
  }
}

const continuesArray = (struct: Struct): boolean =>
  struct instanceof Y.Item && struct.content instanceof Y.ContentAny &&
  struct.origin !== null && struct.origin.client === struct.id.client && struct.origin.clock === struct.id.clock - 1

/** Everything inside a type, tombstones included, without recursion. */
function * itemsWithin(type: SharedType, enters: (item: Y.Item) => boolean): Generator<Y.Item> {
  const open = [type]
  for (let at = open.pop(); at; at = open.pop()) {
    for (const first of [at._start, ...at._map.values()]) {
      for (let item = first; item !== null; item = item.parentSub === null ? item.right : item.left) {
        yield item
        if (item.content instanceof Y.ContentType && enters(item)) open.push(item.content.type)
      }
    }
  }
}
