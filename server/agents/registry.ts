/** Which agents this server has, and which one answers by default. */
import { isKeptForBots } from '../../shared/ids.ts'
import type { Agent, AgentRegistry } from './port.ts'

/**
 * @param agents in order of preference: the first is the default. The composition root puts the configured model before the built-in
 *   offline agent, so that a server without a model still answers.
 */
export const createAgentRegistry = (agents: readonly [Agent, ...Agent[]]): AgentRegistry => {
  const byId = new Map(agents.map(agent => [agent.id, agent]))
  const bots = agents.filter(({ id }) => isKeptForBots(id))
  if (bots.length > 0) throw new Error(`No agent may be called ${bots[0]!.id}: what begins like that is a person's bot.`)
  if (byId.size !== agents.length) throw new Error('Two agents have the same id; replies would be put under the wrong name.')
  return { defaultId: agents[0].id, all: agents, find: id => byId.get(id) }
}
