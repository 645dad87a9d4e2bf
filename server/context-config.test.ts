/** The variables that let messages name files of the server. */
import { expect, it } from 'vitest'
import { ConfigError } from './config-error.ts'
import { readConfig } from './config.ts'

const contextOf = (env: Record<string, string>) => readConfig(env).context
const problemsOf = (env: Record<string, string>): string => {
  try {
    readConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
  }
  return ''
}

it('no folder is read unless it is named, and for nobody but who is named', () => {
  expect(contextOf({})).toEqual({ roots: [], people: [] })
  expect(contextOf({ SKEIN_CONTEXT_ROOTS: '/srv/a, /srv/b', SKEIN_CONTEXT_PEOPLE: 'ann,bob' })).toEqual({ roots: ['/srv/a', '/srv/b'], people: ['ann', 'bob'] })
  expect(contextOf({ SKEIN_CONTEXT_ROOTS: '/srv/a', SKEIN_CONTEXT_PEOPLE: '*' }).people).toBeNull()
  expect(contextOf({ SKEIN_CONTEXT_ROOTS: '/srv/a', SKEIN_AUTH: 'none' })).toEqual({ roots: ['/srv/a'], people: null })
})

it.each<[string, Record<string, string>, RegExp]>([
  ['a path that is not absolute', { SKEIN_CONTEXT_ROOTS: 'here', SKEIN_CONTEXT_PEOPLE: '*' }, /SKEIN_CONTEXT_ROOTS must be absolute/],
  ['the whole machine', { SKEIN_CONTEXT_ROOTS: '/', SKEIN_CONTEXT_PEOPLE: '*' }, /SKEIN_CONTEXT_ROOTS must be absolute/],
  ['two folders of the same name', { SKEIN_CONTEXT_ROOTS: '/a/x,/b/x', SKEIN_CONTEXT_PEOPLE: '*' }, /SKEIN_CONTEXT_ROOTS must be absolute/],
  ['people that are none', { SKEIN_CONTEXT_ROOTS: '/a', SKEIN_CONTEXT_PEOPLE: 'ann smith' }, /SKEIN_CONTEXT_PEOPLE must be ids/],
  ['folders for nobody', { SKEIN_CONTEXT_ROOTS: '/a' }, /name people by their ids/],
  ['people without a folder', { SKEIN_CONTEXT_PEOPLE: 'ann' }, /no folder/]
])('the server does not start with %s', (_, env, message) => expect(problemsOf(env)).toMatch(message))
