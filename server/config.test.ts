/** The environment as settings, and what is said of each that is wrong. */
import { describe, expect, test } from 'vitest'
import { serverLimits } from '../shared/limits.ts'
import { ConfigError } from './config-error.ts'
import { readConfig } from './config.ts'
import type { Config } from './config.ts'

const problemsOf = (env: Record<string, string>): string[] => {
  try {
    readConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

/** Without its functions, no two of which are equal. */
const plain = (config: Config): unknown => JSON.parse(JSON.stringify(config))

describe('what an environment may leave out', () => {
  test('an empty environment gives a server for this machine alone, durable, with the offline agent', () => {
    expect(readConfig({})).toEqual({
      port: 4400,
      host: '127.0.0.1',
      dataFolder: './data',
      auth: 'accounts',
      durability: 'fsync',
      model: null,
    modelsFile: null,
      secrets: null,
      logLevel: 'info',
      offlinePace: 15,
      limits: serverLimits,
      accounts: { signUp: 'open', url: null, smtp: null, providers: [] },
      context: { roots: [], people: [] },
      edge: { publicUrl: null, allowedOrigins: [], trustedProxies: { has: expect.any(Function) }, behindProxy: false, proxyHeaders: 'x-forwarded', tls: null },
      tracing: null,
    })
  })

  test('an empty or blank value counts as not set', () => {
    expect(plain(readConfig({ PORT: '', SKEIN_CLUSTER: ' ', OPENAI_API_KEY: '', SKEIN_AUTH: '  ' }))).toEqual(plain(readConfig({})))
  })

  test('variables of other programs are of no concern', () => {
    expect(plain(readConfig({ PATH: '/bin', HOME: '/root' }))).toEqual(plain(readConfig({})))
  })
})

describe('what an environment sets', () => {
  test('every setting arrives', () => {
    expect(readConfig({
      PORT: '0', HOST: '::1', SKEIN_DATA: '/var/lib/skein', SKEIN_AUTH: 'none', SKEIN_DURABILITY: 'os', SKEIN_SECRET: `${'s'.repeat(32)}, ${'t'.repeat(32)}`,
      OPENAI_API_KEY: 'sk-1', OPENAI_BASE_URL: 'http://127.0.0.1:1/v1/', SKEIN_MODEL: 'm', LOG_LEVEL: 'silent', SKEIN_OFFLINE_PACE: '0',
      SKEIN_MAX_UPDATES_PER_SECOND: '1', SKEIN_MAX_PRESENCE_PER_SECOND: '2', SKEIN_MAX_CONNECTS_PER_SECOND_PER_ADDRESS: '3',
      SKEIN_MAX_CONNECTS_PER_SECOND_PER_PERSON: '4', SKEIN_MAX_CONNECTIONS_PER_PERSON: '5', SKEIN_MAX_CONNECTIONS: '6', SKEIN_HEAD_SECONDS: '7',
      SKEIN_PING_SECONDS: '8', SKEIN_MAX_DOCUMENT_BYTES: '9',
      SKEIN_MAX_READS_PER_MINUTE_PER_PERSON: '10', SKEIN_MAX_READS_PER_MINUTE_PER_ADDRESS: '11', SKEIN_MAX_WRITES_PER_MINUTE_PER_PERSON: '12',
      SKEIN_MAX_WRITES_PER_MINUTE_PER_ADDRESS: '13', SKEIN_MAX_CREDENTIALS_PER_MINUTE_PER_PERSON: '14',
      SKEIN_MAX_SIGN_INS_PER_MINUTE_PER_ADDRESS: '15', SKEIN_MAX_NEW_GUESTS_PER_MINUTE_PER_ADDRESS: '16',
      SKEIN_REPLIES_PER_DAY_PER_GUEST: '17', SKEIN_REPLIES_PER_DAY_PER_PERSON: '18', SKEIN_REPLIES_PER_DAY: '19',
      SKEIN_REPLIES_PER_DAY_OF_GUESTS: '20', SKEIN_MAX_REPLIES_AT_ONCE_PER_PERSON: '21',
      SKEIN_MAX_STREAMS_PER_PERSON: '22', SKEIN_BODY_SECONDS: '23', SKEIN_MAX_WORK_PERCENT_PER_PERSON: '24', SKEIN_STALLED_SECONDS: '25',
      SKEIN_MAX_BODY_BYTES_PER_PERSON: '26', SKEIN_MAX_BODY_BYTES_PER_ADDRESS: '27', SKEIN_MAX_BODY_BYTES: '28',
      SKEIN_PUBLIC_URL: 'https://[::1]:4400', SKEIN_ALLOWED_ORIGINS: 'https://app.example.org, https://b.example:444/',
      SKEIN_TRUSTED_PROXIES: '127.0.0.1,10.0.0.0/8', SKEIN_PROXY_HEADERS: 'forwarded', SKEIN_TLS_CERT: 'cert.pem', SKEIN_TLS_KEY: 'key.pem',
    })).toEqual({
      port: 0, host: '::1', dataFolder: '/var/lib/skein', auth: 'none', durability: 'os', secrets: ['s'.repeat(32), 't'.repeat(32)],
      model: { baseUrl: 'http://127.0.0.1:1/v1', apiKey: 'sk-1', name: 'm' }, modelsFile: null, logLevel: 'silent', offlinePace: 0,
      limits: {
        repliesPerDayPerGuest: 17, repliesPerDayPerPerson: 18, repliesPerDay: 19, repliesPerDayOfGuests: 20, repliesAtOncePerPerson: 21,
        streamsPerPerson: 22, bodySeconds: 23, workPercentPerPerson: 24, stalledSeconds: 25,
        bodyBytesPerPerson: 26, bodyBytesPerAddress: 27, bodyBytes: 28,
        updatesPerSecond: 1, presencePerSecond: 2, connectsPerSecondPerAddress: 3, connectsPerSecondPerPerson: 4, connectionsPerPerson: 5,
        connections: 6, headSeconds: 7, pingSeconds: 8, documentBytes: 9, readsPerMinutePerPerson: 10, readsPerMinutePerAddress: 11,
        writesPerMinutePerPerson: 12, writesPerMinutePerAddress: 13, credentialsPerMinutePerPerson: 14, signInsPerMinutePerAddress: 15,
        newGuestsPerMinutePerAddress: 16,
      },
      edge: {
        publicUrl: new URL('https://[::1]:4400'), allowedOrigins: ['https://app.example.org', 'https://b.example:444'],
        trustedProxies: { has: expect.any(Function) }, behindProxy: true, proxyHeaders: 'forwarded', tls: { cert: 'cert.pem', key: 'key.pem' },
      },
      tracing: null,
      accounts: { signUp: 'open', url: null, smtp: null, providers: [] },
      context: { roots: [], people: null },
    })
  })

  test('a key alone means OpenAI itself', () => {
    expect(readConfig({ OPENAI_API_KEY: 'sk-1', SKEIN_MODEL: 'm' }).model).toEqual({ baseUrl: 'https://api.openai.com/v1', apiKey: 'sk-1', name: 'm' })
  })

  test('a local endpoint needs no key', () => {
    expect(readConfig({ OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1', SKEIN_MODEL: 'llama' }).model)
      .toEqual({ baseUrl: 'http://127.0.0.1:11434/v1', apiKey: null, name: 'llama' })
  })
})

describe('what an environment may not be', () => {
  test.each([
    [{ PORT: '65536' }, /^PORT must be a whole number from 0 to 65535\.$/],
    [{ PORT: '44e2' }, /^PORT /],
    [{ PORT: '-1' }, /^PORT /],
    [{ PORT: '9'.repeat(400) }, /^PORT /],
    [{ HOST: 'a b' }, /^HOST /],
    [{ SKEIN_AUTH: 'jwt' }, /^SKEIN_JWT_ISSUER, SKEIN_JWT_AUDIENCE, SKEIN_JWT_ALGORITHMS must be set/],
    [{ SKEIN_AUTH: 'jwt', SKEIN_JWT_ISSUERS: 'i.json', SKEIN_JWT_SECRET: 'x' }, /^SKEIN_JWT_ISSUERS names a file with all issuers, so SKEIN_JWT_SECRET /],
    [{ SKEIN_AUTH: 'jwt', SKEIN_JWT_ISSUERS: 'i.json', SKEIN_JWT_COOKIE: 'a b' }, /^SKEIN_JWT_COOKIE must be the name/],
    [{ SKEIN_AUTH: 'jwt', SKEIN_JWT_ISSUERS: 'i.json', SKEIN_JWT_SEKRET: 'x' }, /SKEIN_JWT_SEKRET/],
    [{ SKEIN_JWT_SECRET: 'x' }, /^SKEIN_JWT_SECRET is set, but people do not sign in by JWT/],
    [{ SKEIN_AUTH: 'open' }, /^SKEIN_AUTH must be one of: accounts, jwt, none\.$/],
    [{ SKEIN_DURABILITY: 'maybe' }, /^SKEIN_DURABILITY must be one of: fsync, os\.$/],
    [{ SKEIN_CLUSTER: 'nats://127.0.0.1' }, /^SKEIN_CLUSTER: this version does not have clusters yet/],
    [{ SKEIN_SECRET: `${'s'.repeat(32)},short` }, /^SKEIN_SECRET must have at least 32 characters, each one/],
    [{ SKEIN_SECRET: 'short' }, /^SKEIN_SECRET must have at least 32 characters/],
    [{ OPENAI_BASE_URL: 'localhost:11434', SKEIN_MODEL: 'm' }, /^OPENAI_BASE_URL must be an http or https URL/],
    [{ OPENAI_API_KEY: 'sk-1' }, /^SKEIN_MODEL must name the model to use, because OPENAI_API_KEY is set/],
    [{ OPENAI_BASE_URL: 'http://127.0.0.1:1' }, /^SKEIN_MODEL must name the model to use, because OPENAI_BASE_URL is set/],
    [{ SKEIN_MODEL: 'm' }, /^SKEIN_MODEL names a model, but nothing says where/],
    [{ SKEIN_MODELS: 'm.json', SKEIN_MODEL: 'm', OPENAI_API_KEY: 'sk-1' }, /^SKEIN_MODELS lists the models and SKEIN_MODEL names one more/],
    [{ LOG_LEVEL: 'loud' }, /^LOG_LEVEL must be one of: fatal, error, warn, info, debug, trace, silent\.$/],
    [{ SKEIN_MAX_CONNECTIONS: '0' }, /SKEIN_MAX_CONNECTIONS.*1 to 1000000/],
    [{ SKEIN_OFFLINE_PACE: '1.5' }, /^SKEIN_OFFLINE_PACE /],
    [{ SKEIN_MAX_READS_PER_MINUTE_PER_PERSON: '0' }, /^SKEIN_MAX_READS_PER_MINUTE_PER_PERSON /],
    [{ SKEIN_PUBLIC_URL: 'chat.example.org' }, /^SKEIN_PUBLIC_URL must be where browsers reach the server, without a path/],
    [{ SKEIN_PUBLIC_URL: 'https://chat.example.org/skein' }, /^SKEIN_PUBLIC_URL /],
    [{ SKEIN_PUBLIC_URL: 'https://me:pw@chat.example.org' }, /^SKEIN_PUBLIC_URL /],
    [{ SKEIN_PUBLIC_URL: 'javascript:alert(1)' }, /^SKEIN_PUBLIC_URL /],
    [{ SKEIN_ALLOWED_ORIGINS: '*' }, /^SKEIN_ALLOWED_ORIGINS /],
    [{ SKEIN_ALLOWED_ORIGINS: 'https://a.example,null' }, /^SKEIN_ALLOWED_ORIGINS /],
    [{ SKEIN_TRUSTED_PROXIES: '10.0.0.0/33' }, /^SKEIN_TRUSTED_PROXIES /],
    [{ SKEIN_TRUSTED_PROXIES: 'proxy.example.org' }, /^SKEIN_TRUSTED_PROXIES /],
    [{ SKEIN_PROXY_HEADERS: 'both' }, /^SKEIN_PROXY_HEADERS must be one of/],
    [{ SKEIN_TLS_CERT: 'cert.pem' }, /^SKEIN_TLS_KEY is missing/],
    [{ SKEIN_TLS_KEY: 'key.pem' }, /^SKEIN_TLS_CERT is missing/],
    [{ SKEIN_TLS_CERT: 'c', SKEIN_TLS_KEY: 'k', SKEIN_PUBLIC_URL: 'http://chat.example.org' }, /^SKEIN_PUBLIC_URL begins with http:/],
    [{ SKEIN_AUTH: 'none', SKEIN_PUBLIC_URL: 'https://chat.example.org' }, /^SKEIN_AUTH=none with SKEIN_PUBLIC_URL/],
  ])('%j is refused with one clear line', (env, line) => {
    const problems = problemsOf(env)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(line)
    expect(problems[0]).not.toContain('\n')
  })

  test('all problems are told together', () => {
    expect(problemsOf({ PORT: 'x', SKEIN_AUTH: 'none', HOST: '0.0.0.0', LOG_LEVEL: 'x', OPENAI_API_KEY: 'sk-1' })).toHaveLength(4)
  })

  test('no problem repeats a secret', () => {
    expect(problemsOf({ OPENAI_API_KEY: 'sk-very-secret', SKEIN_SECRET: 'tiny-secret', OPENAI_BASE_URL: 'ftp://me:pass@host' }).join()).not.toMatch(/secret\b|pass/)
  })
})

describe('a server without identities', () => {
  test.each(['127.0.0.1', '127.8.9.1', 'localhost', '::1', '[::1]'])('may listen on %s', host => {
    expect(readConfig({ SKEIN_AUTH: 'none', HOST: host }).auth).toBe('none')
  })

  test.each(['0.0.0.0', '::', '192.168.1.2', '127.0.0.1.example.com', 'localhost.example.com'])('may not listen on %s', host => {
    const problems = problemsOf({ SKEIN_AUTH: 'none', HOST: host })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain('anyone who can reach this address could read and write everything')
  })
})

describe('traces', () => {
  const { tracing } = readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/', SKEIN_TRACE_CONTENT: 'true' })

  test('go where OpenTelemetry\'s own variables say, without what was said unless that is asked for', () => {
    expect(tracing).toEqual({ url: 'http://collector:4318/v1/traces', withContent: true })
    expect(readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://b/x' }).tracing)
      .toEqual({ url: 'https://b/x', withContent: false })
    expect(readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a', OTEL_SDK_DISABLED: 'true' }).tracing).toBeNull()
  })

  test('whose variables cannot be kept to end the start with a reason', () => {
    expect(problemsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' })).toEqual([expect.stringContaining('http or https URL')])
    expect(problemsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toEqual([expect.stringContaining('http/protobuf')])
    expect(problemsOf({ SKEIN_TRACE_CONTENT: 'true' })).toEqual([expect.stringContaining('nothing says where they go')])
    expect(problemsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a', SKEIN_TRACE_CONTENT: 'yes' })).toEqual(['SKEIN_TRACE_CONTENT must be true or false.'])
  })
})
