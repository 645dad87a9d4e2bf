/**
 * Share links as credentials: whoever brings one is nobody but its reader, who may read one document and nothing else. The rest of what
 * proves people is the identity's business.
 *
 * The secret comes as `Authorization: Bearer skein-link_<secret>`, or in place of a ticket where a socket can send no header. It is never
 * sent in an address: behind `#` in the link, browsers keep it to themselves.
 */
import { LINK_PREFIX } from '../../shared/api/routes.ts'
import { readerId } from '../../shared/ids.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Directory, Link } from '../directory/port.ts'
import { wrapped } from '../identity/port.ts'
import type { Credentials, Identity } from '../identity/port.ts'

export type LinkDirectory = Pick<Directory, 'readerOf'>

/** @param now milliseconds since 1970 */
export const withLinkReaders = (people: Identity, directory: LinkDirectory, now: () => number): Identity => {
  const authenticate = async (secret: string): Promise<Principal | null> => {
    const held = await directory.readerOf(secret)
    return held && (held.link.expiresAt === null || held.link.expiresAt > now()) ? readerBy(held.name, held.link) : null
  }

  return wrapped(people, {
    authenticate: credentials => {
      const secret = secretIn(credentials)
      return secret === null ? people.authenticate(credentials) : authenticate(secret)
    },
    admitGuest: async (credentials, secure) => secretIn(credentials) === null ? people.admitGuest(credentials, secure) : null,
  })
}

const readerBy = (name: DocumentName, { id, expiresAt }: Link): Principal => ({
  kind: 'guest',
  id: readerId(id),
  name: 'Reader by link',
  scopes: { read: true, write: false, documents: [name] },
  credential: readerId(id),
  ...expiresAt !== null && { expiresAt },
})

const secretIn = ({ authorization, ticket }: Credentials): string | null => {
  const [, bearer] = /^bearer +(\S+)$/i.exec(authorization ?? '') ?? []
  const given = ticket ?? bearer
  return given?.startsWith(LINK_PREFIX) ? given.slice(LINK_PREFIX.length) : null
}
