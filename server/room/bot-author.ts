/** What a bot says is sealed as what a bot said: who it is, and for whom it speaks, is the server's word. */
import { looksLike, speaksOf } from '../../shared/bot-name.ts'
import type { NamedAgent } from '../../shared/conversation/asked.ts'
import type { Member, MessageMetadata } from '../../shared/conversation/schema.ts'
import { SkeinError } from '../../shared/errors.ts'
import type { Principal } from '../../shared/principal.ts'

/** Nothing, of everybody who is no bot. */
export const saidByBot = ({ bot }: Principal): Pick<MessageMetadata, 'bot'> =>
  bot ? { bot: { id: bot.id, name: bot.name, of: { id: bot.of.id, name: bot.of.name.slice(0, 200) } } } : {}

/**
 * Names change, and people come: what a bot was let be called when it was registered may be somebody's name by now.
 * @throws SkeinError `name-taken`
 */
export const checkBotName = ({ bot }: Principal, members: Iterable<Member>, agents: readonly NamedAgent[]): void => {
  if (!bot) return
  const isAgents = agents.some(({ id, name }) => speaksOf(bot.name, name) || speaksOf(bot.name, id))
  if (isAgents || [...members].some(({ name }) => looksLike(bot.name, name))) throw new SkeinError('name-taken')
}
