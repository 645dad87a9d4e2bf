/** What an agent is told: the conversation as the person saw it who asked. */
import { alternativesRoot, visibleMessages } from '../../shared/conversation/branch.ts'
import { textOf } from '../../shared/conversation/read.ts'
import type { Message } from '../../shared/conversation/schema.ts'
import type { MessageId } from '../../shared/ids.ts'

/**
 * The messages up to and including the asked one, oldest first, without those that have no text. The asked message's ancestors decide
 * between alternatives; where they say nothing, the newest counts. Later messages are left out, so a regenerated reply does not see the
 * one it replaces and a repeated attempt sees exactly what the first one saw.
 * @returns null when the asked message is no longer there
 */
export const contextMessages = (messages: readonly Message[], asked: MessageId): Message[] | null => {
  const end = messages.findIndex(message => message.id === asked)
  if (end < 0) return null
  const before = messages.slice(0, end + 1)
  return visibleMessages(before, choiceOf(before, before[end]!))
    .map(({ message }) => message)
    .filter(message => textOf(message.parts).trim() !== '' || message.id === asked)
}

/** The choice between alternatives that the message and its ancestors stand for. */
const choiceOf = (messages: readonly Message[], message: Message): Map<string, string> => {
  const byId = new Map(messages.map(each => [each.id as string, each]))
  const choice = new Map<string, string>()
  const seen = new Set<string>()
  for (let each: Message | undefined = message; each && !seen.has(each.id);) {
    seen.add(each.id)
    choice.set(alternativesRoot(each, byId), each.id)
    const parentId: string | null = each.metadata.parentId
    each = parentId === null ? undefined : byId.get(parentId)
  }
  return choice
}
