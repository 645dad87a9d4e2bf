/**
 * What a room begins with: the stored bytes where they can be served as they are, else the document built from them. An epoch begins here
 * and nowhere else, since here nobody is connected: whoever comes next is told of it before anything else.
 */
import * as Y from 'yjs'
import { pendingMigrations } from '../../shared/conversation/migrate.ts'
import { SCHEMA_VERSION } from '../../shared/conversation/schema.ts'
import { documentKind } from '../../shared/ids.ts'
import type { DocumentName, RunId } from '../../shared/ids.ts'
import type { Lineage, StoredDocument } from '../log/port.ts'
import { ClientOwners } from './client-owners.ts'
import { ColdDocument } from './cold-document.ts'
import { derivedId } from './derive-run.ts'
import type { BuildLive, Start } from './document-room.ts'
import type { RoomEnvironment } from './environment.ts'
import { nextEpoch, nextLineage } from './lineage.ts'
import type { Random } from './lineage.ts'
import { LiveRoom } from './live-room.ts'
import { loadDocument } from './load-document.ts'
import { factsOf } from './snapshot-facts.ts'
import { isDueForSquash, isPast, squash, squashLimits } from './squash.ts'
import type { SquashLimits } from './squash.ts'

export interface OpeningEnvironment extends RoomEnvironment {
  random: Random
  /** {@link squashLimits} but in tests. */
  squashAt?: SquashLimits
  /** Told each time that a document is built in memory from what is stored. */
  onDecoded?: (name: DocumentName) => void
}

/** @param firstEpoch of a document that was never written, as the directory has it */
export const openDocument = async (
  name: DocumentName, firstEpoch: string | null, environment: OpeningEnvironment,
): Promise<{ start: Start, openRuns: readonly RunId[] }> => {
  const { log, random, yieldToOthers } = environment
  const stored = await log.read(name)
  const openRuns = stored?.openRuns ?? []
  const epoch = stored?.lineage?.epoch ?? (firstEpoch === null ? random.uuid() : epochSince(firstEpoch, log.newEpochsSince))
  const told = { ...stored?.lineage?.continues && { continues: stored.lineage.continues }, epoch }
  const cold = await ColdDocument.of(name, stored, yieldToOthers)
  if (cold && mayBeServed(name, stored, cold, environment)) {
    const owners = new ClientOwners(stored?.lineage ?? null, stored?.bindings ?? [], id => cold.clocks.has(id))
    return { start: { lineage: told, cold, owners }, openRuns }
  }
  const doc = await decode(name, stored, environment)
  if (stored && needsNewEpoch(name, stored, doc, environment)) return { start: await beginEpoch(name, stored, doc, environment), openRuns }
  return { start: { lineage: told, live: build(name, stored, doc, epoch, environment) }, openRuns }
}

/** The document of a room that was cold: in the epoch that its readers were told. */
export const warmDocument = async (name: DocumentName, epoch: string, environment: OpeningEnvironment): Promise<BuildLive> => {
  const stored = await environment.log.read(name)
  return build(name, stored, await decode(name, stored, environment), epoch, environment)
}

const decode = (name: DocumentName, stored: StoredDocument | null, { onDecoded, yieldToOthers }: OpeningEnvironment): Promise<Y.Doc> => {
  if (stored) onDecoded?.(name)
  return loadDocument(name, stored?.updates ?? [], yieldToOthers)
}

const build = (
  name: DocumentName, stored: StoredDocument | null, doc: Y.Doc, epoch: string, environment: OpeningEnvironment,
): BuildLive => onGone => {
  const { log, random } = environment
  const lineage = nextLineage(stored?.lineage ?? null, log.generation, random, takenIds(stored, doc), epoch)
  return new LiveRoom(name, doc, stored, lineage, environment, onGone)
}

/** Whether nothing has to be done about the document before readers get it. */
const mayBeServed = (name: DocumentName, stored: StoredDocument | null, cold: ColdDocument, environment: OpeningEnvironment): boolean => {
  if (!stored) return true
  if (!stored.lineage || mayLack(stored.lineage, environment)) return false
  // A newer schema is refused, an older one migrated.
  if (documentKind(name) === 'conversation' && cold.schema !== SCHEMA_VERSION) return false
  return !isPast(environment.squashAt ?? squashLimits, name, cold.clocks.size, cold.tombstones)
}

const needsNewEpoch = (name: DocumentName, { lineage }: StoredDocument, doc: Y.Doc, environment: OpeningEnvironment): boolean =>
  isDueForSquash(name, doc, environment.squashAt ?? squashLimits) || (lineage !== null && mayLack(lineage, environment))

/** Devices may hold more of the document than the log does. */
const mayLack = ({ ids }: Lineage, { log: { newEpochsSince = 0 } }: OpeningEnvironment): boolean =>
  ids.generation < newEpochsSince

/** One batch replaces all records and the lineage; ledger, client-id owners, events and runs stay as they are. */
const beginEpoch = async (name: DocumentName, stored: StoredDocument, old: Y.Doc, environment: OpeningEnvironment): Promise<Start> => {
  const { log, logger, random, yieldToOthers } = environment
  if (documentKind(name) === 'conversation') pendingMigrations(old) // throws where a newer program wrote
  const owners = new Set(stored.bindings.map(({ clientId }) => clientId))
  const strangers = [...old.store.clients.keys()].filter(id => !owners.has(id))
  const isWhole = stored.lineage === null || !mayLack(stored.lineage, environment)
  const lineage = nextEpoch(stored.lineage, strangers, log.generation, random, takenIds(stored, old), isWhole)
  const doc = await squash(name, old, lineage.ids, yieldToOthers)
  const update = Y.encodeStateAsUpdate(doc)
  const facts = factsOf(name, doc)
  await log.compact(name, { update, stateVector: facts.stateVector, upTo: stored.head, lineage, facts })
  const { epoch } = lineage
  logger.info({ document: name, epoch, clients: old.store.clients.size, bytes: update.length }, 'document begun anew under another epoch')
  old.destroy()
  const begun = { ...stored, lineage, updates: [update], snapshotParts: 1, facts }
  return { lineage, live: onGone => new LiveRoom(name, doc, begun, { lineage, changed: false }, environment, onGone) }
}

const takenIds = (stored: StoredDocument | null, doc: Y.Doc): (id: number) => boolean => {
  const owned = new Set(stored?.bindings.map(({ clientId }) => clientId))
  return id => doc.store.clients.has(id) || owned.has(id)
}

/**
 * A document that nobody has written since epochs had to begin anew may have been written before, in what was lost: also in what was
 * written after an earlier restore of the same backup, so `since` is a number that no earlier beginning had.
 */
const epochSince = (firstEpoch: string, since = 0): string => since === 0 ? firstEpoch : derivedId('epoch', firstEpoch, String(since))
