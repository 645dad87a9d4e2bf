/** The environment as a checked {@link Config}: every problem is told at once, one line each, before anything else starts. */
import * as z from 'zod'
import { ConfigError } from './config-error.ts'
import { notYet, oneOf, wholeNumber } from './config-values.ts'
import { contextConfigOf, contextEnvironment, contextProblems } from './context-config.ts'
import type { ContextConfig } from './context-config.ts'
import { accountsConfigOf, accountsEnvironment, accountsProblems } from './accounts-config.ts'
import type { AccountsConfig } from './identity/accounts-port.ts'
import { isLoopbackAddress } from '../shared/api/origin.ts'
import type { ServerLimits } from '../shared/limits.ts'
import { edgeContradictions, edgeOf, edgeVariables } from './edge/config.ts'
import type { EdgeConfig } from './edge/config.ts'
import { jwtProblems } from './jwt-config.ts'
import { limitsEnvironment, limitsOf } from './limits-config.ts'
import { modelEnvironment, modelOf, modelProblems } from './model-config.ts'
import type { ModelConfig } from './model-config.ts'
import type { TracingConfig } from './telemetry/tracing-port.ts'
import { tracingOf, tracingProblems, tracingVariables } from './tracing-config.ts'
import { unknownVariables } from './unknown-variables.ts'

export interface Config {
  port: number
  host: string
  /** Folder of everything that is kept; made when it does not exist. */
  dataFolder: string
  /**
   * `accounts`: guests by a signed cookie, and accounts; `jwt`: who shows a token of an issuer that is trusted, see jwt-config.ts; `none`:
   * everybody is the one local principal.
   */
  auth: 'accounts' | 'jwt' | 'none'
  /** `fsync`: acknowledged means on disk; `os`: it survives a crash of the process, not one of the machine. */
  durability: 'fsync' | 'os'
  /** Null: only the built-in offline agent answers. */
  model: ModelConfig | null
  /** Path of a file that lists the models (see `models-file.ts`); null: there is none. */
  modelsFile: string | null
  /** What cookies are signed with, the newest first; null: those that are kept in the data folder. */
  secrets: readonly string[] | null
  logLevel: LogLevel
  /** Milliseconds per token of the offline agent. */
  offlinePace: number
  limits: ServerLimits
  accounts: AccountsConfig
  /** Files of the server that messages may name. */
  context: ContextConfig
  /** How the server is reached from outside. */
  edge: EdgeConfig
  /** Null: nothing is traced. */
  tracing: TracingConfig | null
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = typeof logLevels[number]

const SECRET_LENGTH = 32

const environment = z.object({
  PORT: wholeNumber('PORT', 0, 65_535).default(4400),
  HOST: z.string().transform(host => host.replace(/^\[(.*)\]$/, '$1')).pipe(z.string().regex(/^[A-Za-z0-9.:_%-]+$/, 'HOST must be a host name or an address to listen on, such as 127.0.0.1 or 0.0.0.0.')).default('127.0.0.1'),
  ...edgeVariables,
  SKEIN_DATA: z.string().default('./data'),
  SKEIN_AUTH: oneOf('SKEIN_AUTH', ['accounts', 'jwt', 'none']).default('accounts'),
  SKEIN_DURABILITY: oneOf('SKEIN_DURABILITY', ['fsync', 'os']).default('fsync'),
  SKEIN_CLUSTER: notYet('SKEIN_CLUSTER', 'clusters'),
  SKEIN_SECRET: z.string().transform(text => text.split(',').map(each => each.trim())).pipe(z.array(z.string().min(SECRET_LENGTH, {
    error: `SKEIN_SECRET must have at least ${SECRET_LENGTH} characters, each one where several stand with commas between them; \`openssl rand -hex 32\` makes a good one.`,
  }))).optional(),
  ...modelEnvironment,
  LOG_LEVEL: oneOf('LOG_LEVEL', logLevels).default('info'),
  SKEIN_OFFLINE_PACE: wholeNumber('SKEIN_OFFLINE_PACE', 0, 60_000).default(15),
  ...limitsEnvironment,
  ...accountsEnvironment,
  ...contextEnvironment,
})

/** A sentence for each variable that looks like one of ours and is none. What is wrong with providers' and issuers' stops the start. */
export const variablesWithoutEffect = (env: Readonly<Record<string, string | undefined>>): string[] => {
  const set = Object.keys(env).filter(name => env[name]?.trim() && !/^SKEIN_(OIDC|JWT)_/.test(name))
  return unknownVariables(set, [...Object.keys(environment.shape), ...tracingVariables])
}

/**
 * @param env such as `process.env`; an empty or blank value counts as not set, which is how container files unset one
 * @throws ConfigError with every problem
 */
export const readConfig = (env: Readonly<Record<string, string | undefined>>): Config => {
  const given = Object.fromEntries(Object.entries(env).flatMap(([name, value]) => value?.trim() ? [[name, value.trim()]] : []))
  const read = environment.safeParse(given)
  const problems = [
    ...read.error?.issues.map(issue => issue.message) ?? [],
    ...contradictions(given), ...modelProblems(given), ...edgeContradictions(given), ...accountsProblems(given), ...jwtProblems(given),
    ...tracingProblems(given), ...contextProblems(given),
  ]
  if (!read.success || problems.length > 0) throw new ConfigError(problems)
  const values = read.data
  return {
    port: values.PORT,
    host: values.HOST,
    dataFolder: values.SKEIN_DATA,
    auth: values.SKEIN_AUTH,
    durability: values.SKEIN_DURABILITY,
    model: modelOf(values),
    modelsFile: values.SKEIN_MODELS ?? null,
    secrets: values.SKEIN_SECRET ?? null,
    logLevel: values.LOG_LEVEL,
    offlinePace: values.SKEIN_OFFLINE_PACE,
    limits: limitsOf(values),
    accounts: accountsConfigOf(values, given),
    context: contextConfigOf(values, values.SKEIN_AUTH),
    edge: edgeOf(values),
    tracing: tracingOf(given),
  }
}

/** Values that are well-formed each by itself and do not go together. */
const contradictions = ({ SKEIN_AUTH, HOST }: Partial<Record<string, string>>): string[] =>
  SKEIN_AUTH !== 'none' || HOST === undefined || isLoopbackAddress(HOST) ? []
    : [`SKEIN_AUTH=none with HOST=${HOST}: anyone who can reach this address could read and write everything; use HOST=127.0.0.1 or SKEIN_AUTH=accounts.`]
