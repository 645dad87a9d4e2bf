/** The paths of the API, as both sides write them. */
import { expect, test } from 'vitest'
import { routes } from './routes.ts'

test('paths stand where the API answers', () => {
  expect(routes.messages('a')).toBe('/api/conversations/a/messages')
  expect(routes.request('a', 'r')).toBe('/api/conversations/a/requests/r')
  expect(routes.members('a')).toBe('/api/conversations/a/members')
  expect(routes.members('a', 'artifact')).toBe('/api/documents/artifact/a/members')
  expect(routes.acceptInvitation()).toBe('/api/invitations/accept')
  expect(routes.join('s')).toBe('/join#s')
})

test('pages are asked for by what is given', () => {
  expect(routes.conversations()).toBe('/api/conversations')
  expect(routes.conversations({ limit: 5 })).toBe('/api/conversations?limit=5')
  expect(routes.conversations({ limit: 5, before: '1.a' })).toBe('/api/conversations?limit=5&before=1.a')
})

test('what is no id stays one segment of the path', () => {
  expect(routes.messages('../me?x=1#y')).toBe('/api/conversations/..%2Fme%3Fx%3D1%23y/messages')
})
