/** Structured logs: JSON lines on standard output, written by pino, without what could let somebody in. */
import { pino } from 'pino'
import type { DestinationStream } from 'pino'
import type { Logger } from './port.ts'
import { REDACTED, scrub } from './scrub.ts'

/** Names of fields whose values are replaced, wherever a line has them at its top, or one or two levels below. */
const SECRETS = ['cookie', 'setCookie', '"set-cookie"', 'authorization', 'apiKey', 'api_key', 'key', 'password', 'secret', 'ticket', 'token']

const under = (prefix: string) => SECRETS.map(name => name.startsWith('"') ? `${prefix}[${name}]` : `${prefix}.${name}`)

/**
 * @param level pino's: `fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`
 * @param destination standard output unless a test wants to read along
 */
export const createLogger = (level: string, destination?: DestinationStream): Logger => {
  const options = {
    level,
    base: null,
    redact: { paths: [...SECRETS.map(name => name.startsWith('"') ? `[${name}]` : name), ...under('*'), ...under('*.*')], censor: REDACTED },
    // pino names the level by a number; people and log stores read words.
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: pino.stdSerializers.err },
    hooks: { streamWrite: scrub },
  }
  return destination ? pino(options, destination) : pino(options)
}
