/**
 * Commit numbers: every batch carries the number that follows the last one's, under a key of its own, and removes the key of the batch
 * {@link KEPT} before it. LevelDB can lose batches from the middle of a log file without a word; the number that is missing shows it, for
 * as long as it takes to write the next thousand batches, and at the cost of a few bytes a batch and a thousand small keys in all.
 *
 * They are keys and not a field of each record, since a batch may hold no record at all, and a checkpoint that trims them would be one
 * more thing to lose. Each start looks for gaps, keeps what it found as a mark of damage, and closes the gap, so that it is told once.
 */
import { toJson } from '../store-port.ts'
import type { Key, Operation } from '../store-port.ts'
import { commitKey } from './keys.ts'

export const KEPT = 1000

/** @param generation kept with the number: should its own key be lost, the next start still knows what was in use */
export const commitOperations = (commit: number, generation: number): Operation[] => [
  { type: 'put', key: commitKey(commit), value: toJson(generation) },
  ...commit > KEPT ? [{ type: 'del' as const, key: commitKey(commit - KEPT) }] : [],
]

export const commitOf = (key: Key): number => Number(key[2])

/**
 * @param commits the numbers that are there, ascending
 * @returns gaps as first and last number
 */
export const missingCommits = (commits: readonly number[]): [number, number][] => {
  const last = commits.at(-1) ?? 0
  const gaps: [number, number][] = []
  let next = Math.max(1, last - KEPT + 1)
  for (const commit of commits) {
    if (commit > next) gaps.push([next, commit - 1])
    next = Math.max(next, commit + 1)
  }
  return gaps
}

/** As the part of a sentence after a colon. */
export const describeGap = ([from, to]: [number, number]): string => from === to
  ? `batch ${from} is missing: what it held is lost, also where no document shows a gap`
  : `batches ${from} to ${to} are missing: what they held is lost, also where no document shows a gap`
