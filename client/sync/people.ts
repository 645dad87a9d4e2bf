/** Who is here: presence as Yjs awareness carries it. The server puts its own word for `user` in place of what a client claims. */
import type { Person } from './view.ts'

/** What a connection says of itself. */
export interface Presence {
  user: { id: string, name: string }
  typing: boolean
}

/** States that do not say who they are are left out; fields of other programs are ignored. */
export const readPeople = (states: ReadonlyMap<number, unknown>, self: number): Person[] =>
  [...states].flatMap(([clientId, state]) => {
    const { user, typing } = fields(state)
    const { id, name } = fields(user)
    if (typeof id !== 'string') return []
    return [{ clientId, userId: id, name: typeof name === 'string' ? name : '', typing: typing === true, self: clientId === self }]
  }).sort((a, b) => a.clientId - b.clientId)

const fields = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? value as Record<string, unknown> : {}
