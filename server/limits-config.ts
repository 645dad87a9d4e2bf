/** The part of the environment that sets limits; see config.ts. */
import { serverLimits } from '../shared/limits.ts'
import type { ServerLimits } from '../shared/limits.ts'
import { wholeNumber } from './config-values.ts'

const MOST = 1_000_000
/** Where a million may be too few. */
const NO_BOUND = 999_999_999
/** Ten minutes. */
const MOST_SECONDS = 600

/** The variable of each limit, and the most that it may be set to. */
const variables = {
  repliesPerDayPerGuest: ['SKEIN_REPLIES_PER_DAY_PER_GUEST', MOST],
  repliesPerDayPerPerson: ['SKEIN_REPLIES_PER_DAY_PER_PERSON', MOST],
  repliesPerDayOfGuests: ['SKEIN_REPLIES_PER_DAY_OF_GUESTS', NO_BOUND],
  repliesPerDay: ['SKEIN_REPLIES_PER_DAY', NO_BOUND],
  repliesAtOncePerPerson: ['SKEIN_MAX_REPLIES_AT_ONCE_PER_PERSON', MOST],
  updatesPerSecond: ['SKEIN_MAX_UPDATES_PER_SECOND', MOST],
  workPercentPerPerson: ['SKEIN_MAX_WORK_PERCENT_PER_PERSON', 100],
  presencePerSecond: ['SKEIN_MAX_PRESENCE_PER_SECOND', MOST],
  connectsPerSecondPerAddress: ['SKEIN_MAX_CONNECTS_PER_SECOND_PER_ADDRESS', MOST],
  connectsPerSecondPerPerson: ['SKEIN_MAX_CONNECTS_PER_SECOND_PER_PERSON', MOST],
  connectionsPerPerson: ['SKEIN_MAX_CONNECTIONS_PER_PERSON', MOST],
  streamsPerPerson: ['SKEIN_MAX_STREAMS_PER_PERSON', MOST],
  connections: ['SKEIN_MAX_CONNECTIONS', MOST],
  documentBytes: ['SKEIN_MAX_DOCUMENT_BYTES', NO_BOUND],
  bodyBytesPerPerson: ['SKEIN_MAX_BODY_BYTES_PER_PERSON', NO_BOUND],
  bodyBytesPerAddress: ['SKEIN_MAX_BODY_BYTES_PER_ADDRESS', NO_BOUND],
  bodyBytes: ['SKEIN_MAX_BODY_BYTES', NO_BOUND],
  bodySeconds: ['SKEIN_BODY_SECONDS', MOST_SECONDS],
  headSeconds: ['SKEIN_HEAD_SECONDS', MOST_SECONDS],
  readsPerMinutePerPerson: ['SKEIN_MAX_READS_PER_MINUTE_PER_PERSON', MOST],
  readsPerMinutePerAddress: ['SKEIN_MAX_READS_PER_MINUTE_PER_ADDRESS', MOST],
  writesPerMinutePerPerson: ['SKEIN_MAX_WRITES_PER_MINUTE_PER_PERSON', MOST],
  writesPerMinutePerAddress: ['SKEIN_MAX_WRITES_PER_MINUTE_PER_ADDRESS', MOST],
  credentialsPerMinutePerPerson: ['SKEIN_MAX_CREDENTIALS_PER_MINUTE_PER_PERSON', MOST],
  signInsPerMinutePerAddress: ['SKEIN_MAX_SIGN_INS_PER_MINUTE_PER_ADDRESS', MOST],
  newGuestsPerMinutePerAddress: ['SKEIN_MAX_NEW_GUESTS_PER_MINUTE_PER_ADDRESS', MOST],
  pingSeconds: ['SKEIN_PING_SECONDS', MOST_SECONDS],
  stalledSeconds: ['SKEIN_STALLED_SECONDS', MOST_SECONDS],
} as const satisfies Record<keyof ServerLimits, readonly [name: string, most: number]>

type LimitKey = keyof typeof variables
type LimitVariable = typeof variables[LimitKey][0]

const keys = Object.keys(variables) as LimitKey[]

const limit = (key: LimitKey) => {
  const [name, most] = variables[key]
  return wholeNumber(name, 1, most).default(serverLimits[key])
}

export const limitsEnvironment =
  Object.fromEntries(keys.map(key => [variables[key][0], limit(key)])) as Record<LimitVariable, ReturnType<typeof limit>>

export const limitsOf = (values: Readonly<Record<LimitVariable, number>>): ServerLimits =>
  Object.fromEntries(keys.map(key => [key, values[variables[key][0]]])) as ServerLimits
