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
 * chosen; without a choice the newest alternative is shown.
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
  const shown = new Map([...alternatives].map(([root, ids]) => {
    const wanted = choice.get(root)
    return [root, wanted !== undefined && ids.includes(wanted) ? wanted : ids.at(-1)!]
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

/** Whether the message's parent is among these; where that was taken out, the parent that it had, and so on. */
const hasAncestor = (message: Message, takenOut: TakenOut, hidden: ReadonlySet<string>): boolean => {
  const seen = new Set<string>()
  for (let id: string | null = message.metadata.parentId; id !== null && !seen.has(id); id = takenOut.get(id)?.parentId ?? null) {
    if (hidden.has(id)) return true
    seen.add(id)
  }
  return false
}
