/** The environment as a checked {@link Config}: every problem is told at once, one line each, before anything else starts. */
import * as z from 'zod'
import { ConfigError } from './config-error.ts'
import { jwtProblems } from './jwt-config.ts'
import { accountsConfigOf, accountsEnvironment, accountsProblems } from './accounts-config.ts'
import { contextConfigOf, contextEnvironment, contextProblems } from './context-config.ts'
import type { ContextConfig } from './context-config.ts'
import type { AccountsConfig } from './identity/accounts-port.ts'
import { isLoopbackAddress } from '../shared/api/origin.ts'
import { serverLimits } from '../shared/limits.ts'
import type { ServerLimits } from '../shared/limits.ts'
import { edgeContradictions, edgeOf, edgeVariables } from './edge/config.ts'
import type { EdgeConfig } from './edge/config.ts'
import type { TracingConfig } from './telemetry/tracing-port.ts'
import { tracingOf, tracingProblems, tracingVariables } from './tracing-config.ts'
import { unknownVariables } from './unknown-variables.ts'

export { ConfigError } from './config-error.ts'

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

/** An endpoint that speaks OpenAI's protocol. */
export interface ModelConfig {
  /** Without a slash at its end. */
  baseUrl: string
  /** Null for local endpoints that want none, such as Ollama. */
  apiKey: string | null
  name: string
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = typeof logLevels[number]

const OPENAI = 'https://api.openai.com/v1'
const SECRET_LENGTH = 32

const wholeNumber = (name: string, low: number, high: number) => {
  const error = `${name} must be a whole number from ${low} to ${high}.`
  return z.string().regex(/^\d{1,9}$/, { error, abort: true }).transform(Number).pipe(z.number().min(low, error).max(high, error))
}
const limit = (name: string, key: keyof ServerLimits, high = 1_000_000) => wholeNumber(name, 1, high).default(serverLimits[key])
const oneOf = <const T extends readonly string[]>(name: string, values: T) =>
  z.enum(values, { error: `${name} must be one of: ${values.join(', ')}.` })
const notYet = (name: string, what: string) =>
  z.undefined({ error: `${name}: this version does not have ${what} yet; unset it.` }).optional()

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
  OPENAI_API_KEY: z.string().optional(),
  OPENAI_BASE_URL: z.string().refine(isHttpUrl, 'OPENAI_BASE_URL must be an http or https URL, such as http://127.0.0.1:11434/v1.').optional(),
  SKEIN_MODEL: z.string().optional(),
  SKEIN_MODELS: z.string().optional(),
  LOG_LEVEL: oneOf('LOG_LEVEL', logLevels).default('info'),
  SKEIN_OFFLINE_PACE: wholeNumber('SKEIN_OFFLINE_PACE', 0, 60_000).default(15),
  SKEIN_REPLIES_PER_DAY_PER_GUEST: limit('SKEIN_REPLIES_PER_DAY_PER_GUEST', 'repliesPerDayPerGuest'),
  SKEIN_REPLIES_PER_DAY_PER_PERSON: limit('SKEIN_REPLIES_PER_DAY_PER_PERSON', 'repliesPerDayPerPerson'),
  SKEIN_REPLIES_PER_DAY: limit('SKEIN_REPLIES_PER_DAY', 'repliesPerDay', 999_999_999),
  SKEIN_MAX_UPDATES_PER_SECOND: limit('SKEIN_MAX_UPDATES_PER_SECOND', 'updatesPerSecond'),
  SKEIN_MAX_PRESENCE_PER_SECOND: limit('SKEIN_MAX_PRESENCE_PER_SECOND', 'presencePerSecond'),
  SKEIN_MAX_CONNECTS_PER_SECOND_PER_ADDRESS: limit('SKEIN_MAX_CONNECTS_PER_SECOND_PER_ADDRESS', 'connectsPerSecondPerAddress'),
  SKEIN_MAX_CONNECTS_PER_SECOND_PER_PERSON: limit('SKEIN_MAX_CONNECTS_PER_SECOND_PER_PERSON', 'connectsPerSecondPerPerson'),
  SKEIN_MAX_CONNECTIONS_PER_PERSON: limit('SKEIN_MAX_CONNECTIONS_PER_PERSON', 'connectionsPerPerson'),
  SKEIN_MAX_CONNECTIONS: limit('SKEIN_MAX_CONNECTIONS', 'connections'),
  SKEIN_MAX_DOCUMENT_BYTES: limit('SKEIN_MAX_DOCUMENT_BYTES', 'documentBytes', 999_999_999),
  SKEIN_HEAD_SECONDS: limit('SKEIN_HEAD_SECONDS', 'headSeconds', 600),
  SKEIN_MAX_READS_PER_MINUTE_PER_PERSON: limit('SKEIN_MAX_READS_PER_MINUTE_PER_PERSON', 'readsPerMinutePerPerson'),
  SKEIN_MAX_READS_PER_MINUTE_PER_ADDRESS: limit('SKEIN_MAX_READS_PER_MINUTE_PER_ADDRESS', 'readsPerMinutePerAddress'),
  SKEIN_MAX_WRITES_PER_MINUTE_PER_PERSON: limit('SKEIN_MAX_WRITES_PER_MINUTE_PER_PERSON', 'writesPerMinutePerPerson'),
  SKEIN_MAX_WRITES_PER_MINUTE_PER_ADDRESS: limit('SKEIN_MAX_WRITES_PER_MINUTE_PER_ADDRESS', 'writesPerMinutePerAddress'),
  SKEIN_MAX_CREDENTIALS_PER_MINUTE_PER_PERSON: limit('SKEIN_MAX_CREDENTIALS_PER_MINUTE_PER_PERSON', 'credentialsPerMinutePerPerson'),
  SKEIN_MAX_SIGN_INS_PER_MINUTE_PER_ADDRESS: limit('SKEIN_MAX_SIGN_INS_PER_MINUTE_PER_ADDRESS', 'signInsPerMinutePerAddress'),
  SKEIN_MAX_NEW_GUESTS_PER_MINUTE_PER_ADDRESS: limit('SKEIN_MAX_NEW_GUESTS_PER_MINUTE_PER_ADDRESS', 'newGuestsPerMinutePerAddress'),
  SKEIN_PING_SECONDS: limit('SKEIN_PING_SECONDS', 'pingSeconds', 600),
  ...accountsEnvironment,
  ...contextEnvironment,
})
type Environment = z.infer<typeof environment>

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
    ...contradictions(given), ...edgeContradictions(given), ...accountsProblems(given), ...jwtProblems(given),
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
    limits: {
      repliesPerDayPerGuest: values.SKEIN_REPLIES_PER_DAY_PER_GUEST,
      repliesPerDayPerPerson: values.SKEIN_REPLIES_PER_DAY_PER_PERSON,
      repliesPerDay: values.SKEIN_REPLIES_PER_DAY,
      updatesPerSecond: values.SKEIN_MAX_UPDATES_PER_SECOND,
      presencePerSecond: values.SKEIN_MAX_PRESENCE_PER_SECOND,
      connectsPerSecondPerAddress: values.SKEIN_MAX_CONNECTS_PER_SECOND_PER_ADDRESS,
      connectsPerSecondPerPerson: values.SKEIN_MAX_CONNECTS_PER_SECOND_PER_PERSON,
      connectionsPerPerson: values.SKEIN_MAX_CONNECTIONS_PER_PERSON,
      documentBytes: values.SKEIN_MAX_DOCUMENT_BYTES,
      connections: values.SKEIN_MAX_CONNECTIONS,
      headSeconds: values.SKEIN_HEAD_SECONDS,
      pingSeconds: values.SKEIN_PING_SECONDS,
      readsPerMinutePerPerson: values.SKEIN_MAX_READS_PER_MINUTE_PER_PERSON,
      readsPerMinutePerAddress: values.SKEIN_MAX_READS_PER_MINUTE_PER_ADDRESS,
      writesPerMinutePerPerson: values.SKEIN_MAX_WRITES_PER_MINUTE_PER_PERSON,
      writesPerMinutePerAddress: values.SKEIN_MAX_WRITES_PER_MINUTE_PER_ADDRESS,
      credentialsPerMinutePerPerson: values.SKEIN_MAX_CREDENTIALS_PER_MINUTE_PER_PERSON,
      signInsPerMinutePerAddress: values.SKEIN_MAX_SIGN_INS_PER_MINUTE_PER_ADDRESS,
      newGuestsPerMinutePerAddress: values.SKEIN_MAX_NEW_GUESTS_PER_MINUTE_PER_ADDRESS,
    },
    accounts: accountsConfigOf(values, given),
    context: contextConfigOf(values, values.SKEIN_AUTH),
    edge: edgeOf(values),
    tracing: tracingOf(given),
  }
}

