/** An update may bring what the document knows already, differently cut; it must be the same. */
import * as Y from 'yjs'
import { SkeinError } from '../../shared/errors.ts'
import { price } from './budget.ts'
import type { Budget } from './budget.ts'
import type { Found, UpdateIndex } from './update-index.ts'
import { endOf } from './update-index.ts'
import type { SharedType } from './yjs-internals.ts'

/**
 * Compares the known part of a struct with ours, piece by piece. Where either side is a tombstone the content counts by its length
 * only: a client may have deleted and dropped its own text before it sends the rest again. Yjs skips known structs, so that an
 * equal one does no harm whatever its form.
 * @param known clocks below this one the document knows
 * @throws SkeinError `id-conflict`, `too-expensive`
 */
export const checkOverlap = (index: UpdateIndex, struct: Found, known: number, budget: Budget): void => {
  if (!(struct instanceof Y.Item)) return
  const { client, clock } = struct.id
  const end = Math.min(endOf(struct), known)
  for (const ours of index.knownFrom(client, clock)) {
    if (ours.id.clock >= end) return
    budget.spend(price.range)
    if (!(ours instanceof Y.Item)) continue
    const from = Math.max(clock, ours.id.clock)
    const to = Math.min(end, endOf(ours))
    if (!sameLinks(struct, ours, from) || !sameContent(struct, ours, from, to)) throw new SkeinError('id-conflict')
  }
}

/** The id an item stands behind, seen from one of its clocks: within an item, each clock stands behind the one before it. */
export const originAt = (item: Y.Item, clock: number): Y.ID | null =>
  clock > item.id.clock ? Y.createID(item.id.client, clock - 1) : item.origin

const sameLinks = (struct: Y.Item, ours: Y.Item, clock: number): boolean =>
  Y.compareIDs(originAt(struct, clock), originAt(ours, clock)) &&
  Y.compareIDs(struct.rightOrigin, ours.rightOrigin) &&
  (clock > struct.id.clock || sameParent(struct, ours))

/** Only an item without origins names its parent and key; otherwise they follow from the origins. */
const sameParent = (struct: Y.Item, ours: Y.Item): boolean => {
  const named: unknown = struct.parent
  if (named === null) return true
  const parent = ours.parent
  if (!(parent instanceof Y.AbstractType) || struct.parentSub !== ours.parentSub) return false
  if (typeof named === 'string') return parent._item === null && parent.doc?.share.get(named) === parent
  return named instanceof Y.ID && parent._item !== null && Y.compareIDs(parent._item.id, named)
}

interface Sliceable<T> {
  slice: (from: number, to: number) => T
}

const sameContent = (struct: Y.Item, ours: Y.Item, from: number, to: number): boolean => {
  const a = struct.content
  const b = ours.content
  if (a instanceof Y.ContentDeleted || b instanceof Y.ContentDeleted) return true
  const cut = <T>(whole: Sliceable<T>, item: Y.Item): T => whole.slice(from - item.id.clock, to - item.id.clock)
  if (a instanceof Y.ContentString && b instanceof Y.ContentString) return sameText(cut(a.str, struct), cut(b.str, ours))
  if (a instanceof Y.ContentAny && b instanceof Y.ContentAny) return sameValue(cut(a.arr, struct), cut(b.arr, ours))
  if (a instanceof Y.ContentType && b instanceof Y.ContentType) return sameType(a.type, b.type)
  if (a instanceof Y.ContentFormat && b instanceof Y.ContentFormat) return a.key === b.key && sameValue(a.value, b.value)
  if (a instanceof Y.ContentEmbed && b instanceof Y.ContentEmbed) return sameValue(a.embed, b.embed)
  if (a instanceof Y.ContentBinary && b instanceof Y.ContentBinary) return sameValue(a.content, b.content)
  return false
}

const REPLACEMENT = 0xfffd
const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff

/** Yjs puts U+FFFD for both halves of a surrogate pair that it splits, and one side may have split it while the other did not. */
const sameText = (a: string, b: string): boolean => {
  if (a === b) return true
  for (let i = 0; i < a.length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y && !(x === REPLACEMENT && isSurrogate(y)) && !(y === REPLACEMENT && isSurrogate(x))) return false
  }
  return true
}

const nameOf = (type: unknown): string | null =>
  type instanceof Y.XmlElement ? type.nodeName : type instanceof Y.XmlHook ? type.hookName : null

const sameType = (a: SharedType, b: SharedType): boolean =>
  a.constructor === b.constructor && nameOf(a) === nameOf(b)

/** Values are JSON, undefined or bytes; the scan bounds their depth. */
const sameValue = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && a.length === b.length && a.every((byte, i) => byte === b[i])
  }
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const x = new Map(Object.entries(a))
  const y = Object.entries(b)
  return x.size === y.length && y.every(([key, value]) => x.has(key) && sameValue(x.get(key), value))
}
