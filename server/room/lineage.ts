/** Which epoch and which of the server's own Yjs client ids a room writes under. */
import type { Lineage, ServerIds } from '../log/port.ts'

/** Random sources of the server, passed in so that tests run on a seeded world. */
export interface Random {
  uint32: () => number
  uuid: () => string
}

/**
 * Server client ids are reused while the log stays in one generation, so that a document does not grow an id per load. After an unclean
 * stop or a failed append they are new: a reused id whose last structs were lost gives two documents with equal state vectors and
 * different text.
 * @param taken ids that stand in the document's state vector or have an owner
 */
export const nextLineage = (
  stored: Lineage | null,
  generation: number,
  random: Random,
  taken: (id: number) => boolean,
): { lineage: Lineage, changed: boolean } => {
  if (stored && stored.ids.generation === generation) return { lineage: stored, changed: false }
  const earlier = stored ? [...stored.earlier, stored.ids.message, stored.ids.transient] : []
  const message = freshId(random, id => taken(id) || earlier.includes(id))
  const transient = freshId(random, id => taken(id) || earlier.includes(id) || id === message)
  const ids: ServerIds = { generation, message, transient }
  return { lineage: { epoch: stored?.epoch ?? random.uuid(), ids, earlier, retired: stored?.retired ?? [] }, changed: true }
}

export const isServerId = (lineage: Lineage, id: number): boolean =>
  id === lineage.ids.message || id === lineage.ids.transient || lineage.earlier.includes(id)

const freshId = (random: Random, taken: (id: number) => boolean): number => {
  for (;;) {
    const id = random.uint32()
    if (id > 0 && !taken(id)) return id
  }
}
