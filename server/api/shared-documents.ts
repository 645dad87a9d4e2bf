/** Documents that have members, as routes name them: each route about members or links is there for both kinds. */
import { SkeinError } from '../../shared/errors.ts'
import { documentKind, parseDocumentName } from '../../shared/ids.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { SharedKind } from '../../shared/api/routes.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Access, Gatekeeper } from './access.ts'

export const sharedDocuments = [
  { kind: 'conversation', path: '/conversations/:id' },
  { kind: 'artifact', path: '/documents/artifact/:id' },
] as const satisfies { kind: SharedKind, path: string }[]

/** @throws SkeinError `not-found` to whoever is no member, as if there were no such document */
export const enterShared = (gatekeeper: Gatekeeper, kind: SharedKind, id: string, principal: Principal): Promise<Access> => {
  const name = parseDocumentName(`${kind}/${id}`)
  if (!name) throw new SkeinError('not-found')
  return gatekeeper.enterDocument(name, principal)
}

export const checkOwner = ({ role }: Access, what: string): void => {
  if (role !== 'owner') throw new SkeinError('not-allowed', `Only an owner may ${what}, so nothing was changed.`)
}

export const sharedKind = (name: DocumentName): SharedKind => documentKind(name) === 'artifact' ? 'artifact' : 'conversation'
