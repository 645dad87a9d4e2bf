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
 * @param firstEpoch of a document that was never written: the same until it is, so that devices that met it empty need not begin anew
 */
export const nextLineage = (
  stored: Lineage | null,
  generation: number,
  random: Random,
  taken: (id: number) => boolean,
  firstEpoch: string | null = null,
): { lineage: Lineage, changed: boolean } => {
  if (stored && stored.ids.generation === generation) return { lineage: stored, changed: false }
  const earlier = stored ? [...stored.earlier, stored.ids.message, stored.ids.transient] : []
  const retired = stored?.retired ?? []
  const ids = freshIds(generation, random, id => taken(id) || earlier.includes(id) || retired.includes(id))
  const continues = stored?.continues && { continues: stored.continues }
  return { lineage: { epoch: stored?.epoch ?? firstEpoch ?? random.uuid(), ids, earlier, retired, ...continues }, changed: true }
}

/**
 * The lineage of a document whose content was copied under new ids. All that the server wrote under is retired: whoever names one of those
 * ids holds the document as it was before.
 * @param strangers ids of the old document that have no owner (another program wrote them) and are retired with the server's own
 * @param isWhole nothing of the old document was lost, so that its epoch goes on in this one as far as the ledger is concerned
 */
export const nextEpoch = (
  stored: Lineage | null,
  strangers: readonly number[],
  generation: number,
  random: Random,
  taken: (id: number) => boolean,
  isWhole: boolean,
): Lineage => {
  const own = stored ? [...stored.retired, ...stored.earlier, stored.ids.message, stored.ids.transient] : []
  const retired = [...new Set([...own, ...strangers])]
  const past = new Set(retired)
  const ids = freshIds(generation, random, id => taken(id) || past.has(id))
  const continues = stored && isWhole ? [stored.epoch, ...stored.continues ?? []].slice(0, REMEMBERED_EPOCHS) : []
  return { epoch: random.uuid(), ids, earlier: [], retired, ...continues.length > 0 && { continues } }
}

/** A device that was away for longer asks the API what became of its requests. */
const REMEMBERED_EPOCHS = 16

/** Server ids are multiples of this prime. */
const MARK = 65_537
/** They lie beyond the 32 bits from which Yjs draws the ids of its clients, and within the 53 that a number holds exactly. */
const LEAST = 2 ** 16
const MOST = 2 ** 36

/**
 * A server made it, of whichever lineage; docs/decisions/0005-server-ids.md. Of clients that draw 53 bits one in 65,537 is taken for a
 * server's, is closed with 4409, and draws another one.
 */
export const isServerMade = (id: number): boolean => id >= MARK * LEAST && id % MARK === 0

export const isServerId = (lineage: Lineage, id: number): boolean =>
  id === lineage.ids.message || id === lineage.ids.transient || lineage.earlier.includes(id)

const freshIds = (generation: number, random: Random, taken: (id: number) => boolean): ServerIds => {
  const message = freshId(random, taken)
  return { generation, message, transient: freshId(random, id => taken(id) || id === message) }
}

const freshId = (random: Random, taken: (id: number) => boolean): number => {
  for (;;) {
    const id = MARK * (LEAST + ((random.uint32() & 0xf) * 2 ** 32 + random.uint32()) % (MOST - LEAST))
    if (!taken(id)) return id
  }
}
