/** Whom a message may be for beside the server's agents: bots of the people who may write in its conversation now. */
import type { Directory } from './directory/port.ts'
import type { Bots } from './identity/bots-port.ts'
import type { BotsIn } from './room/asked-bots.ts'

export const botsOfWriters = (directory: Pick<Directory, 'find'>, bots: Pick<Bots, 'listOf'>): BotsIn => async name => {
  const entry = await directory.find(name)
  const writers = [...entry?.members ?? []].filter(([, { role }]) => role !== 'viewer')
  const theirs = await Promise.all(writers.map(async ([id, person]) =>
    (await bots.listOf([id])).map(bot => ({ id: bot.id, name: bot.name, of: { id, name: person.name } }))))
  return theirs.flat()
}
