/** What a policy is asked about an update. One policy a kind of document; both only say no (by throwing) or "not with this role". */
import * as Y from 'yjs'
import { limits } from '../../shared/limits.ts'
import { SkeinError } from '../../shared/errors.ts'
import type { GateContext } from './verdict.ts'
import type { Place } from './locate.ts'

/** What the policies of both kinds of document answer to. */
export interface Policy {
  /** A root is named as a parent: may it be? Asked of every struct, known or not, before anything is resolved. */
  root(name: string, isNew: boolean): void
  /** A new item at a place that is not dead. */
  write(item: Y.Item, place: Place): void
  /** An item that is alive and will be deleted. */
  remove(item: Y.Item, place: Place): void
  /** Everything was seen and nothing is missing. */
  finish(): void
}

/** What a policy knows of the update as a whole. */
export interface PolicyView {
  context: GateContext
  /** Notes that the sender's role does not allow something; the judge decides what becomes of it. */
  deny: () => void
  /** The update deletes this item. */
  isRemoved: (item: Y.Item) => boolean
}

export const checkKey = (key: string): void => {
  if (key.length > limits.keyLength) throw new SkeinError('too-large', 'A key or a name of the update is too long.')
}

export const forged = (what: string): SkeinError => new SkeinError('forged', what)
