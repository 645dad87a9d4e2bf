/** Seeded chance for tests: the same seed gives the same run. */

export interface Random {
  /** A whole number from 0 up to, but not including, `below`. */
  int: (below: number) => number
  chance: (probability: number) => boolean
  pick: <T>(from: readonly T[]) => T
  bytes: (length: number) => Uint8Array
}

/** mulberry32 (Tommy Ettinger): 32 bits of state, good enough to choose test cases. */
export const createRandom = (seed: number): Random => {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const int = (below: number): number => Math.floor(next() * below)
  return {
    int,
    chance: probability => next() < probability,
    pick: from => from[int(from.length)]!,
    bytes: length => Uint8Array.from({ length }, () => int(256))
  }
}

/** The seed of this run: `SKEIN_SEED`, or the one that is pinned, so that every run of the suite is the same. */
export const seedOfRun = (pinned: number): number => Number(process.env['SKEIN_SEED'] ?? pinned)

/** Names the seed and how to replay it when a run fails. */
export const withReplay = <T>(seed: number, file: string, run: () => T): T => {
  try {
    return run()
  } catch (error) {
    console.error(`Seed ${seed} failed. Replay: SKEIN_SEED=${seed} npx vitest run ${file}`)
    throw error
  }
}
