/** Identity of a server for experiments on one machine: everybody is the one local person. */
import type { Identity } from './port.ts'
import { parseUserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'

export const createNoIdentity = (): Identity => {
  const local: Principal = { kind: 'user', id: parseUserId('local')!, name: 'Local' }
  return {
    authenticate: async () => local,
    admitGuest: async () => null,
    onRevoked: () => () => {},
  }
}
