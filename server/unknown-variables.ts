/** Variables of the environment that look like ours and are none: a misspelt name would be without effect, and nobody would know. */

const PREFIX = 'SKEIN_'
/** More letters than this to be changed is another name, not a misspelt one. */
const FAR = 4

/**
 * @param names of the variables that are set
 * @param known names that have an effect
 * @returns a sentence for each of ours that has none, with the known name that is most like it
 */
export const unknownVariables = (names: readonly string[], known: readonly string[]): string[] =>
  names.filter(name => name.startsWith(PREFIX) && !known.includes(name)).map(name => {
    const nearest = nearestOf(name, known.filter(other => other.startsWith(PREFIX)))
    const hint = nearest === null ? 'See docs/operations.md for those that there are.' : `Did you mean ${nearest}?`
    return `${name} is set, but no variable of this server has that name, so it sets nothing. ${hint}`
  })

const nearestOf = (name: string, known: readonly string[]): string | null => {
  const near = known.map(other => ({ other, far: distance(name, other) })).filter(({ far }) => far <= FAR)
  return near.sort((a, b) => a.far - b.far)[0]?.other ?? null
}

/** How many letters are to be put in, taken out, changed or swapped with their neighbour (optimal string alignment). */
const distance = (a: string, b: string): number => {
  let [before, above] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = above[j - 1]! + Number(a[i - 1] !== b[j - 1])
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2]! + 1 : Infinity
      row.push(Math.min(above[j]! + 1, row[j - 1]! + 1, change, swap))
    }
    ;[before, above] = [above, row]
  }
  return above[b.length]!
}
