/** What stored updates hold, read from their bytes without building a document. */
import * as Y from 'yjs'

/** @returns null when these are no updates */
export const stateVectorOf = (updates: readonly Uint8Array[]): Uint8Array | null => {
  if (updates.length === 0) return Y.encodeStateVector(new Map())
  try {
    return Y.encodeStateVectorFromUpdate(Y.mergeUpdates([...updates]))
  } catch {
    return null // Yjs throws on bytes of something else.
  }
}

/** Whether who holds `have` can take a difference from `base` without a gap. */
export const covers = (have: Uint8Array, base: Uint8Array): boolean => {
  const held = Y.decodeStateVector(have)
  return [...Y.decodeStateVector(base)].every(([client, clock]) => (held.get(client) ?? 0) >= clock)
}
