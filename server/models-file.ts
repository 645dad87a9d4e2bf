/**
 * `SKEIN_MODELS`: a JSON file that lists the language models of this server, the default one first. Keys stand in the environment, or an
 * admin stores them (`storedKey`: under which name), never in the file:
 *
 *   [{ "id": "sonnet", "name": "Claude Sonnet", "provider": "anthropic", "model": "claude-sonnet-4-5", "apiKeyFrom": "ANTHROPIC_API_KEY",
 *      "contextTokens": 200000, "prices": { "currency": "USD", "input": 3, "output": 15 } }]
 */
import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { isKeptForBots, parseAgentId } from '../shared/ids.ts'
import { providers, usualKeyOf } from './agents/models.ts'
import type { ModelSetup } from './agents/models.ts'
import { ConfigError } from './config-error.ts'
import { isProviderKeyName } from './identity/provider-keys-port.ts'

const price = z.number().nonnegative()
const currency = z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code')
const prices = z.strictObject({ currency, input: price, output: price, cachedInput: price.optional() })
const entry = z.strictObject({
  id: z.string().refine(id => parseAgentId(id) !== null, 'must be a name of small letters, digits, - and _')
    .refine(id => !isKeptForBots(id), 'must not begin with bot-, which is for people\'s bots'),
  name: z.string().min(1).max(100),
  provider: z.enum(providers),
  model: z.string().min(1),
  baseUrl: z.string().refine(text => /^https?:$/.test(URL.parse(text)?.protocol ?? ''), 'must be an http or https URL').optional(),
  /** The environment variable that holds the key. */
  apiKeyFrom: z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'must be the name of an environment variable').optional(),
  storedKey: z.string().refine(isProviderKeyName, 'must be a name of small letters, digits, - and _').optional(),
  contextTokens: z.int().min(1_000).optional(),
  maxOutputTokens: z.int().min(1).optional(),
  prices: prices.optional(),
})
const list = z.array(entry).min(1)

/** @throws ConfigError with every problem; no line holds a key */
export const readModels = async (
  path: string, env: Readonly<Record<string, string | undefined>>
): Promise<[ModelSetup, ...ModelSetup[]]> => {
  const problem = (...lines: string[]): ConfigError => new ConfigError(lines.map(line => `SKEIN_MODELS (${path}): ${line}`))
  let json: unknown
  try {
    json = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) throw problem('the file is not valid JSON.')
    throw problem(`the file cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}).`)
  }
  const read = list.safeParse(json)
  if (!read.success) throw problem(...read.error.issues.map(({ path: at, message }) => `${at.join('.') || 'the list'}: ${message}.`))
  const ids = read.data.map(({ id }) => id)
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice !== undefined) throw problem(`two models have the id ${twice}.`)
  const keyless = read.data.filter(({ apiKeyFrom }) => apiKeyFrom !== undefined && !env[apiKeyFrom]?.trim())
  if (keyless.length > 0) throw problem(...keyless.map(({ id, apiKeyFrom }) => `${id} takes its key from ${apiKeyFrom}, which is not set.`))
  const models = read.data.map(({ apiKeyFrom, storedKey, ...model }) =>
    withoutAbsent({ ...model, ...apiKeyFrom ? { apiKey: env[apiKeyFrom]!.trim() } : { storedKey: storedKey ?? usualKeyOf(model) } }))
  const strays = keysForTwoPlaces(models as ModelSetup[])
  if (strays.length > 0) throw problem(...strays.map(key => `the stored key ${key} would be sent to two places: name another one as "storedKey" of one of the models.`))
  return models as [ModelSetup, ...ModelSetup[]]
}

/** A key is shown to its own provider only. */
const keysForTwoPlaces = (models: readonly ModelSetup[]): string[] => {
  const places = new Map<string, Set<string>>()
  for (const { storedKey, provider, baseUrl } of models) {
    if (storedKey !== undefined) places.set(storedKey, (places.get(storedKey) ?? new Set()).add(baseUrl ?? provider))
  }
  return [...places].flatMap(([key, where]) => where.size > 1 ? [key] : [])
}

const withoutAbsent = <T extends object>(value: T): object =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined))
