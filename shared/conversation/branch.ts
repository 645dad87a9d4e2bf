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

/**
 * The messages this person sees, in the order accepted. A message is hidden when it, or an ancestor, is an alternative that was not
 * chosen; without a choice the newest alternative is shown.
 */
export const visibleMessages = (messages: readonly Message[], choice: BranchChoice = new Map()): VisibleMessage[] => {
  const byId = new Map(messages.map(message => [message.id as string, message]))
  const groups = new Map<string, string[]>()
  const rootOf = new Map<string, string>()
  for (const message of messages) {
    const root = alternativesRoot(message, byId)
    rootOf.set(message.id, root)
    groups.set(root, [...groups.get(root) ?? [], message.id])
  }
  const chosen = (root: string): string => {
    const group = groups.get(root) ?? []
    const choiceOfPerson = choice.get(root)
    return choiceOfPerson !== undefined && group.includes(choiceOfPerson) ? choiceOfPerson : group.at(-1)!
  }
  // Parents are accepted before their children, so one pass in array order knows every ancestor's fate.
  const hidden = new Set<string>()
  const visible: VisibleMessage[] = []
  for (const message of messages) {
    const root = rootOf.get(message.id)!
    const parentId = message.metadata.parentId
    if (chosen(root) !== message.id || (parentId !== null && hidden.has(parentId))) hidden.add(message.id)
    else visible.push({ message, alternatives: groups.get(root)! })
  }
  return visible
}

/** The last visible message: what a new message follows. */
export const lastVisible = (messages: readonly Message[], choice?: BranchChoice): Message | null =>
  visibleMessages(messages, choice).at(-1)?.message ?? null
