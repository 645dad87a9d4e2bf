/** The part of the environment that is about accounts; see config.ts. */
import * as z from 'zod'
import type { AccountsConfig } from './identity/accounts-port.ts'

const urlOf = (name: string, protocols: readonly string[], example: string) =>
  z.string().refine(text => protocols.includes(URL.parse(text)?.protocol ?? ''), `${name} must be a URL such as ${example}.`)

export const accountsEnvironment = {
  SKEIN_SIGNUP: z.enum(['open', 'invite', 'closed'], { error: 'SKEIN_SIGNUP must be one of: open, invite, closed.' }).default('open'),
  SKEIN_ACCOUNTS_URL: urlOf('SKEIN_ACCOUNTS_URL', ['postgres:', 'postgresql:'], 'postgres://skein:password@127.0.0.1/skein').optional(),
  SKEIN_SMTP_URL: urlOf('SKEIN_SMTP_URL', ['smtp:', 'smtps:'], 'smtps://name:password@mail.example.org').optional(),
  SKEIN_SMTP_FROM: z.string().regex(/@/, 'SKEIN_SMTP_FROM must be an address that mails come from, such as skein@example.org.').optional(),
}

type Values = z.infer<z.ZodObject<typeof accountsEnvironment>>
type Given = Readonly<Partial<Record<string, string>>>

export const accountsConfigOf = (values: Values, given: Given): AccountsConfig => ({
  signUp: values.SKEIN_SIGNUP,
  url: values.SKEIN_ACCOUNTS_URL ?? null,
  smtp: values.SKEIN_SMTP_URL && values.SKEIN_SMTP_FROM ? { url: values.SKEIN_SMTP_URL, from: values.SKEIN_SMTP_FROM } : null,
  providers: providerNames(given).map(name => ({
    id: name.toLowerCase(),
    name: given[`SKEIN_OIDC_${name}_NAME`] ?? name.charAt(0) + name.slice(1).toLowerCase(),
    issuer: (given[`SKEIN_OIDC_${name}_ISSUER`] ?? '').replace(/\/+$/, ''),
    clientId: given[`SKEIN_OIDC_${name}_CLIENT_ID`] ?? '',
    clientSecret: given[`SKEIN_OIDC_${name}_CLIENT_SECRET`] ?? null,
  })),
})

const PROVIDER = /^SKEIN_OIDC_([A-Z0-9]{1,32})_(ISSUER|CLIENT_ID|CLIENT_SECRET|NAME)$/

const providerNames = (given: Given): string[] =>
  [...new Set(Object.keys(given).flatMap(key => PROVIDER.exec(key)?.[1] ?? []))].sort()

/** What is wrong with variables that only together make sense. */
export const accountsProblems = (given: Given): string[] => {
  const problems: string[] = []
  if ((given['SKEIN_SMTP_URL'] === undefined) !== (given['SKEIN_SMTP_FROM'] === undefined)) {
    problems.push('SKEIN_SMTP_URL and SKEIN_SMTP_FROM belong together: set both to send mail, or neither.')
  }
  if (given['SKEIN_SMTP_URL'] !== undefined && given['SKEIN_PUBLIC_URL'] === undefined) {
    problems.push('SKEIN_PUBLIC_URL must say where browsers reach the server, because mails (SKEIN_SMTP_URL) hold links that lead there.')
  }
  for (const key of Object.keys(given)) {
    if (key.startsWith('SKEIN_OIDC_') && !PROVIDER.test(key)) {
      problems.push(`${key}: providers are set by SKEIN_OIDC_<NAME>_ISSUER, _CLIENT_ID, _CLIENT_SECRET and _NAME, with <NAME> in capital letters and digits.`)
    }
  }
  for (const name of providerNames(given)) {
    const issuer = URL.parse(given[`SKEIN_OIDC_${name}_ISSUER`] ?? '')
    if (issuer?.protocol !== 'https:' && !(issuer?.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(issuer.hostname))) {
      problems.push(`SKEIN_OIDC_${name}_ISSUER must be an https URL, such as https://id.example.org.`)
    }
    if (given[`SKEIN_OIDC_${name}_CLIENT_ID`] === undefined) problems.push(`SKEIN_OIDC_${name}_CLIENT_ID must be set, because SKEIN_OIDC_${name}_… is.`)
  }
  return problems
}
