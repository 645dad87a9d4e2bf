/** What an agent is told: the conversation as the person saw it who asked. */
import { botLabel } from '../../shared/bot-label.ts'
import { alternativesRoot, visibleMessages } from '../../shared/conversation/branch.ts'
import type { TakenOut } from '../../shared/conversation/branch.ts'
import { textOf } from '../../shared/conversation/read.ts'
import type { Message } from '../../shared/conversation/schema.ts'
import type { MessageId } from '../../shared/ids.ts'

/**
 * The messages up to and including the asked one, oldest first, without those that have no text. The asked message's ancestors decide
 * between alternatives; where they say nothing, the one in which somebody spoke last counts. Later messages are left out, so a
 * regenerated reply does not see the one it replaces and a repeated attempt sees exactly what the first one saw.
 * @returns null when the asked message is no longer there
 */
export const contextMessages = (messages: readonly Message[], asked: MessageId, takenOut: TakenOut = new Map()): Message[] | null => {
  const end = messages.findIndex(message => message.id === asked)
  if (end < 0) return null
  const before = messages.slice(0, end + 1)
  return visibleMessages(before, choiceOf(before, before[end]!, takenOut), takenOut)
    .map(({ message }) => message)
    .filter(message => textOf(message.parts).trim() !== '' || message.id === asked)
}

/**
 * A message as a model is told it. What a bot says comes as what somebody says who is named, never as the model's own words; nobody else
 * can be taken for it, since no name that stands there holds a bracket or the end of a line.
 */
export const asTold = ({ role, parts, metadata: { bot } }: Message): { role: Message['role'], text: string } => {
  const text = textOf(parts)
  return bot && text !== '' ? { role: 'user', text: `[The bot ${botLabel(bot.name, bot.of.name)} says:]\n\n${text}` } : { role, text }
}

/** The choice between alternatives that the message and its ancestors stand for. */
const choiceOf = (messages: readonly Message[], message: Message, takenOut: TakenOut): Map<string, string> => {
  const byId = new Map(messages.map(each => [each.id as string, each]))
  const choice = new Map<string, string>()
  const seen = new Set<string>()
  for (let id: string | null = message.id; id !== null && !seen.has(id);) {
    seen.add(id)
    const each = byId.get(id)
    if (each) choice.set(alternativesRoot(each, byId), id)
    id = (each ? each.metadata.parentId : takenOut.get(id)?.parentId) ?? null
  }
  return choice
}
