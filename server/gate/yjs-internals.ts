/** The names for what Yjs's types do not name, and the one place where a method of Yjs is replaced. */
import * as Y from 'yjs'

/** A shared type as `doc.share` holds it; Yjs's own annotation of its event is not exported. */
export type SharedType = Y.Doc['share'] extends Map<string, infer T> ? T : never

/**
 * Consecutive values of one client are one item, and Yjs joins a new one to it by copying all values before it: with the hundred thousand
 * messages of a long conversation that is most of what one more of them costs. Here they are added to the array that is there. What is
 * joined, and so every byte that is stored and sent, stays the same.
 *
 * An array then belongs to one item alone, so that a copy of an item's content is given its own. Who reads `getContent()` must be done
 * with it before the document is written again.
 */
Y.ContentAny.prototype.mergeWith = function (right: Y.ContentAny): boolean {
  // New values are joined from the right, so all behind stand in the right array: pushing them one by one would let it grow in bounds.
  if (right.arr.length > this.arr.length) {
    this.arr = this.arr.concat(right.arr)
    return true
  }
  // Yjs freezes arrays under NODE_ENV=development.
  if (!Object.isExtensible(this.arr)) this.arr = [...this.arr]
  for (const value of right.arr) this.arr.push(value)
  return true
}

Y.ContentAny.prototype.copy = function (): Y.ContentAny {
  return new Y.ContentAny([...this.arr])
}
