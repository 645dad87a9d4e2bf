/** What an admin of a server sees and decides: its accounts, invitations, and the keys of its models. To everybody else it is not there. */
import { createAsk, nothing, post, withBody } from './ask.ts'
import * as schemas from '../../shared/api/account-schemas.ts'
import type {
  AccountsPage, ChangeOtherAccount, InviteCodes, NewInviteCode, NewResetLink, ProviderKeyList,
} from '../../shared/api/account-schemas.ts'
import { routes } from '../../shared/api/routes.ts'

/** Methods reject with SkeinError: `not-found` to who is no admin, `unavailable` where the server cannot be reached. */
export interface AdminApi {
  /** Oldest first. @param after the `next` of the page before */
  accounts: (after?: string) => Promise<AccountsPage>
  change: (id: string, change: ChangeOtherAccount) => Promise<void>
  /** The person and all that is theirs alone. */
  remove: (id: string) => Promise<void>
  resetLink: (id: string) => Promise<NewResetLink>
  inviteCodes: () => Promise<InviteCodes['inviteCodes']>
  invite: () => Promise<NewInviteCode>
  withdrawInvite: (id: string) => Promise<void>
  providerKeys: () => Promise<ProviderKeyList['keys']>
  setProviderKey: (name: string, key: string) => Promise<void>
  removeProviderKey: (name: string) => Promise<void>
}

const { auth } = routes

export const createAdminApi = ({ origin = '', fetch: send = fetch }: { origin?: string, fetch?: typeof fetch } = {}): AdminApi => {
  const ask = createAsk(origin, send)
  const tell = async (path: string, init: RequestInit): Promise<void> => void await ask(nothing, path, init)
  const remove = (path: string): Promise<void> => tell(path, { method: 'DELETE' })
  return {
    accounts: after => ask(schemas.accountsPage, auth.accounts(after)),
    change: (id, change) => tell(auth.otherAccount(id), withBody('PATCH', change)),
    remove: id => remove(auth.otherAccount(id)),
    resetLink: id => ask(schemas.newResetLink, auth.resetLink(id), post({})),
    inviteCodes: async () => (await ask(schemas.inviteCodes, auth.inviteCodes())).inviteCodes,
    invite: () => ask(schemas.newInviteCode, auth.inviteCodes(), post({})),
    withdrawInvite: id => remove(auth.inviteCode(id)),
    providerKeys: async () => (await ask(schemas.providerKeys, auth.providerKeys())).keys,
    setProviderKey: (name, key) => tell(auth.providerKeys(), post({ name, key })),
    removeProviderKey: name => remove(auth.providerKey(name)),
  }
}
