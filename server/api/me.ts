/** `GET /api/me`: who the caller is here. A browser that nobody knows yet becomes a guest by asking this, and by nothing else. */
import { Hono } from 'hono'
import type { Me } from '../../shared/api/schemas.ts'
import { SkeinError } from '../../shared/errors.ts'
import { limits } from '../../shared/limits.ts'
import { holderOf } from '../../shared/principal.ts'
import type { AgentRegistry } from '../agents/port.ts'
import type { Identity } from '../identity/port.ts'
import type { Edge } from '../edge/edge.ts'
import { callerOf, credentialsOf } from './context.ts'
import type { Paced } from './context.ts'

export interface MeOptions {
  identity: Identity
  agents: Pick<AgentRegistry, 'all' | 'defaultId'>
  /** Of the server's that messages may name; none when left out. */
  files?: { readonly roots: readonly string[], mayUse(userId: string): boolean }
  edge: Pick<Edge, 'isSecure' | 'rateLimits'>
}

export const meRoutes = ({ identity, agents, files, edge }: MeOptions): Hono<Paced> => new Hono<Paced>().get('/', async c => {
  const credentials = credentialsOf(c)
  const known = await identity.authenticate(credentials)
  if (known) c.var.admitPerson?.(holderOf(known).id)
  else edge.rateLimits?.admitAddress('newGuest', credentials.address)
  const admitted = await identity.admitGuest(credentials, edge.isSecure(callerOf(c)))
  const principal = admitted?.principal ?? known
  if (!principal) throw new SkeinError('unauthenticated')
  if (admitted) c.header('Set-Cookie', admitted.setCookie)
  const { id, name, kind, aliases, credential } = principal
  const { user, device } = c.req.query()
  const before = user && device && device !== credential ? await identity.whatBecameOf?.(user, device) : null
  const answer: Me = {
    principal: { id, name, kind, ...aliases && { aliases: [...aliases] } },
    ...credential !== undefined && { device: credential },
    ...before && { before },
    agents: agents.all.map(({ id, name, description, isLanguageModel }) => ({ id, name, description, isLanguageModel })),
    defaultAgent: agents.defaultId,
    accounts: identity.routes !== undefined,
    ...files?.mayUse(id) && { contextRoots: [...files.roots] },
    limits: { messageBytes: limits.messageBytes, frameBytes: limits.frameBytes },
  }
  return c.json(answer)
})
