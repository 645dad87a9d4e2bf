/**
 * What a start finds in a database: format, generation, how the last stop was, gaps in the commit numbers. It reads what can be read: one
 * damaged place must not keep everything else from being served.
 */
import { fromJson, toJson } from '../store-port.ts'
import type { Key, KeyRange, Operation } from '../store-port.ts'
import { StoreDamage } from './damage.ts'
import { KEPT, commitOf, missingCommits } from './commits.ts'
import { cleanKey, commitRange, crcRange, formatKey, generationKey, headKey, newEpochsKey, riskKey, single, stateVectorRange, updateRange } from './keys.ts'
import type { KeyRangeRest } from './keys.ts'
import { seal, unseal } from './seal.ts'
import type { Database } from './database.ts'

export interface Past {
  /** Null for a new store, and for one of y-leveldb. */
  format: number | null
  /** The highest that is known to have been in use; 0 when there was none, null when that cannot be told any more. */
  generation: number | null
  /** Whether the last process stopped in order. */
  clean: boolean
  /** The last process wrote without fsync and did not stop in order. */
  atRisk: boolean
  /** See the port. */
  newEpochsSince: number
  lastCommit: number
  /** Gaps in the commit numbers. */
  missing: [number, number][]
}

export const readPast = async (database: Database): Promise<Past> => {
  const format = await readNumber(database, formatKey)
  const generation = await readNumber(database, generationKey)
  const commits = (await salvage(database, commitRange)).entries.flatMap(([key, stored]) => {
    const value = unseal(key, stored)
    return value === null ? [] : [{ commit: commitOf(key), generation: fromJson<number>(value) }]
  })
  const newEpochsSince = await readNumber(database, newEpochsKey)
  const known = commits.map(commit => commit.generation)
  const unknown = generation === 'damaged' || (generation === null && format !== null)
  return {
    format: format === 'damaged' ? null : format,
    generation: unknown && known.length === 0 ? null : Math.max(0, typeof generation === 'number' ? generation : 0, ...known),
    clean: await readNumber(database, cleanKey) !== null,
    atRisk: await readNumber(database, riskKey) !== null,
    newEpochsSince: newEpochsSince === 'damaged' ? 0 : newEpochsSince ?? 0,
    lastCommit: commits.at(-1)?.commit ?? 0,
    missing: missingCommits(commits.map(({ commit }) => commit)),
  }
}

const readNumber = async (database: Database, key: Key): Promise<number | null | 'damaged'> => {
  const { entries, damaged } = await salvage(database, single(key))
  const stored = entries[0]?.[1]
  if (stored === undefined) return damaged ? 'damaged' : null
  try {
    const value = unseal(key, stored)
    return value === null ? 'damaged' : Number(fromJson<unknown>(value))
  } catch (_noJson) {
    return 'damaged'
  }
}

/** Everything in the range that can still be read, up to so many entries. */
export const salvage = async (
  database: Database, range: KeyRange | KeyRangeRest, most = Infinity,
): Promise<{ entries: [Key, Uint8Array][], damaged: boolean }> => {
  const entries: [Key, Uint8Array][] = []
  let damaged = false
  for await (const found of readable(database, range, () => { damaged = true })) {
    entries.push(...found.slice(0, most - entries.length))
    if (entries.length >= most) break
  }
  return { entries, damaged }
}

/** In pieces, and entry by entry from where it is damaged: LevelDB skips what it cannot read and says so when it has come to the end. */
export const readable = async function* (
  database: Database, range: Partial<KeyRange & KeyRangeRest>, onDamage: (error: unknown) => void,
): AsyncGenerator<[Key, Uint8Array][]> {
  let last: Key | null = null
  for (const size of [PIECE, 1]) {
    const rest: Partial<Record<'gt' | 'gte' | 'lte', Key>> = last === null ? range : { ...range.lte && { lte: range.lte }, gt: last }
    const iterator = database.iterator<Key, Uint8Array>(rest)
    try {
      for (let over = false; !over;) {
        try {
          const found: [Key, Uint8Array][] = await iterator.nextv(size)
          last = found.at(-1)?.[0] ?? last
          if (found.length === 0) return
          yield found
        } catch (error) {
          if (!isDamage(error)) throw error
          if (size === 1) onDamage(error)
          over = size !== 1 || !isDecodeError(error)
        }
      }
    } finally {
      await iterator.close()
    }
  }
}
const PIECE = 500

/** LevelDB found bytes that make no sense, or a key came out that none of ours can be. */
export const isDamage = (error: unknown): boolean => error instanceof StoreDamage || isDecodeError(error) ||
  (error instanceof Error && 'code' in error && error.code === 'LEVEL_CORRUPTION')

const isDecodeError = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'LEVEL_DECODE_ERROR'

/** Format 2 knows where each document's records end; format 1 did not. In pieces, so that a large store is no large batch. */
export const headsOfFormat1 = async function* (database: Database): AsyncGenerator<Operation[]> {
  let heads: Operation[] = []
  for (const [key] of (await salvage(database, stateVectorRange)).entries) {
    const name = key[1] as Parameters<typeof headKey>[0]
    const [[newest], [checksum]] = await Promise.all([
      database.keys({ ...updateRange(name), reverse: true, limit: 1 }).all(), database.keys({ ...crcRange(name), limit: 1 }).all(),
    ])
    if (newest === undefined || checksum === undefined) continue
    heads.push({ type: 'put', key: headKey(name), value: seal(headKey(name), toJson(Number(newest[3]))) })
    if (heads.length < KEPT) continue
    yield heads
    heads = []
  }
  yield heads
}
