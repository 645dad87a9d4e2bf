/** Which limit each call counts against. */
import { expect, test } from 'vitest'
import { routes } from '../../shared/api/routes.ts'
import { rateKindOf } from './rate-kind.ts'

test.each([
  ['GET', routes.conversations(), 'read'],
  ['HEAD', routes.me(), 'read'],
  ['POST', routes.sync(), 'read'],
  ['GET', '/api/auth/get-session', 'read'],
  ['POST', routes.conversations(), 'write'],
  ['DELETE', routes.conversation('a'), 'write'],
  ['DELETE', routes.conversation('tokens-of-mine'), 'write'],
  ['POST', routes.invitations('a'), 'credential'],
  ['POST', routes.invitations('a', 'artifact'), 'credential'],
  ['POST', '/api/auth/tokens', 'credential'],
  ['POST', '/api/tickets', 'credential'],
  ['POST', routes.acceptInvitation(), 'signIn'],
  ['POST', '/api/auth/sign-in/email', 'signIn'],
  ['PATCH', routes.auth.otherAccount('a'), 'write'],
])('%s %s counts as %s', (method, path, kind) => expect(rateKindOf(method, path)).toBe(kind))
