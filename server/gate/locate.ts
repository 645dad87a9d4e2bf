/** Where an item stands: the type that holds it, the way from that type up to a root, and its key. */
import * as Y from 'yjs'
import type { RootName } from '../../shared/conversation/schema.ts'
import type { Judged } from './verdict.ts'
import type { SharedType } from './yjs-internals.ts'

/** What a type takes: `list` elements, `map` entries, `text` both in free documents; `xml` and `open` (a root without a type) either. */
export type Form = 'list' | 'map' | 'text' | 'xml' | 'open'

/** A type that holds items. */
export interface Holder {
  root: string
  /** The first key on the way from the root to here, null in a list; undefined for the root itself. */
  key: string | null | undefined
  parent: Holder | null
  /** Its own key in the parent. */
  slot: string | null
  /** Null: a root that the document does not have yet. */
  type: SharedType | null
  form: Form
  /** The item whose content the type is; null for a root. */
  item: Y.Item | null
  /** 0 for a root. */
  depth: number
  /** Came with the update that is judged. */
  isNew: boolean
  /** It, or what holds it, is deleted: what is written here is never seen. */
  dead: boolean
}

export interface Place {
  holder: Holder
  key: string | null
}

/** The forms of a conversation's roots; the same as in `openRoots`, whether or not they are opened yet. */
const conversationForms: Readonly<Record<RootName, Form>> = {
  messages: 'list', requests: 'map', drafts: 'map', meta: 'map', reactions: 'map', runs: 'map', members: 'map', redactions: 'map', summaries: 'map'
}

export const isConversationRoot = (name: string): name is RootName => Object.hasOwn(conversationForms, name)

const formOf = (type: SharedType): Form => {
  switch (type.constructor) {
    case Y.Array: return 'list'
    case Y.Map:
    case Y.XmlHook: return 'map'
    case Y.Text: return 'text'
    case Y.XmlElement:
    case Y.XmlFragment:
    case Y.XmlText: return 'xml'
    default: return 'open'
  }
}

/** The key under the root that a write to this place touches; null in a list. */
export const touchedKey = ({ holder, key }: Place): string | null => holder.key === undefined ? key : holder.key

/** Finds and remembers holders. It never asks the document for a root, since Yjs would create it. */
export class Locator {
  readonly #doc: Y.Doc
  readonly #kind: Judged
  readonly #byType = new Map<SharedType, Holder>()
  readonly #newRoots = new Map<string, Holder>()
  #rootNames: Map<SharedType, string> | null = null
  /** Neighbours stand in one place, which is one object for all of them: who deletes a text asks for thousands. */
  #lastKnown: Place | null = null

  constructor(doc: Y.Doc, kind: Judged) {
    this.#doc = doc
    this.#kind = kind
  }

  /** Roots that the document will have after the update. */
  get rootCount(): number {
    return this.#doc.share.size + this.#newRoots.size
  }

  root(name: string): Holder {
    const type = this.#doc.share.get(name)
    if (type) return this.ofType(type)
    let holder = this.#newRoots.get(name)
    if (!holder) {
      holder = this.#rootHolder(name, null)
      this.#newRoots.set(name, holder)
    }
    return holder
  }

  /** The holder that a type of the document is, found by climbing to its root. */
  ofType(type: SharedType): Holder {
    const known = this.#byType.get(type)
    if (known) return known
    const climbed: SharedType[] = []
    let at = type
    while (!this.#byType.has(at)) {
      climbed.push(at)
      if (at._item === null) break
      at = parentType(at._item)
    }
    for (const below of climbed.reverse()) {
      const item = below._item
      const holder = item === null
        ? this.#rootHolder(this.#nameOf(below), below)
        : nestedHolder(below, item, { holder: this.#byType.get(parentType(item))!, key: item.parentSub }, false)
      this.#byType.set(below, holder)
    }
    return this.#byType.get(type)!
  }

  /** The holder that the content of a new item will be. */
  ofNew(item: Y.Item, type: SharedType, place: Place): Holder {
    let holder = this.#byType.get(type)
    if (!holder) {
      holder = nestedHolder(type, item, place, true)
      this.#byType.set(type, holder)
    }
    return holder
  }

  /** Where an item of the document stands. */
  ofKnown(item: Y.Item): Place {
    const holder = this.ofType(parentType(item))
    const last = this.#lastKnown
    if (last?.holder === holder && last.key === item.parentSub) return last
    return this.#lastKnown = { holder, key: item.parentSub }
  }

  #rootHolder(root: string, type: SharedType | null): Holder {
    const form = this.#kind === 'conversation' && isConversationRoot(root) ? conversationForms[root] : type ? formOf(type) : 'open'
    return { root, key: undefined, parent: null, slot: null, type, form, item: null, depth: 0, isNew: type === null, dead: false }
  }

  #nameOf(root: SharedType): string {
    this.#rootNames ??= new Map([...this.#doc.share].map(([name, type]) => [type, name]))
    return this.#rootNames.get(root)!
  }
}

/** The type that an integrated item stands in. */
const parentType = (item: Y.Item): SharedType => {
  if (item.parent instanceof Y.AbstractType) return item.parent
  throw new Error('An item of the document has no parent type.')
}

const nestedHolder = (type: SharedType, item: Y.Item, place: Place, isNew: boolean): Holder => ({
  root: place.holder.root,
  key: touchedKey(place),
  parent: place.holder,
  slot: place.key,
  type,
  form: formOf(type),
  item,
  depth: place.holder.depth + 1,
  isNew,
  dead: item.deleted || place.holder.dead
})
