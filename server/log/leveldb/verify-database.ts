/** Verifies what LevelDB reads from a store: every document whole, every value of ours as written, no batch missing. */
import type { DocumentName } from '../../../shared/ids.ts'
import { parseDocumentName } from '../../../shared/ids.ts'
import { fromJson } from '../store-port.ts'
import type { Key } from '../store-port.ts'
import { describeGap } from './commits.ts'
import { describeKey, findDamage } from './damage.ts'
import { DataFolderError } from './data-folder-error.ts'
import { FORMAT, documentRanges, headKey, partsKey, single, stateVectorKey } from './keys.ts'
import { readPast, readable, salvage } from './past.ts'
import { isSealed, unseal } from './seal.ts'
import { partsOf } from './stored-document.ts'
import type { Database } from './database.ts'

export interface Finding {
  /** Null: of the store as a whole, or of something of which not even the name is left. */
  document: DocumentName | null
  /** What is lost or changed, as the part of a sentence after a colon. */
  what: string
}

type Entry = [key: Key, value: Uint8Array]

/**
 * @returns also the names of all documents that are there
 * @throws DataFolderError `newer-format`
 */
export const verifyDatabase = async (database: Database, path: string): Promise<{ found: Finding[], documents: DocumentName[] }> => {
  const { format, missing } = await readPast(database)
  if (format !== null && format > FORMAT) throw new DataFolderError('newer-format', path)
  const found: Finding[] = missing.map(gap => ({ document: null, what: describeGap(gap) }))
  let unreadable = false
  const seen = new Set<string>()
  const withRecords = new Set<string>()
  let document: Entry[] = []
  const finish = async (): Promise<void> => {
    if (document.length > 0) found.push(...await verifyDocument(database, format, document))
    document = []
  }
  for await (const entries of readable(database, {}, () => { unreadable = true })) {
    for (const entry of entries) {
      const [kind, name] = entry[0]
      if (kind === 'v1' && document[0]?.[0][1] !== name) await finish()
      if (kind === 'v1') {
        document.push(entry)
        withRecords.add(String(name))
      } else if (kind !== 'v1_sv' || !withRecords.has(String(name))) {
        found.push(...verifyEntry(entry))
      }
      for (const part of kind === 'skein' ? entry[0].slice(2) : [name]) seen.add(String(part))
    }
  }
  await finish()
  const documents = [...seen].map(parseDocumentName).filter(name => name !== null)
  if (unreadable) found.push({ document: null, what: 'a part of the database cannot be read' }, ...await findUnreadable(database, documents))
  return { found, documents }
}

/** Tells which documents have something where it cannot be read, by reading each of them as a load does. */
const findUnreadable = async (database: Database, documents: readonly DocumentName[]): Promise<Finding[]> => {
  const found: Finding[] = []
  for (const name of documents) {
    const parts = await Promise.all(documentRanges(name).map(range => salvage(database, range)))
    if (parts.some(({ damaged }) => damaged)) found.push({ document: name, what: 'a part of it cannot be read' })
  }
  return found
}

const verifyDocument = async (database: Database, format: number | null, entries: readonly Entry[]): Promise<Finding[]> => {
  const name = String(entries[0]?.[0][1]) as DocumentName
  const [updates, checksums] = ['update', 'crc'].map(kind => entries.filter(([key]) => key[2] === kind)) as [Entry[], Entry[]]
  const [stateVector] = (await salvage(database, single(stateVectorKey(name)))).entries
  const [head] = (await salvage(database, single(headKey(name)))).entries
  const [stored] = (await salvage(database, single(partsKey(name)))).entries
  const parts = partsOf(updates, stored && unseal(...stored) || undefined)
  const known = head && unseal(...head)
  const last = format === 1 ? Number(updates.at(-1)?.[0][3]) : undefined
  const clock = known ? fromJson<number>(known) : last
  const found = await findDamage({ updates, checksums, parts, stateVector: stateVector?.[1], head: clock })
  return found.map(what => ({ document: name, what }))
}

/** Of what is no document's record. */
const verifyEntry = ([key, stored]: Entry): Finding[] => {
  const document = key.map(part => parseDocumentName(String(part))).find(name => name !== null) ?? null
  if (key[0] === 'v1_sv') return [{ document: String(key[1]) as DocumentName, what: 'all its records are missing' }]
  if (key[0] !== 'skein') return [{ document, what: `there is an entry under a damaged name, "${describeKey(key)}"` }]
  const value = isSealed(key) ? unseal(key, stored) : stored
  if (value === null) return [{ document, what: `the entry "${describeKey(key)}" was changed` }]
  return key[1] === 'damage' ? [{ document, what: fromJson<string>(value) }] : []
}
