/**
 * The policy of conversations: people's clients write requests and shared drafts, everything else is the server's.
 *
 * A draft stands in the root `drafts` as `{ head, parts: [{ type, text }] }`, so the depth of a holder tells which part of it is
 * meant: 0 the root, 1 the draft, 2 its parts, 3 one part, 4 the text.
 */
import * as Y from 'yjs'
import { draftHead } from '../../shared/conversation/schema.ts'
import type { DraftHead } from '../../shared/conversation/schema.ts'
import { SkeinError } from '../../shared/errors.ts'
import { parseDraftId } from '../../shared/ids.ts'
import { isOwn } from '../../shared/principal.ts'
import { isConversationRoot } from './locate.ts'
import type { Holder, Place } from './locate.ts'
import { checkKey, forged } from './policy.ts'
import type { Policy, PolicyView } from './policy.ts'
import type { SharedType } from './yjs-internals.ts'

/** A draft that this update opens. */
interface NewDraft {
  item: Y.Item
  head: 'valid' | 'deleted' | null
  hasParts: boolean
}

export class ConversationPolicy implements Policy {
  /** Keys of `requests` with new structs. */
  readonly requestIds = new Set<string>()
  readonly #view: PolicyView
  /** By draft id; null: a draft that was dropped before it was ever sent. */
  readonly #opened = new Map<string, NewDraft | null>()

  constructor(view: PolicyView) {
    this.#view = view
  }

  root(name: string, isNew: boolean): void {
    if (!isConversationRoot(name)) throw forged('The update writes to a root that a conversation does not have.')
    if (isNew && name !== 'requests' && name !== 'drafts') throw serverOnly()
  }

  write(item: Y.Item, place: Place): void {
    switch (place.holder.root) {
      case 'requests':
        this.#writeRequest(item, place)
        break
      case 'drafts':
        this.#writeDraft(item, place)
        if (this.#view.context.role === 'viewer') this.#view.deny()
        break
      default:
        throw serverOnly()
    }
  }

  remove(item: Y.Item, { holder, key }: Place): void {
    if (holder.root === 'requests') return
    if (holder.root !== 'drafts') throw serverOnly()
    // What goes with the part or the draft that holds it is judged there.
    for (let at: Holder | null = holder; at; at = at.parent) if (at.item && this.#view.isRemoved(at.item)) return
    if (holder.depth === 0) this.#checkDrop(item, key)
    else if (holder.depth === 1) throw forged('A draft cannot lose its head or its parts.')
    else this.#checkShared(holder)
    if (this.#view.context.role === 'viewer') this.#view.deny()
  }

  finish(): void {
    for (const draft of this.#opened.values()) {
      if (draft === null || this.#view.isRemoved(draft.item)) continue
      if (draft.head !== 'valid' || !draft.hasParts) throw forged('A draft is opened without its head or its parts.')
    }
  }

  #writeRequest({ content }: Y.Item, { key }: Place): void {
    if (content instanceof Y.ContentType) throw forged('A request is a value, not a shared type.')
    if (!(content instanceof Y.ContentDeleted)) jsonOf(content)
    this.requestIds.add(key!)
  }

  #writeDraft(item: Y.Item, place: Place): void {
    switch (place.holder.depth) {
      case 0:
        this.#open(item, place.key!)
        break
      case 1:
        this.#fill(item, place)
        break
      default:
        this.#checkShared(place.holder)
        checkPart(item, place)
    }
  }

  #open(item: Y.Item, key: string): void {
    if (parseDraftId(key) === null) throw forged('A draft has a key that is not its id.')
    const known = this.#view.context.doc.share.get('drafts')?._map.has(key)
    if (known || this.#opened.has(key)) throw forged('The update writes over a draft.')
    if (item.content instanceof Y.ContentDeleted) this.#opened.set(key, null)
    else if (holds(item, Y.Map)) this.#opened.set(key, { item, head: null, hasParts: false })
    else throw forged('A draft is a map.')
  }

  #fill(item: Y.Item, { holder, key }: Place): void {
    const { content } = item
    const draft = holder.isNew ? this.#opened.get(holder.slot!) : undefined
    if (!draft) throw forged('The head of a draft cannot be changed.')
    if (key === 'head' && draft.head === null) {
      draft.head = content instanceof Y.ContentDeleted ? 'deleted' : this.#checkHead(content)
    } else if (key === 'parts' && !draft.hasParts) {
      if (!(content instanceof Y.ContentDeleted) && !holds(item, Y.Array)) throw forged('The parts of a draft are an array.')
      draft.hasParts = true
    } else {
      throw forged('A draft has a head and parts and nothing else.')
    }
  }

  #checkHead(content: Y.Item['content']): 'valid' {
    const head = draftHead.safeParse(jsonOf(content))
    if (!head.success || head.data.kind !== 'shared') throw forged('The head of a draft does not have the expected form.')
    if (!this.#isOwn(head.data.authorId)) throw forged('A draft is opened in the name of somebody else.')
    return 'valid'
  }

  /** Inside the parts of a shared draft; what this update opens is shared, or else `finish` refuses it. */
  #checkShared(holder: Holder): void {
    let draft = holder
    let parts = holder
    for (; draft.parent && draft.depth > 1; draft = draft.parent) parts = draft
    if (parts.slot !== 'parts') throw forged('A draft has a head and parts and nothing else.')
    if (!draft.isNew && headOf(draft.type)?.kind !== 'shared') throw forged('The draft of an agent is the server\'s.')
  }

