/**
 * Rehearses where Yjs will put new items, on a linked list that is laid over the document's and never written to it.
 *
 * Yjs trusts that an item's origin and rightOrigin were neighbours, in this order, when its author put it between them. When they were
 * not, replicas that get the same items in another order end with another order. So each new item is placed here as Yjs will place it
 * (`Item.integrate`, YATA with origin and rightOrigin), and refused when its origins cannot have been neighbours; since items never
 * move, what was true when an item came stays true. The rehearsal pays for its steps from a budget, and what it pays Yjs will pay.
 */
import * as Y from 'yjs'
import { SkeinError } from '../../shared/errors.ts'
import { COPIES_PER_STEP, MOVES_PER_STEP, price } from './budget.ts'
import type { Budget } from './budget.ts'
import type { Holder, Place } from './locate.ts'
import { originAt } from './overlap.ts'
import type { UpdateIndex } from './update-index.ts'

/** A piece of an item, from one of its offsets to another. `right` is undefined until somebody asks: then it is the document's. */
interface Node {
  item: Y.Item
  from: number
  to: number
  right: Node | null | undefined
  /** The walk in which the node was passed, and the group of conflicting items that it was in: Yjs's two sets, without sets. */
  passed: number
  group: number
}

interface List {
  start: Node | null
  /** Map entries only: Yjs walks from the newest value of a key to the oldest one to find the start. */
  walkToStart: number
}

export class ShadowLists {
  readonly #index: UpdateIndex
  readonly #budget: Budget
  readonly #pieces = new Map<Y.Item, Node[]>()
  /** The pieces of new items. */
  readonly #placed: Node[][] = []
  readonly #lists = new Map<Holder, Map<string | null, List>>()
  #walks = 0
  #groups = 0
  /** How often Yjs will cut a struct in two. */
  splits = 0

  constructor(index: UpdateIndex, budget: Budget) {
    this.#index = index
    this.#budget = budget
  }

  /**
   * Places a new item (or, from `offset` on, the new part of one) in the list or key chain that it belongs to.
   * @throws SkeinError `malformed` when its origins were never neighbours, `too-expensive`
   */
  place(item: Y.Item, offset: number, { holder, key }: Place): void {
    const origin = originAt(item, item.id.clock + offset)
    const { rightOrigin } = item
    if (origin && rightOrigin && this.#sameItemReversed(origin, rightOrigin)) throw notNeighbours()
    const left = origin && this.#pieceEndingAt(origin)
    const right = rightOrigin && this.#pieceStartingAt(rightOrigin)
    this.#checkNeighbours(left, right)
    const list = this.#list(holder, key)
    if (left === null && key !== null) this.#budget.spend(list.walkToStart)
    this.#insert({ item, from: offset, to: item.length, right: null, passed: 0, group: 0 }, left, right, list)
  }

  /**
   * Where every new item will stand: the id of a piece's last clock, and of what follows it. Yjs must come to the same.
   */
  * newNeighbours(): Generator<{ last: Y.ID, next: Y.ID | null }> {
    for (const pieces of this.#placed) {
      const { item } = pieces[0]!
      for (const piece of pieces) {
        const next = this.#right(piece)
        yield {
          last: Y.createID(item.id.client, item.id.clock + piece.to - 1),
          next: next && Y.createID(next.item.id.client, next.item.id.clock + next.from),
        }
      }
    }
  }

  /** Pays for the split that Yjs makes when something refers into the middle of a struct. */
  paySplit(id: Y.ID, clockAfter: number): void {
    const struct = this.#index.find(id)
    const offset = clockAfter - struct.id.clock
    if (struct instanceof Y.Item && offset > 0 && offset < struct.length) this.#spendSplit(struct, struct.length - offset)
  }

  /**
   * The same for a struct that will not be placed, so that no record tells others of the split. They are as they were once Yjs has
   * merged the halves again, except for a surrogate pair, of which Yjs makes two U+FFFD.
   */
  paySilentSplit(id: Y.ID, clockAfter: number): void {
    this.paySplit(id, clockAfter)
    const struct = this.#index.find(id)
    const text = struct instanceof Y.Item && struct.content instanceof Y.ContentString ? struct.content.str : ''
    if (isInsidePair(text, clockAfter - struct.id.clock)) {
      throw new SkeinError('malformed', 'A struct that writes nothing would split a character.')
    }
  }

  #insert(node: Node, left: Node | null, right: Node | null, list: List): void {
    const after = this.#findLeft(node, left, right, list)
    if (after) {
      node.right = this.#right(after)
      after.right = node
    } else {
      node.right = list.start
      list.start = node
    }
    list.walkToStart++
    const pieces = [node]
    this.#pieces.set(node.item, pieces)
    this.#placed.push(pieces)
  }

