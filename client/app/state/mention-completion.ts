/** What the composer offers while a person types `@…`: the agents that this may become. Pure. */
import type { NamedAgent } from '../../../shared/conversation/asked.ts'

type Named = NamedAgent<string>

export interface Mention<T extends Named = Named> {
  /** Where its `@` stands. */
  from: number
  agents: T[]
}

/** Longer than any name; what is further from its `@` is no mention. */
const LONGEST = 100

/** @returns null: the caret stands in no mention, or in one of nobody here */
export const mentionBefore = <T extends Named>(text: string, caret: number, agents: readonly T[]): Mention<T> | null => {
  const from = text.lastIndexOf('@', caret - 1)
  if (from < 0 || caret - from > LONGEST || /[\p{L}\p{N}_.+-]$/u.test(text.slice(Math.max(0, from - 2), from))) return null
  const typed = text.slice(from + 1, caret).toLowerCase()
  const fitting = agents.filter(({ id, name }) =>
    id.startsWith(typed) || name.toLowerCase().startsWith(typed) || (typed !== '' && name.toLowerCase().includes(` ${typed}`)))
  return fitting.length > 0 ? { from, agents: fitting } : null
}

/** The text with the mention written out, and where the caret stands then. */
export const completeMention = (text: string, { from }: Mention, caret: number, { name }: Named): { text: string, caret: number } => {
  const before = `${text.slice(0, from)}@${name} `
  return { text: before + text.slice(caret).replace(/^ /, ''), caret: before.length }
}
