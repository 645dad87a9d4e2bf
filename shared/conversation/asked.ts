/**
 * Which agents a message asks for a reply: the pure decision behind every run that a message starts. The server acts on it; the app says
 * beforehand what it will be, and finds by {@link mentionedIn} what the person is about to mention.
 */
import type { AgentId } from '../ids.ts'
import { limits } from '../limits.ts'
import type { Member } from './schema.ts'

export interface NamedAgent<Id extends string = AgentId> {
  readonly id: Id
  readonly name: string
}

export interface Asking {
  /** Agents that the message names outright; empty: nobody shall answer. */
  to?: readonly AgentId[] | undefined
  text: string
  /** All agents of the server. */
  agents: readonly NamedAgent[]
  /** The one that answers in this conversation. */
  agent: AgentId | null
  /** Where several people write: whether it answers every message; see `settableMeta`. */
  always: boolean
  /** People who may write here, the author among them. */
  people: number
}

export interface Asked {
  agents: AgentId[]
  because: 'named' | 'mentioned' | 'alone' | 'always' | 'not-mentioned' | 'no-agent'
}

/** What names agents asks these. Else the conversation's own answers who is alone with it; among several it waits to be mentioned. */
export const askedBy = ({ to, text, agents, agent, always, people }: Asking): Asked => {
  if (to) return { agents: [...new Set(to)], because: 'named' }
  const mentioned = mentionedIn(text, agents)
  if (mentioned.length > 0) return { agents: mentioned, because: 'mentioned' }
  if (agent === null) return { agents: [], because: 'no-agent' }
  if (people <= 1) return { agents: [agent], because: 'alone' }
  return always ? { agents: [agent], because: 'always' } : { agents: [], because: 'not-mentioned' }
}

/** Agents whose `@name` or `@id` stands in the text as a word of its own, in its order. Of two that fit the longer one counts. */
export const mentionedIn = <Id extends string>(text: string, agents: readonly NamedAgent<Id>[]): Id[] => {
  if (!text.includes('@')) return []
  const lower = text.toLowerCase()
  const callings = callingsOf(agents)
  const longestFirst = [...new Set([...callings.keys()].map(({ length }) => length))].sort((a, b) => b - a)
  const found = new Set<Id>()
  let looked = 0
  for (let at = lower.indexOf('@'); at >= 0 && found.size < limits.agentsPerMessage; at = lower.indexOf('@', at + 1)) {
    if (at > 0 && IN_A_WORD.test(lower.slice(Math.max(0, at - 2), at))) continue
    if (++looked > limits.mentionsLookedAt) break
    for (const length of longestFirst) {
      const end = at + 1 + length
      const called = callings.get(lower.slice(at + 1, end))
      if (called === undefined || end > lower.length || GOES_ON.test(lower.slice(end, end + 4))) continue
      found.add(called)
      break
    }
  }
  return [...found]
}

/** What each is called by, in small letters; of two that are called the same the first one is meant. */
const callingsOf = <Id extends string>(agents: readonly NamedAgent<Id>[]): Map<string, Id> => {
  const callings = new Map<string, Id>()
  for (const { id, name } of agents) {
    for (const calling of [id.toLowerCase(), name.toLowerCase()]) if (calling !== '' && !callings.has(calling)) callings.set(calling, id)
  }
  return callings
}

/** As in an address: what stands before the `@` belongs to it. */
const IN_A_WORD = /[\p{L}\p{N}_.+-]$/u
/** The name is the beginning of a longer word. A full stop may end the sentence. */
const GOES_ON = /^(?:[\p{L}\p{N}_-]|\.[\p{L}\p{N}])/u

/** How many people may write, as far as the document tells; the author counts once, whatever ids they had. */
export const writersWith = (isAuthor: (id: string) => boolean, members: Iterable<readonly [string, Pick<Member, 'role'>]>): number =>
  1 + [...members].filter(([id, { role }]) => role !== 'viewer' && !isAuthor(id)).length
