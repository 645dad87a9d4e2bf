/** The first batch of a process: what it begins with, and what it found to be lost. */
import type { DocumentName } from '../../../shared/ids.ts'
import { toJson } from '../store-port.ts'
import type { Key, Operation } from '../store-port.ts'
import { describeGap } from './commits.ts'
import {
  FORMAT, cleanKey, commitDamageKey, commitKey, documentDamageKey, formatKey, generationKey, newEpochsKey, riskKey,
} from './keys.ts'
import { changesIn } from './lost-changes.ts'
import type { Lost } from './open-database.ts'
import type { Past } from './past.ts'
import type { StoreOptions } from './store-options.ts'

export interface Begun {
  readonly generation: number
  readonly newEpochsSince: number
}

/** @param known see `documentsIn` */
export const beginning = (
  past: Past, lost: Lost, known: readonly DocumentName[], { generation, newEpochsSince }: Begun, durability: StoreOptions['durability'],
): Operation[] => {
  const begun = newEpochsSince !== past.newEpochsSince
  // Where everything begins a new epoch, a loss at the end is provided for.
  const all = [...begun ? [] : lost.changes, ...lost.tables.flatMap(table => changesIn(table, known))]
  const documents = new Map(all.flatMap(({ what, documents }) => documents.map(name => [name, what])))
  return [
    put(formatKey, FORMAT),
    put(generationKey, generation),
    { type: 'del', key: cleanKey },
    ...begun ? [put(newEpochsKey, newEpochsSince)] : [],
    durability === 'os' ? put(riskKey, true) : { type: 'del', key: riskKey },
    ...[...documents].map(([name, what]) => put(documentDamageKey(name), what)),
    ...past.missing.flatMap(gap => closed(gap, generation)),
  ]
}

/** A gap is told once. */
const closed = (gap: [number, number], generation: number): Operation[] => {
  const [from, to] = gap
  const numbers = Array.from({ length: to - from + 1 }, (_, i) => from + i)
  return [put(commitDamageKey(from), describeGap(gap)), ...numbers.map(commit => put(commitKey(commit), generation))]
}

const put = (key: Key, value: unknown): Operation => ({ type: 'put', key, value: toJson(value) })
