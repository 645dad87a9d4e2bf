/** Bots that a request may ask for a reply: those of people who may write there. Looked up before it is judged, since that takes time. */
import * as Y from 'yjs'
import type { SaidByBot } from '../../shared/conversation/schema.ts'
import type { AgentId, DocumentName } from '../../shared/ids.ts'
import { isOwn } from '../../shared/principal.ts'
import type { Principal } from '../../shared/principal.ts'
import type { KnownAgents } from './take-context.ts'

export type BotsIn = (name: DocumentName) => Promise<readonly SaidByBot[]>

/** Whether anything in the update could be for a bot. @param decoded of `Y.decodeUpdate` */
export const mayAskBots = (decoded: { structs: readonly unknown[] }): boolean =>
  decoded.structs.some(struct => struct instanceof Y.Item && struct.content instanceof Y.ContentAny && struct.content.arr.some(mayAskBot))

/** The same of one request, which nobody has checked yet: it may say yes to what asks nobody. */
export const mayAskBot = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return false
  const { type, message } = value as Record<string, unknown>
  if (type === 'send') return /@|"bot-/.test(JSON.stringify(message) ?? '')
  return type === 'retry' || type === 'continue' || type === 'regenerate'
}

/** Whom the principal may ask there. A bot asks no bots: two that answer each other would never end. */
export const agentsFor = async (
  { agents, botsIn }: { agents: KnownAgents, botsIn?: BotsIn }, name: DocumentName, principal: Principal,
): Promise<KnownAgents> => principal.bot || !botsIn ? agents : withBots(agents, await botsIn(name), principal)

/** The agents of the server, and beside them these bots. Of two that are called the same one's own is meant. */
const withBots = (agents: KnownAgents, bots: readonly SaidByBot[], asking: Principal): KnownAgents => {
  if (bots.length === 0) return agents
  const ownFirst = [...bots.filter(({ of }) => isOwn(asking, of.id)), ...bots.filter(({ of }) => !isOwn(asking, of.id))]
  const byId = new Map<AgentId, SaidByBot>(bots.map(bot => [bot.id, bot]))
  return {
    defaultAgent: agents.defaultAgent,
    nameOf: id => agents.nameOf(id) ?? byId.get(id)?.name,
    botOf: id => byId.get(id),
    all: [...agents.all, ...ownFirst],
  }
}
