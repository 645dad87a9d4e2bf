/**
 * Links of a conversation or an artifact. An invitation makes whoever brings it a member; a share link lets whoever brings it read, without
 * being anybody. An owner makes, lists and revokes them.
 */
import { Hono } from 'hono'
import type { Context } from 'hono'
import { routes } from '../../shared/api/routes.ts'
import type { AcceptedInvitation, Link as ListedLink, LinkList, MadeLink } from '../../shared/api/people.ts'
import { invitationSecret, newInvitation, newShareLink } from '../../shared/api/people.ts'
import { SkeinError } from '../../shared/errors.ts'
import { documentId, parseLinkId } from '../../shared/ids.ts'
import type { Directory, Link, NewLink } from '../directory/port.ts'
import type { Identity } from '../identity/port.ts'
import type { Audit, AuditEvent, AuditEventName } from '../telemetry/port.ts'
import type { Access, Gatekeeper } from './access.ts'
import { credentialsOf, personOnly, signedIn, wholePersonOnly } from './context.ts'
import type { SignedIn } from './context.ts'
import { checkOwner, enterShared, sharedDocuments, sharedKind } from './shared-documents.ts'
import { readBody } from './validation.ts'

export interface LinksOptions {
  identity: Identity
  directory: Pick<Directory, 'makeLink' | 'links' | 'revokeLink' | 'accept'>
  gatekeeper: Gatekeeper
  audit: Audit
  /** Milliseconds since 1970. */
  now: () => number
}

type Wanted = Pick<NewLink, 'kind' | 'role' | 'maxUses'> & { hours: number | null }

const HOUR_MS = 3_600_000

export const linkRoutes = ({ identity, directory, gatekeeper, audit, now }: LinksOptions): Hono<SignedIn> => {
  const app = new Hono<SignedIn>()
  const known = signedIn(identity)
  const note = (c: Context<SignedIn>, event: AuditEventName, about: NonNullable<AuditEvent['about']>, outcome: AuditEvent['outcome'] = 'done'): void => {
    const { id: principal } = c.var.principal
    audit(event, { outcome, principal, address: credentialsOf(c).address, about })
  }

  const offered: { kind: NewLink['kind'], path: string, event: 'invitation' | 'share-link', pageOf: (secret: string) => string, read: (c: Context) => Promise<Wanted> }[] = [
    {
      kind: 'join',
      path: 'invitations',
      event: 'invitation',
      pageOf: routes.join,
      read: async c => {
        const { role, hours = null, maxUses = null } = await readBody(c, newInvitation)
        return { kind: 'join', role, hours, maxUses }
      },
    },
    {
      kind: 'read',
      path: 'share-links',
      event: 'share-link',
      pageOf: routes.shared,
      read: async c => {
        const { hours = null } = await readBody(c, newShareLink)
        return { kind: 'read', role: 'viewer', hours, maxUses: null }
      },
    },
  ]

  for (const document of sharedDocuments) {
    const own = async (c: Context<SignedIn>, id: string): Promise<Access> => {
      const access = await enterShared(gatekeeper, document.kind, id, c.var.principal)
      checkOwner(access, 'let people in')
      return access
    }

    for (const { kind, path, event, pageOf, read } of offered) {
      app.get(`${document.path}/${path}`, known, personOnly, async c => {
        const { name } = await own(c, c.req.param('id'))
        const links = await directory.links(name)
        return c.json({ links: links.filter(link => link.kind === kind).map(listed) } satisfies LinkList)
      })

      app.post(`${document.path}/${path}`, known, personOnly, async c => {
        const { name } = await own(c, c.req.param('id'))
        const { hours, ...wanted } = await read(c)
        const at = now()
        const expiresAt = hours === null ? null : at + hours * HOUR_MS
        const { secret, link } = await directory.makeLink(name, { ...wanted, by: c.var.principal.id, at, expiresAt })
        note(c, `${event}.created`, { document: name, link: link.id, role: link.role, expiresAt, maxUses: link.maxUses })
        return c.json({ secret, path: pageOf(secret), link: listed(link) } satisfies MadeLink, 201)
      })

      app.delete(`${document.path}/${path}/:linkId`, known, personOnly, async c => {
        const { name } = await own(c, c.req.param('id'))
        const id = parseLinkId(c.req.param('linkId'))
        if (!id) throw new SkeinError('not-found', 'There is no such link (any more), so nothing was changed.')
        await directory.revokeLink(name, kind, id)
        note(c, `${event}.revoked`, { document: name, link: id })
        return c.body(null, 204)
      })
    }
  }

  app.post('/invitations/accept', known, wholePersonOnly, async c => {
    const { secret } = await readBody(c, invitationSecret)
    const entry = await directory.accept(secret, c.var.principal, now()).catch((error: unknown) => {
      if (error instanceof SkeinError) note(c, 'invitation.refused', { code: error.code }, 'refused')
      throw error
    })
    const role = gatekeeper.roleIn(entry, c.var.principal)
    if (!role) throw new SkeinError('not-found', 'There is no such invitation. Ask for a new one.')
    note(c, 'member.joined', { document: entry.name, role })
    return c.json({ kind: sharedKind(entry.name), id: documentId(entry.name), role } satisfies AcceptedInvitation)
  })

  return app
}

const listed = ({ id, role, by, at, expiresAt, maxUses, uses }: Link): ListedLink => ({ id, role, by, at, expiresAt, maxUses, uses })
