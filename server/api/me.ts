/** `GET /api/me`: who the caller is here. A browser that nobody knows yet becomes a guest by asking this, and by nothing else. */
import { Hono } from 'hono'
import type { Context } from 'hono'
import type { Me } from '../../shared/api/schemas.ts'
import { SkeinError } from '../../shared/errors.ts'
import { limits } from '../../shared/limits.ts'
import type { AgentRegistry } from '../agents/port.ts'
import type { Identity } from '../identity/port.ts'
import { credentialsOf } from './context.ts'

export interface MeOptions {
  identity: Identity
  agents: Pick<AgentRegistry, 'all' | 'defaultId'>
}

export const meRoutes = ({ identity, agents }: MeOptions): Hono => new Hono().get('/', async c => {
  const credentials = credentialsOf(c)
  const admitted = await identity.admitGuest(credentials, isHttps(c))
  const principal = admitted?.principal ?? await identity.authenticate(credentials)
  if (!principal) throw new SkeinError('unauthenticated')
  if (admitted) c.header('Set-Cookie', admitted.setCookie)
  const { id, name, kind, aliases } = principal
  const answer: Me = {
    principal: { id, name, kind, ...aliases && { aliases: [...aliases] } },
    agents: agents.all.map(({ id, name, description, isLanguageModel }) => ({ id, name, description, isLanguageModel })),
    defaultAgent: agents.defaultId,
    limits: { messageBytes: limits.messageBytes, frameBytes: limits.frameBytes },
  }
  return c.json(answer)
})

/** The proxy's word is good enough: who lies about it only keeps the cookie from coming back to themselves. */
const isHttps = (c: Context): boolean =>
  c.req.url.startsWith('https:') || c.req.header('x-forwarded-proto')?.split(',')[0]?.trim() === 'https'
