/** An account leaves for good: what is kept of it, who may ask for that, and how nothing stays that lets anybody in. */
import { SkeinError } from '../../../shared/errors.ts'
import type { UserId } from '../../../shared/ids.ts'
import type { Leaving } from '../deletion-port.ts'
import { TryLater } from './failures.ts'
import type { Engine } from './engine.ts'
import { createLockout } from './lockout.ts'
import { provenAt } from './sessions.ts'
import type { SignedInAccount } from './sessions.ts'

export interface AccountLeavingOptions {
  engine: () => Engine['$context']
  /** What the person is besides the account: guests that they were, devices, aliases. */
  guests: Pick<Leaving, 'about' | 'forget'>
  /** Nothing proves this account any more. */
  revoked: (user: UserId) => void
  now: () => number
}

/** Without a password, who asks shows by a session as young as this that they are the person (milliseconds). */
const FRESH_MS = 10 * 60 * 1000

export const createAccountLeaving = ({ engine, guests, revoked, now }: AccountLeavingOptions): Leaving => {
  const lockout = createLockout(now)
  return {
    about: async who => {
      const { internalAdapter, adapter } = await engine()
      const user = await internalAdapter.findUserById(who.id)
      const passkeys = await adapter.findMany<{ name?: string, createdAt?: Date }>({ model: 'passkey', where: [{ field: 'userId', value: who.id }] })
      const accounts = await internalAdapter.findAccounts(who.id)
      return [
        ...user ? [{
          kind: 'account', id: user.id, name: user.name, email: user.email, emailConfirmed: user.emailVerified,
          createdAt: user.createdAt.getTime(), signsInBy: accounts.map(({ providerId }) => providerId === 'credential' ? 'password' : providerId),
        }] : [],
        ...passkeys.map(({ name, createdAt }) => ({ kind: 'passkey', name: name ?? '', createdAt: createdAt?.getTime() ?? null })),
        ...await guests.about(who),
      ]
    },
    confirm: async ({ id, credential }, password) => {
      const { internalAdapter, adapter, password: { verify } } = await engine()
      const hash = (await internalAdapter.findAccounts(id)).find(({ providerId }) => providerId === 'credential')?.password
      if (!hash) {
        const session = await adapter.findOne<SignedInAccount['session']>({ model: 'session', where: [{ field: 'id', value: credential ?? '' }] })
        if (!session || now() - provenAt(session) > FRESH_MS) throw new SkeinError('sign-in-again')
        return
      }
      const admitted = lockout(id, id)
      if ('waitSeconds' in admitted) throw new TryLater('sign-in-locked', admitted.waitSeconds, 'Too many attempts with a wrong password. Nothing was deleted; wait and try again.')
      if (!await verify({ hash, password: password ?? '' })) throw new SkeinError('sign-in-failed', 'The password is not right, so nothing was deleted.')
      admitted.attempt.succeeded()
    },
    forget: async (person, ids) => {
      const { internalAdapter, adapter } = await engine()
      await internalAdapter.deleteUserSessions(person)
      await adapter.deleteMany({ model: 'passkey', where: [{ field: 'userId', value: person }] })
      await internalAdapter.deleteUser(person)
      await guests.forget(person, ids)
      revoked(person)
    },
  }
}
