/** Addresses of pages, there and back. */
import { expect, test } from 'vitest'
import { routes } from '../../../shared/api/routes.ts'
import { accountPath, conversationPath, parseRoute } from './route.ts'

test('the address of a conversation leads back to it', () => {
  expect(parseRoute(conversationPath('0190-ab_C'))).toEqual({ screen: 'conversation', id: '0190-ab_C' })
})

test('the address of an invitation, or of a share link, leads to its secret', () => {
  const addressed = (address: string) => {
    const { pathname, hash } = new URL(address, 'https://host')
    return parseRoute(pathname, hash)
  }
  expect(addressed(routes.join('s3cret_-x'))).toEqual({ screen: 'join', secret: 's3cret_-x' })
  expect(addressed('/join/s3cret_-x')).toEqual({ screen: 'join', secret: 's3cret_-x' })
  expect(addressed(routes.shared('s3cret_-x'))).toEqual({ screen: 'shared', secret: 's3cret_-x' })
})

test('the pages of accounts have addresses of their own', () => {
  expect(parseRoute(accountPath('sign-in'))).toEqual({ screen: 'account', page: 'sign-in' })
  expect(parseRoute('/account')).toEqual({ screen: 'account', page: 'account' })
  expect(parseRoute('/link', '#code')).toEqual({ screen: 'link', code: 'code' })
})

test('a slash at the end changes nothing', () => {
  expect(parseRoute('/c/abc/')).toEqual({ screen: 'conversation', id: 'abc' })
  expect(parseRoute('/')).toEqual({ screen: 'home' })
})

test('an address that names nothing is unknown', () => {
  for (const path of ['/c/', '/c/a/b', '/c/a b', '/c/%2e%2e', '/join', '/elsewhere', '/c/' + 'x'.repeat(129)]) {
    expect(parseRoute(path)).toEqual({ screen: 'unknown' })
  }
})
