/** `/api/tokens`: what a person gives to bots and scripts; and `POST /api/tickets`: what opens a socket where no header can be sent. */
import { Hono } from 'hono'
import type { Context } from 'hono'
import { newTicket, newToken } from '../../shared/api/token-schemas.ts'
import type { IssuedToken, Ticket, TokenList } from '../../shared/api/token-schemas.ts'
import { SkeinError } from '../../shared/errors.ts'
import { parseBotId } from '../../shared/ids.ts'
import { idsOf } from '../../shared/principal.ts'
import { TICKET_PROTOCOL } from '../../shared/wire/frame.ts'
import type { Bots } from '../identity/bots-port.ts'
import type { Identity } from '../identity/port.ts'
import type { Tickets } from '../identity/ticket-port.ts'
import type { Tokens } from '../identity/token-port.ts'
import type { Audit, AuditEventName } from '../telemetry/port.ts'
import type { Gatekeeper } from './access.ts'
import { credentialsOf, signedIn, wholePersonOnly } from './context.ts'
import type { SignedIn } from './context.ts'
import { readBody } from './validation.ts'

export interface TokensOptions {
  identity: Identity
  tokens: Tokens
  tickets: Tickets
  gatekeeper: Gatekeeper
  bots: Pick<Bots, 'adopt'>
  audit: Audit
}

export const tokenRoutes = ({ identity, tokens, tickets, gatekeeper, bots, audit }: TokensOptions): Hono<SignedIn> => {
  const app = new Hono<SignedIn>()
  const known = signedIn(identity)
  const told = (c: Context<SignedIn>, name: AuditEventName, about: Record<string, string | number | boolean>): void => {
    const { id: principal, credential } = c.var.principal
    audit(name, { outcome: 'done', principal, ...credential !== undefined && { credential }, address: credentialsOf(c).address, about })
  }

  app.get('/tokens', known, wholePersonOnly, async c =>
    c.json({ tokens: await tokens.listOf(idsOf(c.var.principal)) } satisfies TokenList))

  app.post('/tokens', known, wholePersonOnly, async c => {
    const wanted = await readBody(c, newToken)
    // What somebody is no member of does not exist for them, here as anywhere.
    for (const name of wanted.scopes.documents ?? []) await gatekeeper.enterDocument(name, c.var.principal)
    for (const id of wanted.scopes.actAs ?? []) {
      const bot = parseBotId(id)
      if (!bot || !await bots.adopt(idsOf(c.var.principal), bot)) throw new SkeinError('bot-unknown')
    }
    const issued = await tokens.create(c.var.principal, wanted)
    told(c, 'token.created', { id: issued.token.id, write: issued.token.scopes.write, days: wanted.days ?? 0 })
    return c.json(issued satisfies IssuedToken, 201)
  })

  app.post('/tokens/:id/rotate', known, wholePersonOnly, async c => {
    const issued = await tokens.rotate(idsOf(c.var.principal), c.req.param('id'))
    if (!issued) throw new SkeinError('not-found')
    told(c, 'token.rotated', { id: issued.token.id })
    return c.json(issued satisfies IssuedToken)
  })

  app.delete('/tokens/:id', known, wholePersonOnly, async c => {
    const id = c.req.param('id')
    if (!await tokens.revoke(idsOf(c.var.principal), id)) throw new SkeinError('not-found')
    told(c, 'token.revoked', { id })
    return c.body(null, 204)
  })

  app.post('/tickets', known, async c => {
    const { document = null } = await readBody(c, newTicket)
    const issued = tickets.issue(c.var.principal, document)
    if (!issued) throw new SkeinError('not-found')
    told(c, 'ticket.created', document === null ? {} : { document })
    return c.json({ ...issued, protocol: TICKET_PROTOCOL + issued.ticket } satisfies Ticket, 201)
  })

  return app
}
