/** `/api/me/export` and `DELETE /api/me`: a person takes what is theirs, and leaves for good. */
import { Hono } from 'hono'
import { stream } from 'hono/streaming'
import { leaveForGood } from '../../shared/api/device-schemas.ts'
import { SkeinError } from '../../shared/errors.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Deletions, Leaving } from '../identity/deletion-port.ts'
import type { Identity } from '../identity/port.ts'
import type { Audit } from '../telemetry/port.ts'
import { callerOf, credentialsOf, signedIn, wholePersonOnly } from './context.ts'
import type { SignedIn } from './context.ts'
import { readBody } from './validation.ts'

export interface MyDataOptions {
  identity: Pick<Identity, 'authenticate'>
  leaving: Pick<Leaving, 'confirm'>
  deletions: Pick<Deletions, 'begin'>
  exportPerson: (who: Principal) => AsyncIterable<string>
  audit: Audit
}

/** `DELETE /api/auth/admin/accounts/:id`: an admin deletes somebody, as that person could. To everybody else there is no such route. */
export const deletePersonRoute = (
  { identity: { admin }, deletions, audit }: Pick<MyDataOptions, 'deletions' | 'audit'> & { identity: Pick<Identity, 'admin'> },
): Hono => new Hono().delete('/accounts/:id', async c => {
  const who = await admin?.admit(credentialsOf(c))
  if (!who) throw new SkeinError('not-found')
  const person = await admin!.find(c.req.param('id'))
  if (!person) throw new SkeinError('not-found')
  if (person.id === who.id) throw new SkeinError('not-allowed', 'An admin leaves as everybody does, under "Devices and data", not by this list. Nothing was changed.')
  await deletions.begin(person)
  audit('account.deleted', { outcome: 'done', principal: who.id, address: callerOf(c).address, about: { account: person.id } })
  return c.body(null, 204)
})

export const myDataRoutes = ({ identity, leaving, deletions, exportPerson, audit }: MyDataOptions): Hono<SignedIn> => {
  const app = new Hono<SignedIn>()
  const known = [signedIn(identity), wholePersonOnly] as const

  app.get('/export', ...known, c => {
    const { principal } = c.var
    audit('account.exported', { outcome: 'done', principal: principal.id, address: callerOf(c).address })
    c.header('Content-Type', 'application/x-ndjson; charset=utf-8')
    c.header('Content-Disposition', 'attachment; filename="skein-export.jsonl"')
    return stream(c, async out => {
      for await (const line of exportPerson(principal)) {
        if (out.aborted) return
        await out.write(line)
      }
    })
  })

  app.delete('/', ...known, async c => {
    const { principal } = c.var
    const { password } = await readBody(c, leaveForGood)
    await leaving.confirm(principal, password)
    await deletions.begin(principal)
    audit('account.deleted', { outcome: 'done', principal: principal.id, address: callerOf(c).address })
    return c.body(null, 204)
  })

  return app
}