  /** `Item.integrate`'s search for the left neighbour among items that conflict. */
  #findLeft(node: Node, left: Node | null, right: Node | null, list: List): Node | null {
    const walk = ++this.#walks
    let group = ++this.#groups
    let found = left
    let other = left ? this.#right(left) : list.start
    for (; other !== null && other !== right; other = this.#right(other)) {
      this.#budget.spend(price.passed)
      other.passed = walk
      other.group = group
      const otherOrigin = originOf(other)
      if (Y.compareIDs(originOf(node), otherOrigin)) {
        if (other.item.id.client < node.item.id.client) {
          found = other
          group = ++this.#groups
        } else if (Y.compareIDs(node.item.rightOrigin, other.item.rightOrigin)) {
          break
        }
      } else {
        const before = otherOrigin && this.#existingPiece(otherOrigin)
        if (before?.passed !== walk) break
        if (before.group !== group) {
          found = other
          group = ++this.#groups
        }
      }
    }
    return found
  }

  /**
   * Origin and rightOrigin must have been neighbours for somebody: nothing that either of them builds on may stand between them. It is
   * enough to look at the origin of the right one and the rightOrigin of the left one, because these passed the same test, and
   * most pairs need no look at all, because one refers to the other. Without this test replicas diverge even when the order is right.
   */
  #checkNeighbours(left: Node | null, right: Node | null): void {
    const before = right && originOf(right)
    const behind = left && left.item.rightOrigin
    if (left === null || right === null) {
      if (before !== null || behind !== null) throw notNeighbours()
      return
    }
    if (endsAt(left, before) || startsAt(right, behind)) return
    for (let node = this.#right(left); node !== right; node = this.#right(node)) {
      if (node === null || holds(node, before) || holds(node, behind)) throw notNeighbours()
      this.#budget.spend(1)
    }
  }

  /** Known before any piece is cut, since cutting for one id would move the piece of the other. */
  #sameItemReversed(origin: Y.ID, rightOrigin: Y.ID): boolean {
    return origin.client === rightOrigin.client && rightOrigin.clock <= origin.clock &&
      this.#index.find(origin) === this.#index.find(rightOrigin)
  }

  #list(holder: Holder, key: string | null): List {
    let ofHolder = this.#lists.get(holder)
    if (!ofHolder) this.#lists.set(holder, ofHolder = new Map<string | null, List>())
    let list = ofHolder.get(key)
    if (!list) ofHolder.set(key, list = this.#openList(holder, key))
    return list
  }

  #openList(holder: Holder, key: string | null): List {
    const type = holder.isNew ? null : holder.type
    let first = key === null ? type?._start ?? null : type?._map.get(key) ?? null
    let walkToStart = 0
    for (; key !== null && first !== null && first.left !== null; first = first.left) {
      this.#budget.spend(1)
      walkToStart++
    }
    return { start: first && this.#firstPiece(first), walkToStart }
  }

  #right(node: Node): Node | null {
    if (node.right === undefined) node.right = node.item.right && this.#firstPiece(node.item.right)
    return node.right
  }

  #firstPiece(item: Y.Item): Node {
    return this.#piecesOf(item)[0]!
  }

  #piecesOf(item: Y.Item): Node[] {
    let pieces = this.#pieces.get(item)
    if (!pieces) this.#pieces.set(item, pieces = [{ item, from: 0, to: item.length, right: undefined, passed: 0, group: 0 }])
    return pieces
  }

  #existingPiece(id: Y.ID): Node | undefined {
    const item = this.#index.find(id)
    const pieces = item instanceof Y.Item ? this.#pieces.get(item) : undefined
    return pieces?.[pieceIndex(pieces, id.clock - item.id.clock)]
  }

  #pieceEndingAt(id: Y.ID): Node {
    return this.#cut(id, id.clock + 1).before
  }

  #pieceStartingAt(id: Y.ID): Node {
    return this.#cut(id, id.clock).after
  }

  /** The pieces that touch at this clock, one of which holds the id; where the clock is an edge of the item both are the same. */
  #cut(id: Y.ID, clock: number): { before: Node, after: Node } {
    const item = this.#index.find(id)
    if (!(item instanceof Y.Item)) throw new Error('A struct without content has no place in a list.')
    const pieces = this.#piecesOf(item)
    const index = pieceIndex(pieces, id.clock - item.id.clock)
    const piece = pieces[index]!
    const offset = clock - item.id.clock
    if (offset <= piece.from || offset >= piece.to) return { before: piece, after: piece }
    this.#spendSplit(item, piece.to - piece.from)
    const after: Node = { item, from: offset, to: piece.to, right: piece.right, passed: piece.passed, group: piece.group }
    piece.to = offset
    piece.right = after
    pieces.splice(index + 1, 0, after)
    return { before: piece, after }
  }

  /** Yjs moves all structs of the client behind the split one, and copies the values of an array; the same again if it joins them later. */
  #spendSplit({ id, content }: Y.Item, length: number): void {
    this.splits++
    const moves = 2 * Math.floor(this.#index.structCount(id.client) / MOVES_PER_STEP)
    const copies = content instanceof Y.ContentAny ? 2 * Math.floor(length / COPIES_PER_STEP) : 0
    this.#budget.spend(price.split + moves + copies)
  }
}

const isInsidePair = (text: string, offset: number): boolean => (text.codePointAt(offset - 1) ?? 0) > 0xffff

const originOf = (node: Node): Y.ID | null => originAt(node.item, node.item.id.clock + node.from)

const pieceIndex = (pieces: readonly Node[], offset: number): number => {
  let low = 0
  let high = pieces.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (pieces[middle]!.from <= offset) low = middle
    else high = middle - 1
  }
  return low
}

const holds = ({ item, from, to }: Node, id: Y.ID | null): boolean =>
  id !== null && id.client === item.id.client && id.clock >= item.id.clock + from && id.clock < item.id.clock + to

const endsAt = ({ item, to }: Node, id: Y.ID | null): boolean =>
  id !== null && id.client === item.id.client && id.clock === item.id.clock + to - 1

const startsAt = ({ item, from }: Node, id: Y.ID | null): boolean =>
  id !== null && id.client === item.id.client && id.clock === item.id.clock + from

const notNeighbours = (): SkeinError => new SkeinError('malformed', 'The origins of an item never stood side by side in this order.')