  #isOwn(authorId: string): boolean {
    const { principal: id, aliases } = this.#view.context
    return isOwn({ id, aliases }, authorId)
  }

  #checkDrop(item: Y.Item, key: string | null): void {
    if (this.#opened.has(key!)) return
    const head = item.content instanceof Y.ContentType ? headOf(item.content.type) : null
    if (head?.kind !== 'shared' || !this.#isOwn(head.authorId)) {
      throw forged('A draft can be dropped by its author only.')
    }
  }
}

const serverOnly = (): SkeinError => forged('The update writes where only the server writes.')

const checkPart = (item: Y.Item, { holder, key }: Place): void => {
  const { content } = item
  if (key !== null) checkKey(key)
  if (holder.depth === 3 && key !== 'type' && key !== 'text') throw forged('A part of a draft has a type and a text and nothing else.')
  if (content instanceof Y.ContentDeleted) return
  if (!isPart(item, holder, key)) throw forged('A part of a draft does not have the expected form.')
}

const isPart = (item: Y.Item, holder: Holder, key: string | null): boolean => {
  const { content } = item
  switch (holder.depth) {
    case 2: return holds(item, Y.Map)
    case 3: return key === 'text' ? holds(item, Y.Text) : content instanceof Y.ContentAny && isPartType(jsonOf(content))
    case 4: return content instanceof Y.ContentString || content instanceof Y.ContentFormat || content instanceof Y.ContentEmbed
    default: return false
  }
}

const isPartType = (value: unknown): boolean => value === 'text' || value === 'reasoning'

const holds = ({ content }: Y.Item, type: typeof Y.Map | typeof Y.Array | typeof Y.Text): boolean =>
  content instanceof Y.ContentType && content.type.constructor === type

/** The one value of a map entry. */
const jsonOf = (content: Y.Item['content']): unknown => {
  if (!(content instanceof Y.ContentAny) || content.arr.length !== 1 || !isJson(content.arr[0])) {
    throw new SkeinError('malformed', 'A map entry of a conversation is not one JSON value.')
  }
  return content.arr[0]
}

/** The scan bounds the depth. */
const isJson = (value: unknown): boolean => {
  switch (typeof value) {
    case 'string':
    case 'boolean': return true
    case 'number': return Number.isFinite(value)
    case 'object': return value === null || (!(value instanceof Uint8Array) && Object.values(value).every(isJson))
    default: return false
  }
}

const headOf = (draft: SharedType | null): DraftHead | null => {
  const content = draft?._map.get('head')?.content
  const head = draftHead.safeParse(content instanceof Y.ContentAny ? content.arr.at(-1) : undefined)
  return head.success ? head.data : null
}
