/** Whatever a line of the log holds, no credential stays in it. */
import { expect, test } from 'vitest'
import { routes } from '../../shared/api/routes.ts'
import { createLogger } from './logger.ts'
import { scrub } from './scrub.ts'

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJTM0NSRVQifQ.S3CRET-_'

test.each([
  'ws://host/sync/conversation/a?ticket=S3CRET',
  'GET /sync/conversation/a?a=1&ticket=S3CRET&b=2 HTTP/1.1',
  '/api/auth/callback/x?code=S3CRET&state=S3CRET#x',
  'Sec-WebSocket-Protocol: skein.v1, skein.ticket.S3CRET, other',
  'authorization: Bearer S3CRET.x',
  'found skein_0123456789abcdef01234567_S3CRET in a text',
  'Authorization: Basic S3CRET=',
  'cookie: a=b; skein_guest=S3CRET.1.2; __Host-skein_guest=S3CRET; better-auth.session_token=S3CRET.x',
  `not a token of ours: ${JWT}`,
  `https://chat.example.org${routes.join('S3CRET')}`,
  'GET /join/S3CRET: not found',
  'a mail with https://chat.example.org/reset#handed-S3CRET was not sent',
  'nor one with https://chat.example.org/confirm#S3CRET, /sign-up#S3CRET or /link#S3CRET',
  `opened ${routes.shared('S3CRET')}`,
  'traces go to https://team:S3CRET@collector.example.org:4318/v1/traces',
  'postgres://skein:S3CRET@x@localhost/skein does not answer',
])('%s is written without its secret', text => {
  expect(scrub(text)).not.toMatch(/S3CRET|eyJzdWI/)
  expect(scrub(text)).toContain('[redacted]')
})

test.each([
  'conversation/01900000-0000-7000-8000-000000000001',
  '/api/conversations/a/messages?limit=20&after=b',
  'a ticket is needed; the token was refused, join the others',
  'Basics of /joinery',
  'https://registry.example.org/@scope/package@1.0 and ann@example.org',
])('%s stays as it is', text => expect(scrub(text)).toBe(text))

test('it holds for what a line has anywhere: a message, an error, its stack, fields deep down', () => {
  const lines: string[] = []
  const logger = createLogger('info', { write: line => { lines.push(line) } })
  const err = new Error('GET /join/S3CRET failed', { cause: new Error('"/sync/a?ticket=S3CRET"') })
  logger.error({ err, deep: { er: { still: ['skein.ticket.S3CRET', { authorization: 'Bearer S3CRET' }] } } }, 'Bearer S3CRET')
  expect(lines).toHaveLength(1)
  expect(lines[0]).not.toContain('S3CRET')
  expect(JSON.parse(lines[0]!)).toMatchObject({ msg: 'Bearer [redacted]', err: { message: expect.stringContaining('/join/[redacted] failed') } })
})
