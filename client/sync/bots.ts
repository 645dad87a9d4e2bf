/** A person's bots and the tokens that act as them, as the app needs it. */
import { createAsk, nothing, post } from './ask.ts'
import { bot, botList } from '../../shared/api/bot-schemas.ts'
import type { Bot } from '../../shared/api/bot-schemas.ts'
import { routes } from '../../shared/api/routes.ts'
import { issuedToken, tokenList } from '../../shared/api/token-schemas.ts'
import type { Token } from '../../shared/api/token-schemas.ts'

export interface BotWithTokens extends Bot {
  /** Newest first. */
  tokens: Token[]
}

/** Methods reject with SkeinError: with the server's code, or `unavailable` where it cannot be reached. */
export interface BotsApi {
  /** The oldest first. */
  list: () => Promise<BotWithTokens[]>
  register: (name: string) => Promise<Bot>
  /** What is open by its tokens ends. */
  remove: (id: string) => Promise<void>
  /** A token by which the bot reads and writes wherever its person may. @returns its secret, which is told this once */
  makeToken: (bot: Bot) => Promise<string>
  endToken: (id: string) => Promise<void>
}

export const createBotsApi = ({ origin = '', fetch: send = fetch }: { origin?: string, fetch?: typeof fetch } = {}): BotsApi => {
  const ask = createAsk(origin, send)
  return {
    list: async () => {
      const [{ bots }, { tokens }] = await Promise.all([ask(botList, routes.bots()), ask(tokenList, routes.tokens())])
      return bots.map(each => ({ ...each, tokens: tokens.filter(({ scopes }) => scopes.actAs?.includes(each.id)) }))
    },
    register: name => ask(bot, routes.bots(), post({ name })),
    remove: async id => void await ask(nothing, routes.bot(id), { method: 'DELETE' }),
    makeToken: async ({ id, name }) =>
      (await ask(issuedToken, routes.tokens(), post({ name, scopes: { read: true, write: true, actAs: [id] } }))).secret,
    endToken: async id => void await ask(nothing, routes.token(id), { method: 'DELETE' })
  }
}