/** Values that are well-formed each by itself and do not go together. */
const contradictions = (given: Partial<Record<string, string>>): string[] => {
  const { SKEIN_AUTH, HOST, OPENAI_API_KEY, OPENAI_BASE_URL, SKEIN_MODEL, SKEIN_MODELS } = given
  const endpoint = OPENAI_API_KEY ?? OPENAI_BASE_URL
  const problems: string[] = []
  if (SKEIN_AUTH === 'none' && HOST !== undefined && !isLoopbackAddress(HOST)) {
    problems.push(`SKEIN_AUTH=none with HOST=${HOST}: anyone who can reach this address could read and write everything; use HOST=127.0.0.1 or SKEIN_AUTH=accounts.`)
  }
  if (SKEIN_MODELS !== undefined && SKEIN_MODEL !== undefined) {
    problems.push('SKEIN_MODELS lists the models and SKEIN_MODEL names one more: put that into the list, and unset SKEIN_MODEL.')
  } else if (SKEIN_MODELS !== undefined) {
    return problems
  }
  if (endpoint !== undefined && SKEIN_MODEL === undefined) {
    problems.push(`SKEIN_MODEL must name the model to use, because ${OPENAI_API_KEY ? 'OPENAI_API_KEY' : 'OPENAI_BASE_URL'} is set; unset that to use the offline agent only.`)
  }
  if (endpoint === undefined && SKEIN_MODEL !== undefined) {
    problems.push('SKEIN_MODEL names a model, but nothing says where it is: set OPENAI_API_KEY or OPENAI_BASE_URL, or unset SKEIN_MODEL to use the offline agent only.')
  }
  return problems
}

const modelOf = ({ OPENAI_API_KEY, OPENAI_BASE_URL, SKEIN_MODEL }: Environment): ModelConfig | null =>
  SKEIN_MODEL === undefined ? null : {
    baseUrl: (OPENAI_BASE_URL ?? OPENAI).replace(/\/+$/, ''),
    apiKey: OPENAI_API_KEY ?? null,
    name: SKEIN_MODEL,
  }

function isHttpUrl(text: string): boolean {
  const protocol = URL.parse(text)?.protocol
  return protocol === 'http:' || protocol === 'https:'
}
