/** Who is in the conversation now, as people count: persons, not connections; agents while they work. Pure. */
import { botLabel } from '../../../shared/bot-label.ts'
import { isFinished } from '../../../shared/conversation/read.ts'
import { isAgentAuthor } from '../../../shared/ids.ts'
import type { ConversationView, Person } from '../../sync/view.ts'

export interface PresentPerson {
  id: string
  kind: 'person' | 'bot'
  name: string
  self: boolean
  typing: boolean
}

export interface Presence {
  /** Oneself first, then by name. */
  people: PresentPerson[]
  working: { id: string, name: string }[]
}

type Naming = { isSelf: (userId: string) => boolean, agentName: (id: string) => string }

export const presenceOf = (view: Pick<ConversationView, 'people' | 'runs'>, { isSelf, agentName }: Naming): Presence => {
  const people = new Map<string, PresentPerson>()
  for (const person of view.people) people.set(person.userId, merge(people.get(person.userId), person, isSelf))
  const working = new Map(view.runs.filter(run => !isFinished(run))
    .map(({ agentId, bot }) => [agentId, bot ? botLabel(bot.name, bot.of.name) : agentName(agentId)]))
  return {
    people: [...people.values()].sort((a, b) => Number(b.self) - Number(a.self) || a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1)),
    working: [...working].map(([id, name]) => ({ id: `agent:${id}`, name }))
  }
}

const merge = (known: PresentPerson | undefined, { userId, name, typing, self }: Person, isSelf: Naming['isSelf']): PresentPerson => ({
  id: userId,
  kind: isAgentAuthor(userId) ? 'bot' : 'person',
  name: name || 'Somebody',
  self: self || isSelf(userId),
  // One's own typing on this device is no news.
  typing: (known?.typing ?? false) || (typing && !self)
})
