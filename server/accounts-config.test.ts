/** The variables of accounts: what they set, and what is said when they are wrong. */
import { describe, expect, test } from 'vitest'
import { readConfig } from './config.ts'

const problemsOf = (env: Record<string, string>): string[] => {
  try {
    readConfig(env)
    return []
  } catch (error) {
    return (error as { problems: string[] }).problems
  }
}
const provider = {
  SKEIN_OIDC_ACME_ISSUER: 'https://id.acme.example/', SKEIN_OIDC_ACME_CLIENT_ID: 'skein', SKEIN_OIDC_ACME_CLIENT_SECRET: 'hush-hush',
}

describe('accounts in the environment', () => {
  test('providers, mail, sign-up and the database arrive', () => {
    expect(readConfig({
      ...provider, SKEIN_SIGNUP: 'invite', SKEIN_ACCOUNTS_URL: 'postgres://skein@127.0.0.1/skein', SKEIN_PUBLIC_URL: 'https://chat.example.org',
      SKEIN_SMTP_URL: 'smtps://mail.example.org', SKEIN_SMTP_FROM: 'skein@example.org',
    }).accounts).toEqual({
      signUp: 'invite',
      url: 'postgres://skein@127.0.0.1/skein',
      smtp: { url: 'smtps://mail.example.org', from: 'skein@example.org' },
      providers: [{ id: 'acme', name: 'Acme', issuer: 'https://id.acme.example', clientId: 'skein', clientSecret: 'hush-hush' }],
    })
  })

  test.each<[Record<string, string>, RegExp]>([
    [{ SKEIN_SIGNUP: 'maybe' }, /^SKEIN_SIGNUP must be one of/],
    [{ SKEIN_ACCOUNTS_URL: 'mysql://x' }, /^SKEIN_ACCOUNTS_URL must be a URL such as postgres/],
    [{ SKEIN_SMTP_FROM: 'skein@example.org' }, /^SKEIN_SMTP_URL and SKEIN_SMTP_FROM belong together/],
    [{ SKEIN_SMTP_URL: 'smtp://127.0.0.1', SKEIN_SMTP_FROM: 'skein@example.org' }, /^SKEIN_PUBLIC_URL must say where browsers reach/],
    [{ SKEIN_SMTP_FROM: 'nobody', SKEIN_SMTP_URL: 'smtp://127.0.0.1', SKEIN_PUBLIC_URL: 'https://a.example' }, /^SKEIN_SMTP_FROM must be an address/],
    [{ ...provider, SKEIN_OIDC_ACME_SCOPE: 'email' }, /^SKEIN_OIDC_ACME_SCOPE: providers are set by/],
    [{ ...provider, SKEIN_OIDC_ACME_ISSUER: 'http://id.acme.example' }, /^SKEIN_OIDC_ACME_ISSUER must be an https URL/],
    [{ SKEIN_OIDC_ACME_ISSUER: 'https://id.acme.example' }, /^SKEIN_OIDC_ACME_CLIENT_ID must be set/],
  ])('%o is a problem that no secret stands in', (env, line) => {
    const problems = problemsOf(env)
    expect(problems.some(problem => line.test(problem)), problems.join('\n')).toBe(true)
    expect(problems.join('\n')).not.toContain('hush-hush')
  })
})
