/** Which messages a person sees: alternatives (`replaces`) hide one another, concurrent messages never do. */
import type { Message } from './schema.ts'

/** The person's choices: root of the alternatives → id of the chosen one. */
export type BranchChoice = ReadonlyMap<string, string>

/** The first message of the alternatives that this one belongs to; its own id when it replaces nothing. */
export const alternativesRoot = (message: Message, byId: ReadonlyMap<string, Message>): string => {
  let root = message
  const seen = new Set<string>()
  while (root.metadata.replaces && !seen.has(root.id)) {
    seen.add(root.id)
    const replaced = byId.get(root.metadata.replaces)
    if (!replaced) return root.metadata.replaces
    root = replaced
  }
  return root.id
}

export interface VisibleMessage {
  message: Message
  /** Ids of all alternatives, this one included, in the order accepted; one entry when there are none. */
  alternatives: string[]
}

/** Messages that were taken out, by id: what is left of them is where they stood. */
export type TakenOut = ReadonlyMap<string, { parentId: string | null }>

/**
 * The messages this person sees, in the order accepted. A message is hidden when it, or an ancestor, is an alternative that was not
 * chosen; without a choice the alternative is shown in which somebody spoke last, an alternative itself included, so that what was said
 * last is never hidden from somebody who chose nothing (docs/decisions/0024-what-was-said-last.md).
 * @param takenOut lets what followed a message that was taken out stay hidden with the branch that it belonged to
 */
export const visibleMessages = (
  messages: readonly Message[], choice: BranchChoice = new Map(), takenOut: TakenOut = new Map(),
): VisibleMessage[] => {
  const rootOf = rootsOf(messages)
  const alternatives = new Map<string, string[]>()
  for (const [id, root] of rootOf) {
    const group = alternatives.get(root)
    if (group) group.push(id)
    else alternatives.set(root, [id])
  }
  const places = alternatives.size < messages.length ? lastPlaces(messages, takenOut) : null
  const shown = new Map([...alternatives].map(([root, ids]) => {
    const wanted = choice.get(root)
    return [root, wanted !== undefined && ids.includes(wanted) ? wanted : spokenInLast(ids, places)]
  }))
  // Parents are accepted before their children, so one pass in array order knows every ancestor's fate.
  const hidden = new Set<string>()
  const visible: VisibleMessage[] = []
  for (const message of messages) {
    const root = rootOf.get(message.id)!
    if (shown.get(root) !== message.id || hasAncestor(message, takenOut, hidden)) hidden.add(message.id)
    else visible.push({ message, alternatives: alternatives.get(root)! })
  }
  return visible
}

const spokenInLast = (ids: readonly string[], places: ReadonlyMap<string, number> | null): string =>
  places && ids.length > 1 ? ids.reduce((latest, id) => places.get(id)! > places.get(latest)! ? id : latest) : ids.at(-1)!

/**
 * Of each message the place at which it, or the last of what people said after it, stands. Replies that follow do not count: one that
 * comes late to an older question takes nobody away from where they are.
 */
const lastPlaces = (messages: readonly Message[], takenOut: TakenOut): Map<string, number> => {
  const places = new Map<string, number>()
  const said = new Map<string, number>()
  // From the end, since what follows a message was accepted after it.
  for (const [place, { id, role, metadata }] of [...messages.entries()].reverse()) {
    const followed = said.get(id) ?? -1
    places.set(id, Math.max(place, followed))
    const last = role === 'user' ? places.get(id)! : followed
    const parent = standingParent(metadata.parentId, takenOut)
    if (parent !== null && last > (said.get(parent) ?? -1)) said.set(parent, last)
  }
  return places
}

/** What the message follows of what is there. */
const standingParent = (parentId: string | null, takenOut: TakenOut): string | null => {
  for (const id of lineOf(parentId, takenOut)) if (!takenOut.has(id)) return id
  return null
}

/** The last visible message: what a new message follows. */
export const lastVisible = (messages: readonly Message[], choice?: BranchChoice, takenOut?: TakenOut): Message | null =>
  visibleMessages(messages, choice, takenOut).at(-1)?.message ?? null

/** {@link alternativesRoot} of each message; in one pass, since what is replaced was accepted before what replaces it. */
const rootsOf = (messages: readonly Message[]): Map<string, string> => {
  const byId = new Map(messages.map(message => [message.id as string, message]))
  const rootOf = new Map<string, string>()
  for (const message of messages) {
    const { replaces } = message.metadata
    rootOf.set(message.id, (replaces && rootOf.get(replaces)) ?? alternativesRoot(message, byId))
  }
  return rootOf
}

/** Whether what the message follows is among these. */
const hasAncestor = ({ metadata }: Message, takenOut: TakenOut, hidden: ReadonlySet<string>): boolean => {
  for (const id of lineOf(metadata.parentId, takenOut)) if (hidden.has(id)) return true
  return false
}

/** The parent; where that was taken out, the one that it had, and so on. */
const lineOf = (parentId: string | null, takenOut: TakenOut): Set<string> => {
  const line = new Set<string>()
  for (let id = parentId; id !== null && !line.has(id); id = takenOut.get(id)?.parentId ?? null) line.add(id)
  return line
}
