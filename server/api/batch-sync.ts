/**
 * `POST /api/sync`: one request brings all documents of a person up to date on one of their devices.
 *
 * It is answered from the log alone, bytes to bytes: no room is loaded and no document is built, so that a thousand conversations
 * that nobody has open cost a thousand reads. All that the log answers is durable, so nothing unsaved leaves here.
 */
import { Hono } from 'hono'
import * as Y from 'yjs'
import { encodeBase64 } from '../../shared/api/base64.ts'
import type { MissingUpdate, SyncPage } from '../../shared/api/schemas.ts'
import { syncRequest } from '../../shared/api/schemas.ts'
import { SkeinError } from '../../shared/errors.ts'
import { documentKind } from '../../shared/ids.ts'
import type { DocumentName } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { idsOf } from '../../shared/principal.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Directory } from '../directory/port.ts'
import type { Identity } from '../identity/port.ts'
import type { StoredDocument, UpdateLog } from '../log/port.ts'
import { limited, membershipsOf } from '../room/access.ts'
import type { Membership } from '../room/access.ts'
import type { Logger } from '../telemetry/port.ts'
import { signedIn } from './context.ts'
import type { SignedIn } from './context.ts'
import { readBody } from './validation.ts'

export interface BatchSyncOptions {
  identity: Identity
  directory: Pick<Directory, 'find' | 'listOf'>
  log: Pick<UpdateLog, 'list' | 'read'>
  /** Everybody may read every stored document, except others' home documents. */
  openToAll: boolean
  logger: Logger
}

type Readable = Omit<Membership, 'createdAt'>

/** What a device holds of a document, as it says. */
export interface Held {
  epoch: string
  stateVector: Uint8Array
  head?: number | undefined
}

export const batchSyncRoutes = ({ identity, directory, log, openToAll, logger }: BatchSyncOptions): Hono<SignedIn> => {
  /** All documents that the person may read, in the order of their names. */
  const readableBy = async (principal: Principal): Promise<Readable[]> => {
    const shared = openToAll ? await everybodys() : await membershipsOf(directory, principal, '')
    // Nobody has to come to their home document before it is theirs. A bot has none.
    const homes = (principal.bot ? [] : idsOf(principal)).map(id => ({ name: `home/${id}` as DocumentName, role: 'owner' as const, createdAt: 0 }))
    const others = shared.filter(({ name }) => homes.every(home => home.name !== name))
    return limited([...others, ...homes], principal).sort((a, b) => a.name < b.name ? -1 : 1)
  }

  /** Of a deleted document something may still be stored. */
  const everybodys = async (): Promise<Membership[]> => {
    const names = (await log.list('')).filter(name => documentKind(name) !== 'home')
    const entries = await Promise.all(names.map(name => directory.find(name)))
    return names.flatMap((name, i) => entries[i]?.deletedAt ? [] : [{ name, role: 'owner' as const, createdAt: 0 }])
  }

  /**
   * Those of them that are not the person's (any more): nothing of what was deleted, or of where they were removed, is to stay on a device.
   * What exists and what does not is told alike.
   */
  const goneOf = async (held: readonly DocumentName[], readable: readonly Readable[]): Promise<DocumentName[]> => {
    const known = new Set(readable.map(({ name }) => name))
    const others = held.filter(name => !known.has(name))
    if (!openToAll) return others
    const entries = await Promise.all(others.map(name => directory.find(name)))
    return others.filter((_, i) => entries[i]?.deletedAt)
  }

  /**
   * A damaged document does not keep the others from their devices; who opens it is told. One whose records may still hold what was
   * redacted comes the next time.
   */
  const read = async (name: DocumentName): Promise<StoredDocument | null> => {
    try {
      const stored = await log.read(name)
      return stored?.owesScrub ? null : stored
    } catch (error) {
      if (!(error instanceof SkeinError) || error.code !== 'log-damaged') throw error
      logger.warn({ document: name, err: error }, 'document left out of a batch sync')
      return null
    }
  }

  return new Hono<SignedIn>().post('/', signedIn(identity), async c => {
    const { documents, after, until } = await readBody(c, syncRequest)
    const { principal } = c.var
    const held = new Map<DocumentName, Held>(documents.map(document => [document.name, document]))
    const readable = await readableBy(principal)
    const wanted = readable.filter(({ name }) => (after === undefined || name > after) && (until === undefined || name <= until))
    const gone = await goneOf([...held.keys()], readable)
    const answer: SyncPage = { userId: principal.id, documents: [], ...gone.length > 0 && { gone }, next: null }
    let bytes = 0
    let last: DocumentName | null = null
    for (const [looked, { name, role }] of wanted.entries()) {
      const stored = looked < limits.syncDocuments ? await read(name) : null
      const missing = stored && missingOf(stored, held.get(name))
      const fits = looked < limits.syncDocuments && (!missing || bytes === 0 || bytes + missing.update.length <= limits.syncAnswerBytes)
      if (!fits) return c.json({ ...answer, next: last } satisfies SyncPage)
      last = name
      if (!missing) continue
      bytes += missing.update.length
      answer.documents.push({ name, role, ...missing, update: encodeBase64(missing.update) } satisfies MissingUpdate)
    }
    return c.json(answer)
  })
}

/**
 * What a device lacks of a stored document. Null when it holds all of it, or when there is nothing that it could hold: a document
 * that another program wrote has no lineage until somebody opens it.
 * @param held of another epoch, the device gets the whole document
 */
export const missingOf = (
  { lineage, updates, head }: StoredDocument, held: Held | undefined,
): { epoch: string, head: number, update: Uint8Array } | null => {
  if (!lineage || updates.length === 0) return null
  const { epoch } = lineage
  const ours = held?.epoch === epoch ? held : undefined
  if (ours?.head === head) return null
  const whole = Y.mergeUpdates(updates)
  return { epoch, head, update: ours ? Y.diffUpdate(whole, ours.stateVector) : whole }
}
