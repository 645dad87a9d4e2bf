// Variables of the environment that look like ours and are none, with the name that may be meant; and the guides name only real ones.
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { variablesWithoutEffect } from './config.ts'
import { unknownVariables } from './unknown-variables.ts'

const known = ['PORT', 'SKEIN_AUTH', 'SKEIN_DATA', 'SKEIN_SIGNUP', 'SKEIN_PUBLIC_URL']

test.each([
  ['SKEIN_AUHT', 'SKEIN_AUTH'], ['SKEIN_SIGN_UP', 'SKEIN_SIGNUP'], ['SKEIN_PUBLICURL', 'SKEIN_PUBLIC_URL'], ['SKEIN_DATE', 'SKEIN_DATA'],
])('%s is told as misspelt, and %s as what may be meant', (name, meant) => {
  expect(unknownVariables([name], known)).toEqual([`${name} is set, but no variable of this server has that name, so it sets nothing. Did you mean ${meant}?`])
})

test('a name that is like none is told without a guess; names that have an effect, and those of others, are not', () => {
  expect(unknownVariables(['SKEIN_SOMETHING_ELSE', 'SKEIN_AUTH', 'PORT', 'HOME', 'SKEINX'], known))
    .toEqual([expect.stringMatching(/^SKEIN_SOMETHING_ELSE is set.* sets nothing\. See docs\/operations\.md/)])
})

test('the server knows its own: those of limits, of providers and of issuers too', () => {
  const set = {
    SKEIN_MAX_CONNECTIONS: '5', SKEIN_OIDC_CORP_ISSUER: 'https://id.example.org', SKEIN_JWT_ISSUER: 'x', SKEIN_SMTP_URL: '', SKEIN_MODELS: 'x',
  }
  expect(variablesWithoutEffect(set)).toEqual([])
  expect(variablesWithoutEffect({ ...set, SKEIN_MAX_CONECTIONS: '5', SKEIN_EMPTY: ' ' })).toEqual([expect.stringMatching(/^SKEIN_MAX_CONECTIONS .*SKEIN_MAX_CONNECTIONS\?$/)])
})

test('every variable that the guides name is one that the server knows', () => {
  const folder = new URL('../docs/', import.meta.url)
  const texts = readdirSync(folder).filter(name => name.endsWith('.md')).map(name => readFileSync(new URL(name, folder), 'utf8')).join('\n')
  const named = new Set([...texts.matchAll(/`(SKEIN_[A-Z_]*[A-Z])[`=]/g)].map(([, name]) => name!))
  expect(named.size).toBeGreaterThan(20)
  expect(variablesWithoutEffect(Object.fromEntries([...named].map(name => [name, 'x'])))).toEqual([])
})
