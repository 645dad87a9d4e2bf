/** What an avatar shows: one or two letters, and a hue that is the same for one person on every device. */

export const initials = (name: string): string => {
  const words = name.trim().split(/\s+/).filter(Boolean)
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words
  return letters.map(word => [...word ?? ''][0] ?? '').join('').toLocaleUpperCase() || '?'
}

/** @returns degrees on the colour wheel */
export const hueOf = (id: string): number => {
  let hash = 0
  for (const letter of id) hash = (hash * 137 + letter.codePointAt(0)! * 61) % 360
  return hash
}
