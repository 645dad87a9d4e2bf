/** Who belongs to a conversation or an artifact: list, change, remove, leave, hand over. */
import { Hono } from 'hono'
import type { Context } from 'hono'
import type { MemberList } from '../../shared/api/people.ts'
import { handOver, roleChange } from '../../shared/api/people.ts'
import { SkeinError } from '../../shared/errors.ts'
import { parseUserId } from '../../shared/ids.ts'
import type { UserId } from '../../shared/ids.ts'
import { isOwn } from '../../shared/principal.ts'
import type { Principal } from '../../shared/principal.ts'
import * as membership from '../directory/membership.ts'
import type { Directory, DirectoryEntry } from '../directory/port.ts'
import type { Identity } from '../identity/port.ts'
import type { Audit, AuditEventName } from '../telemetry/port.ts'
import type { Gatekeeper } from './access.ts'
import { credentialsOf, personOnly, signedIn } from './context.ts'
import type { SignedIn } from './context.ts'
import { checkOwner, enterShared, sharedDocuments } from './shared-documents.ts'
import { readBody } from './validation.ts'

export interface MembersOptions {
  identity: Identity
  directory: Pick<Directory, 'change'>
  gatekeeper: Gatekeeper
  audit: Audit
  /** Milliseconds since 1970. */
  now: () => number
}

export const memberRoutes = ({ identity, directory, gatekeeper, audit, now }: MembersOptions): Hono<SignedIn> => {
  const app = new Hono<SignedIn>()
  const known = signedIn(identity)
  const note = (c: Context<SignedIn>, event: AuditEventName, about: Record<string, string>): void => {
    const { id: principal } = c.var.principal
    audit(event, { outcome: 'done', principal, address: credentialsOf(c).address, about })
  }

  for (const { kind, path } of sharedDocuments) {
    app.get(`${path}/members`, known, async c => {
      const { entry } = await enterShared(gatekeeper, kind, c.req.param('id'), c.var.principal)
      return c.json(listOf(entry, c.var.principal))
    })

    app.patch(`${path}/members/:userId`, known, personOnly, async c => {
      const { principal } = c.var
      const access = await enterShared(gatekeeper, kind, c.req.param('id'), principal)
      checkOwner(access, 'change what others may do here')
      const { role } = await readBody(c, roleChange)
      const of = userIdOf(c.req.param('userId'))
      const entry = await directory.change(access.name, membership.changeRole(principal, of, role))
      note(c, 'member.role-changed', { document: access.name, member: of, role })
      return c.json(listOf(entry, principal))
    })

    app.delete(`${path}/members/:userId`, known, personOnly, async c => {
      const { principal } = c.var
      const access = await enterShared(gatekeeper, kind, c.req.param('id'), principal)
      checkOwner(access, 'remove people')
      const of = userIdOf(c.req.param('userId'))
      const entry = await directory.change(access.name, membership.removeMember(principal, of, now()))
      note(c, 'member.removed', { document: access.name, member: of })
      return c.json(listOf(entry, principal))
    })

    app.post(`${path}/leave`, known, personOnly, async c => {
      const { name } = await enterShared(gatekeeper, kind, c.req.param('id'), c.var.principal)
      await directory.change(name, membership.leave(c.var.principal))
      note(c, 'member.left', { document: name })
      return c.body(null, 204)
    })

    app.post(`${path}/hand-over`, known, personOnly, async c => {
      const { principal } = c.var
      const access = await enterShared(gatekeeper, kind, c.req.param('id'), principal)
      checkOwner(access, 'hand it over')
      const to = userIdOf((await readBody(c, handOver)).to)
      const entry = await directory.change(access.name, membership.handOver(principal, to))
      note(c, 'owner.changed', { document: access.name, member: to })
      return c.json(listOf(entry, principal))
    })
  }

  return app
}

const listOf = ({ members }: DirectoryEntry, principal: Principal): MemberList =>
  ({ members: [...members].map(([id, { role, name }]) => ({ id, name, role, self: isOwn(principal, id) })) })

const userIdOf = (text: string): UserId => {
  const id = parseUserId(text)
  if (!id) throw new SkeinError('not-found', 'There is no such member, so nothing was changed.')
  return id
}
