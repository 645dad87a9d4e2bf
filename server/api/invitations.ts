/** Invitations: the owner of a conversation or an artifact makes a secret, and who brings it becomes a member. */
import { Hono } from 'hono'
import type { Context } from 'hono'
import { routes } from '../../shared/api/routes.ts'
import type { AcceptedInvitation, Invitation } from '../../shared/api/schemas.ts'
import { newInvitation } from '../../shared/api/schemas.ts'
import { SkeinError } from '../../shared/errors.ts'
import { documentId, documentKind, parseDocumentName } from '../../shared/ids.ts'
import type { Directory } from '../directory/port.ts'
import type { Identity } from '../identity/port.ts'
import type { Access, Gatekeeper } from './access.ts'
import { personOnly, signedIn } from './context.ts'
import type { SignedIn } from './context.ts'
import type { Feed } from './feed.ts'
import { readBody } from './validation.ts'

export interface InvitationsOptions {
  identity: Identity
  directory: Directory
  gatekeeper: Gatekeeper
  feed: Feed
  now: () => number
}

export const invitationRoutes = ({ identity, directory, gatekeeper, feed, now }: InvitationsOptions): Hono<SignedIn> => {
  const app = new Hono<SignedIn>()
  const known = signedIn(identity)

  const invite = async (c: Context<SignedIn>, { name, role }: Access): Promise<Response> => {
    if (role !== 'owner') {
      const what = documentKind(name)
      throw new SkeinError('not-allowed', `Only the owner of the ${what} may invite people to it, so nothing was changed.`)
    }
    const wanted = await readBody(c, newInvitation)
    const secret = await directory.invite(name, wanted.role, c.var.principal.id, now())
    const answer: Invitation = { secret, path: routes.join(secret) }
    return c.json(answer, 201)
  }

  app.post('/conversations/:id/invitations', known, async c =>
    invite(c, await gatekeeper.enter(c.req.param('id'), c.var.principal)))

  app.post('/documents/artifact/:id/invitations', known, async c => {
    const name = parseDocumentName(`artifact/${c.req.param('id')}`)
    if (!name) throw new SkeinError('not-found')
    return invite(c, await gatekeeper.enterDocument(name, c.var.principal))
  })

  app.post('/invitations/:secret', known, personOnly, async c => {
    const entry = await directory.accept(c.req.param('secret'), c.var.principal)
    const role = entry && gatekeeper.roleIn(entry, c.var.principal)
    if (!role) throw new SkeinError('not-found', 'There is no such invitation. Ask for a new one.')
    const kind = documentKind(entry.name) === 'artifact' ? 'artifact' : 'conversation'
    if (kind === 'conversation') void feed.announce(entry.name)
    const answer: AcceptedInvitation = { kind, id: documentId(entry.name), role }
    return c.json(answer)
  })

  return app
}
