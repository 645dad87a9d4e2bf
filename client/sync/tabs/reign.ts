/** One tab's time as the owner of a document. A later reign outranks an earlier one, so that nobody follows an owner of the past. */

export interface Reign {
  /** Later than that of every reign the tab had heard of. */
  term: number
  tab: string
}

/** @returns positive when `a` is the later one, 0 for the same; two of one term are told apart by their tabs */
export const compareReigns = (a: Reign, b: Reign): number => a.term - b.term || (a.tab === b.tab ? 0 : a.tab < b.tab ? -1 : 1)

export const isSameReign = (a: Reign | null, b: Reign | null): boolean => a !== null && b !== null && compareReigns(a, b) === 0

/** @param latest the latest reign heard of */
export const nextReign = (tab: string, now: number, latest: Reign | null): Reign => ({ term: Math.max(now, (latest?.term ?? 0) + 1), tab })
