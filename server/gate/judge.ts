/**
 * The decision about an update that was scanned: take it, ignore it, wait for what it builds on, or refuse it.
 *
 * Pure: it reads the live document and never asks Yjs for anything that would change it (`getItemCleanStart` splits, `doc.get`
 * creates). It walks the update in the order in which Yjs will integrate it, so that everything an item refers to was seen before.
 */
import * as Y from 'yjs'
import { SkeinError } from '../../shared/errors.ts'
import { limits } from '../../shared/limits.ts'
import { Budget, price } from './budget.ts'
import { Costs } from './costs.ts'
import { Locator } from './locate.ts'
import type { Place } from './locate.ts'
import { visitInOrder } from './order.ts'
import type { Missing } from './order.ts'
import { checkForm } from './form.ts'
import { checkOverlap } from './overlap.ts'
import { checkKey } from './policy.ts'
import type { Policy } from './policy.ts'
import { ConversationPolicy } from './policy-conversation.ts'
import { FreePolicy } from './policy-free.ts'
import type { DecodedUpdate, Scanned } from './scan.ts'
import { ShadowLists } from './shadow-list.ts'
import { TouchedPlaces } from './touched-places.ts'
import { endOf, startOf, UpdateIndex } from './update-index.ts'
import type { Block, Found, Struct } from './update-index.ts'
import type { GateContext, Verdict, Weighed } from './verdict.ts'

/** @returns the verdict; the same for the same update, document and context. Throws only when the gate itself is wrong. */
export const judge = (scanned: Scanned, context: GateContext): Weighed => {
  const budget = new Budget(scanned.steps)
  const verdict = verdictOf(scanned, context, budget)
  return { ...verdict, work: limits.workPerUpdate - budget.left }
}

const verdictOf = (scanned: Scanned, context: GateContext, budget: Budget): Verdict => {
  try {
    return new Judgement(scanned, context, budget).verdict()
  } catch (error) {
    if (error instanceof SkeinError) return { kind: 'refuse', code: error.code, reason: error.message }
    throw error
  }
}

class Judgement {
  readonly #decoded: DecodedUpdate
  readonly #context: GateContext
  readonly #index: UpdateIndex
  readonly #locator: Locator
  readonly #budget: Budget
  readonly #costs: Costs
  readonly #shadow: ShadowLists
  readonly #policy: Policy
  readonly #conversation: ConversationPolicy | null
  /** Where the new items stand; null: nowhere, since what they refer to is gone for good and Yjs stores a tombstone for them. */
  readonly #places = new Map<Found, Place | null>()
  readonly #removed = new Map<Y.Item, Place>()
  /** Map entries that hold more than one value: the old values of a key, as a client sends them that keeps what it deleted. */
  readonly #longEntries: Y.Item[] = []
  readonly #touched = new TouchedPlaces()
  readonly #newClients = new Set<number>()
  readonly #overwritten = new Set<Y.Item>()
  #newStructs = 0
  #onlyFormats = true
  #denied = false

