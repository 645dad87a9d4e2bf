/**
 * What lets somebody into an account, and how it ends: the sessions alone, or all of it.
 *
 * Whoever knows an address can make an account of it first, and prepare ways in: passkeys, tokens, an account elsewhere. When the person
 * whose address it is takes the account over by proving that, none of these may be left. Nobody can tell the two apart before the proof,
 * so until an address is proven nothing that is added to its account lasts beyond that.
 */
import { parseUserId } from '../../../shared/ids.ts'
import type { UserId } from '../../../shared/ids.ts'
import type { Engine } from './engine.ts'

export interface EndingsOptions {
  context: () => Engine['$context']
  aliasesOf: (person: UserId) => Promise<readonly UserId[]>
  /** What others keep that acts as these, such as tokens, ends. */
  takenOver: (ids: readonly UserId[]) => Promise<void>
  /** Nothing that proved this account until now proves it any more. */
  revoked: (user: UserId) => void
  /** Milliseconds since 1970. */
  now: () => number
}

export interface Endings {
  /**
   * A sign-in that is under way makes no session: what it has looked at may be what just changed. To be followed by the end of sessions.
   */
  interruptSignIns(user: string): Promise<void>
  /** No session of it is left, nor made by a sign-in that is under way. */
  signOut(user: string): Promise<void>
  /** No link that was given out for it, or mailed, is good any more. */
  voidLinks(user: string): Promise<void>
  /** But for its password nothing lets anybody in, or act as it, that did until now. Again changes nothing. */
  beginAnew(user: string): Promise<void>
}

export const createEndings = ({ context, aliasesOf, takenOver, revoked, now }: EndingsOptions): Endings => {
  const interruptSignIns = async (user: string): Promise<void> =>
    void await (await context()).internalAdapter.updateUser(user, { signedOutAt: new Date(now()) })

  const signOut = async (user: string): Promise<void> => {
    await interruptSignIns(user)
    await (await context()).internalAdapter.deleteUserSessions(user)
  }

  return {
    interruptSignIns,
    signOut,
    voidLinks: async user => void await (await context()).adapter.deleteMany({ model: 'verification', where: [{ field: 'value', value: user }] }),
    beginAnew: async user => {
      const { adapter } = await context()
      const id = parseUserId(user)!
      const where = [{ field: 'userId', value: user }]
      await adapter.deleteMany({ model: 'passkey', where })
      await adapter.deleteMany({ model: 'account', where: [...where, { field: 'providerId', operator: 'ne', value: 'credential' }] })
      // The sessions after what makes new ones, and what sessions have made after them.
      await signOut(user)
      await takenOver([id, ...await aliasesOf(id)])
      revoked(id)
    },
  }
}
