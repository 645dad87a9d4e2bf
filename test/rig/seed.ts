/** Seeded random numbers: a failing run prints its seed and the command that replays it. */

/** The seed of this run: `SKEIN_SEED`, else a new one. */
export const runSeed = (): number => {
  const given = process.env['SKEIN_SEED']
  return given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given)
}

/** The seeds to run: the one of `SKEIN_SEED`, those of `SKEIN_SEEDS` ("4001-6000"), else the first so many. */
export const seedRange = (count: number): { first: number, last: number } => {
  const [first = 1, last = first] = (process.env['SKEIN_SEED'] ?? process.env['SKEIN_SEEDS'] ?? `1-${count}`).split('-').map(Number)
  return { first, last }
}

/** mulberry32. @returns numbers in [0, 1) */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Adds the replay command to whatever the run throws. */
export const withReplay = async (seed: number, file: string, run: () => Promise<void>): Promise<void> => {
  try {
    await run()
  } catch (error) {
    if (error instanceof Error) error.message += `\nReplay: SKEIN_SEED=${seed} npm run test:unit -- ${file}`
    throw error
  }
}

/** Counts for `npm run test:long` and for `npm test`. */
export const times = <T>(long: T, short: T): T => process.env['SKEIN_LONG'] ? long : short
