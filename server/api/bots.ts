/** `/api/bots`: programs that a person registers under names of their own, to speak in conversations by a token that acts as them. */
import { Hono } from 'hono'
import type { Context } from 'hono'
import { botChange, newBot } from '../../shared/api/bot-schemas.ts'
import type { Bot as ShownBot, BotList } from '../../shared/api/bot-schemas.ts'
import { looksLike, parseBotName, speaksOf } from '../../shared/bot-name.ts'
import { SkeinError } from '../../shared/errors.ts'
import { parseBotId } from '../../shared/ids.ts'
import type { BotId } from '../../shared/ids.ts'
import { idsOf } from '../../shared/principal.ts'
import type { Principal } from '../../shared/principal.ts'
import type { AgentRegistry } from '../agents/port.ts'
import type { Bot, Bots } from '../identity/bots-port.ts'
import type { Identity } from '../identity/port.ts'
import type { Audit, AuditEventName } from '../telemetry/port.ts'
import { credentialsOf, signedIn, wholePersonOnly } from './context.ts'
import type { SignedIn } from './context.ts'
import { InvalidRequest, readBody } from './validation.ts'

export interface BotsOptions {
  identity: Pick<Identity, 'authenticate'>
  bots: Bots
  agents: Pick<AgentRegistry, 'all'>
  audit: Audit
}

export const botRoutes = ({ identity, bots, agents, audit }: BotsOptions): Hono<SignedIn> => {
  const app = new Hono<SignedIn>()
  const known = [signedIn(identity), wholePersonOnly] as const
  const told = (c: Context<SignedIn>, name: AuditEventName, id: BotId): void =>
    audit(name, { outcome: 'done', principal: c.var.principal.id, address: credentialsOf(c).address, about: { id } })

  /** @throws SkeinError `invalid-request`, `name-taken` */
  const nameFor = (wanted: string, person: Principal): string => {
    const name = parseBotName(wanted)
    if (name === null) throw new InvalidRequest(NOT_A_NAME, [{ field: 'name', problem: NOT_A_NAME }])
    const agent = agents.all.find(each => speaksOf(name, each.name) || speaksOf(name, each.id))
    if (agent) throw new SkeinError('name-taken', `${agent.name} is called like that here, or nearly, so nothing was stored. Choose another name.`)
    if (looksLike(name, person.name)) throw new SkeinError('name-taken', 'You are called like that yourself, so nothing was stored. Choose another name.')
    return name
  }
  const idIn = (c: Context<SignedIn>): BotId => {
    const id = parseBotId(c.req.param('id') ?? '')
    if (!id) throw new SkeinError('not-found')
    return id
  }

  app.get('/', ...known, async c => c.json({ bots: (await bots.listOf(idsOf(c.var.principal))).map(shown) } satisfies BotList))

  app.post('/', ...known, async c => {
    const { name, description = '' } = await readBody(c, newBot)
    const bot = await bots.register(idsOf(c.var.principal), { name: nameFor(name, c.var.principal), description })
    told(c, 'bot.registered', bot.id)
    return c.json(shown(bot), 201)
  })

  app.patch('/:id', ...known, async c => {
    const { name, description } = await readBody(c, botChange)
    const changes = { ...name !== undefined && { name: nameFor(name, c.var.principal) }, ...description !== undefined && { description } }
    const bot = await bots.change(idsOf(c.var.principal), idIn(c), changes)
    if (!bot) throw new SkeinError('not-found')
    told(c, 'bot.changed', bot.id)
    return c.json(shown(bot))
  })

  app.delete('/:id', ...known, async c => {
    const id = idIn(c)
    if (!await bots.remove(idsOf(c.var.principal), id)) throw new SkeinError('not-found')
    told(c, 'bot.deleted', id)
    return c.body(null, 204)
  })

  return app
}

const NOT_A_NAME = 'A bot\'s name is letters of one script, digits, spaces and _ . \' + -, begins with a letter or a digit, and is none that the app uses itself.'

const shown = ({ id, name, description, createdAt }: Bot): ShownBot => ({ id, name, description, createdAt })