  constructor({ decoded }: Scanned, context: GateContext, budget: Budget) {
    this.#budget = budget
    this.#decoded = decoded
    this.#context = context
    this.#index = new UpdateIndex(decoded, context.doc)
    this.#locator = new Locator(context.doc, context.kind)
    this.#shadow = new ShadowLists(this.#index, this.#budget)
    this.#costs = new Costs(this.#index, this.#budget)
    const view = { context, deny: () => { this.#denied = true }, isRemoved: (item: Y.Item) => this.#removed.has(item) }
    this.#conversation = context.kind === 'conversation' ? new ConversationPolicy(view) : null
    this.#policy = this.#conversation ?? new FreePolicy(view, () => this.#locator.rootCount)
  }

  verdict(): Verdict {
    for (const struct of this.#decoded.structs) this.#checkAlone(struct)
    const missingStructs = visitInOrder(this.#index, (struct, block) => this.#visit(struct, block))
    const missingDeletes = this.#findRemoved()
    const isRemoved = (inner: Y.Item): boolean => this.#removed.has(inner)
    for (const [item, place] of this.#removed) {
      this.#policy.remove(item, place)
      this.#touched.add(place)
      this.#costs.payRemoval(item, isRemoved)
    }
    const missing: Missing | null = missingStructs ?? missingDeletes
    if (missing) return { kind: 'park', missing }
    for (const item of this.#longEntries) this.#checkDeletedWhole(item)
    for (const block of this.#index.blocks.values()) this.#costs.payJoins(block)
    this.#costs.checkWhole(this.#newStructs + this.#shadow.splits, this.#context.hasRoomFor)
    this.#policy.finish()
    if (this.#newStructs === 0 && this.#removed.size === 0) return { kind: 'nothing' }
    if (this.#denied) return this.#denial()
    return {
      kind: 'accept',
      touched: this.#touched.list(),
      requestIds: [...this.#conversation?.requestIds ?? []],
      newClients: [...this.#newClients],
      newNeighbours: () => this.#shadow.newNeighbours()
    }
  }

  /** What can be said of a struct without its surroundings. */
  #checkAlone(struct: Struct): void {
    const isNew = endOf(struct) > this.#index.state(struct.id.client)
    if (isNew && !(struct instanceof Y.Skip)) this.#checkOwner(struct.id.client)
    if (!(struct instanceof Y.Item)) return
    const parent: unknown = struct.parent
    if (isAhead(struct, struct.origin) || isAhead(struct, struct.rightOrigin) || isAhead(struct, parent)) {
      throw new SkeinError('malformed', 'A struct refers to itself or to its own future.')
    }
    if (typeof parent === 'string') this.#policy.root(parent, isNew)
    if (isNew && struct.parentSub !== null) checkKey(struct.parentSub)
  }

  #checkOwner(client: number): void {
    const owner = this.#context.ownerOf(client)
    if (owner === undefined) this.#newClients.add(client)
    else if (owner.kind === 'server') throw new SkeinError('forged', 'The update uses a client id of the server.')
    else if (owner.id !== this.#context.principal) throw new SkeinError('client-id-taken')
  }

  #visit(struct: Found, { known }: Block): void {
    if (startOf(struct) < known) checkOverlap(this.#index, struct, known, this.#budget)
    if (endOf(struct) > known) this.#visitNew(struct, Math.max(0, known - startOf(struct)))
    else this.#paySplits(struct)
  }

  #visitNew(struct: Found, offset: number): void {
    this.#newStructs++
    this.#budget.spend(price.newStruct)
    const place = struct instanceof Y.Item ? this.#resolve(struct) : null
    this.#places.set(struct, place)
    if (!(struct instanceof Y.Item)) {
      this.#onlyFormats = false
      return
    }
    if (!(struct.content instanceof Y.ContentFormat)) this.#onlyFormats = false
    if (offset > 0) this.#checkContinues(struct, offset, place)
    if (place === null) {
      this.#paySplits(struct)
      return
    }
    checkForm(struct, place, this.#context.kind)
    if (place.key !== null && struct.length > 1 && !(struct.content instanceof Y.ContentDeleted)) this.#longEntries.push(struct)
    if (!place.holder.dead) this.#policy.write(struct, place)
    if (typeof (struct.parent as unknown) === 'string') this.#budget.spend(this.#locator.rootCount * price.root)
    const splits = this.#shadow.splits
    this.#payOverwritten(place)
    this.#shadow.place(struct, offset, place)
    this.#costs.add(place, this.#shadow.splits - splits)
    this.#touched.add(place)
    if (place.key !== null) this.#budget.spend(price.entry)
    if (struct.content instanceof Y.ContentType) {
      this.#budget.spend(price.type)
      this.#locator.ofNew(struct, struct.content.type, place)
    }
  }

  /** Writing to a key deletes its value with all that it holds. */
  #payOverwritten({ holder, key }: Place): void {
    if (key === null || holder.isNew) return
    const before = holder.type?._map.get(key)
    if (before && !before.deleted && !this.#overwritten.has(before)) {
      this.#overwritten.add(before)
      this.#costs.payRemoval(before, () => false)
    }
  }

  /** The new part of a struct stands behind the known part, in the same list: Yjs fails where that is a tombstone without a list. */
  #checkContinues(struct: Y.Item, offset: number, place: Place | null): void {
    if (place === null) return
    const before = this.#index.find(Y.createID(struct.id.client, struct.id.clock + offset - 1))
    const placeBefore = before instanceof Y.Item ? this.#locator.ofKnown(before) : null
    if (placeBefore?.holder !== place.holder || placeBefore.key !== place.key) throw new SkeinError('id-conflict')
  }

  /** @returns null when a reference is to a tombstone that no longer knows where it stood */
  #resolve(item: Y.Item): Place | null {
    const { origin, rightOrigin } = item
    if (origin === null && rightOrigin === null) return this.#resolveParent(item)
    const left = origin && this.#placeOf(this.#index.find(origin))
    const right = rightOrigin && this.#placeOf(this.#index.find(rightOrigin))
    if ((origin && !left) || (rightOrigin && !right)) return null
    if (left && right && (left.holder !== right.holder || left.key !== right.key)) {
      throw new SkeinError('malformed', 'The origins of an item stand in different places.')
    }
    const place = (left ?? right)!
    if (rightOrigin && place.key !== null) throw new SkeinError('malformed', 'A map entry has a right origin.')
    return place
  }

  #resolveParent(item: Y.Item): Place | null {
    const parent: unknown = item.parent
    if (typeof parent === 'string') return { holder: this.#locator.root(parent), key: item.parentSub }
    if (!(parent instanceof Y.ID)) throw new SkeinError('malformed', 'An item has no parent.')
    const holder = this.#index.find(parent)
    if (!(holder instanceof Y.Item) || holder.content instanceof Y.ContentDeleted) return null
    if (!(holder.content instanceof Y.ContentType)) throw new SkeinError('malformed', 'The parent of an item is not a shared type.')
    const { type } = holder.content
    const place = this.#placeOf(holder)
    if (place === null) return null
    return { holder: this.#places.has(holder) ? this.#locator.ofNew(holder, type, place) : this.#locator.ofType(type), key: item.parentSub }
  }

  #placeOf(struct: Found): Place | null {
    const place = this.#places.get(struct)
    if (place !== undefined) return place
    return struct instanceof Y.Item ? this.#locator.ofKnown(struct) : null
  }

  /** Yjs splits at the references of structs that it will not place, too. */
  #paySplits(struct: Found): void {
    if (!(struct instanceof Y.Item)) return
    if (struct.origin) this.#shadow.paySilentSplit(struct.origin, struct.origin.clock + 1)
    if (struct.rightOrigin) this.#shadow.paySilentSplit(struct.rightOrigin, struct.rightOrigin.clock)
  }

  /** Collects the living items that the delete set names. A client always sends all tombstones that it knows; most are ours already. */
  #findRemoved(): Missing | null {
    let missing: Missing | null = null
    for (const [client, ranges] of this.#decoded.ds.clients) {
      const state = this.#index.state(client)
      const reached = this.#index.progress(client)
      const block = this.#index.blocks.get(client)
      for (const { clock, len } of ranges) {
        const end = clock + len
        if (end > reached) missing = 'dependency'
        if (clock < state) this.#removeKnown(client, clock, Math.min(end, state))
        const firstNew = Math.max(clock, state)
        if (block && firstNew < Math.min(end, reached)) {
          this.#removeRange(this.#index.newFrom(block, firstNew), firstNew, Math.min(end, reached))
        }
      }
    }
    return missing
  }

  #removeKnown(client: number, from: number, to: number): void {
    const { structs, first } = this.#index.known(client, from)
    let living = 0
    let i = first
    for (; i < structs.length && startOf(structs[i]!) < to; i++) {
      this.#budget.spend(1)
      const struct = structs[i]!
      if (struct.deleted || !(struct instanceof Y.Item)) continue
      living++
      this.#remove(struct, from, to)
    }
    const hasNeighbour = structs[first - 1]?.deleted === true || structs[i]?.deleted === true
    if (living > 1 || (living > 0 && hasNeighbour)) this.#costs.payMove(client)
  }

  #removeRange(structs: Iterable<Found>, from: number, to: number): void {
    for (const struct of structs) {
      if (startOf(struct) >= to) return
      if (struct instanceof Y.Item && !(struct.content instanceof Y.ContentDeleted)) this.#remove(struct, from, to)
    }
  }

  #remove(item: Y.Item, from: number, to: number): void {
    const place = this.#placeOf(item)
    if (place === null) return
    const { client } = item.id
    const { splits } = this.#shadow
    if (from > startOf(item)) this.#shadow.paySplit(Y.createID(client, from), from)
    if (to < endOf(item)) this.#shadow.paySplit(Y.createID(client, to), to)
    this.#costs.grow(place.holder, this.#shadow.splits - splits)
    this.#removed.set(item, place)
  }

  /** Of a living entry with two values Yjs would keep both, or only the second, depending on how it was cut before it was stored. */
  #checkDeletedWhole(item: Y.Item): void {
    const ranges = this.#decoded.ds.clients.get(item.id.client) ?? []
    if (!ranges.some(({ clock, len }) => clock <= startOf(item) && clock + len >= endOf(item))) {
      throw new SkeinError('malformed', 'A map entry has more than one value.')
    }
  }

  /** What a reader's client sends by itself (it tidies formats, it repeats deletions) is ignored; what its person wrote is refused. */
  #denial(): Verdict {
    if (this.#onlyFormats) return { kind: 'nothing' }
    const { code, message } = new SkeinError('not-allowed')
    return { kind: 'refuse', code, reason: message }
  }
}

const isAhead = (struct: Y.Item, reference: unknown): boolean =>
  reference instanceof Y.ID && reference.client === struct.id.client && reference.clock >= startOf(struct)
