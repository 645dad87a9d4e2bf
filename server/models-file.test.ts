/** The file of `SKEIN_MODELS`: what it sets, and what is said when it is wrong. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ConfigError } from './config-error.ts'
import { readModels } from './models-file.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skein-models-'))
  path = join(folder, 'models.json')
})
afterEach(() => rm(folder, { recursive: true }))

const sonnet = {
  id: 'sonnet', name: 'Claude Sonnet', provider: 'anthropic', model: 'claude-sonnet-4-5', apiKeyFrom: 'ANTHROPIC_API_KEY',
  contextTokens: 200_000, maxOutputTokens: 64_000, prices: { currency: 'USD', input: 3, output: 15 }
}
const local = { id: 'local', name: 'Llama', provider: 'openai-compatible', model: 'llama3', baseUrl: 'http://127.0.0.1:11434/v1' }
const env = { ANTHROPIC_API_KEY: ' sk-ant-secret ' }

const problemsOf = async (models: unknown, environment: Record<string, string> = env): Promise<string[]> => {
  await writeFile(path, typeof models === 'string' ? models : JSON.stringify(models))
  const error = await readModels(path, environment).then(() => null, (thrown: unknown) => thrown)
  if (!(error instanceof ConfigError)) throw new Error(`not a ConfigError: ${String(error)}`)
  return error.problems
}

test('the list is read in its order, keys from the environment', async () => {
  await writeFile(path, JSON.stringify([sonnet, local]))
  const { apiKeyFrom, ...setup } = sonnet
  expect(await readModels(path, env)).toEqual([{ ...setup, apiKey: 'sk-ant-secret' }, { ...local, storedKey: 'local' }])
})

test('a model without a variable takes the key that is stored for its provider, elsewhere one of its own', async () => {
  const keyless = [{ id: 'a' }, { id: 'b', baseUrl: 'https://proxy.example.org/v1' }, { id: 'c', storedKey: 'mine' }].map(each =>
    ({ name: each.id, provider: 'openai', model: 'm', ...each }))
  await writeFile(path, JSON.stringify(keyless))
  expect((await readModels(path, {})).map(({ storedKey }) => storedKey)).toEqual(['openai', 'b', 'mine'])
})

test.each<[string, unknown, RegExp]>([
  ['no JSON', '[{', /the file is not valid JSON\.$/],
  ['no list', sonnet, /the list: /],
  ['an empty list', [], /the list: /],
  ['a key for two places', [{ ...local, storedKey: 'x' }, { ...local, id: 'two', baseUrl: 'https://b.example.org', storedKey: 'x' }], /the stored key x would be sent to two places/],
  ['a key of no name', [{ ...local, storedKey: '../x' }], /0\.storedKey: /],
  ['an unknown provider', [{ ...sonnet, provider: 'acme' }], /0\.provider: /],
  ['an id with spaces', [{ ...sonnet, id: 'a b' }], /0\.id: must be a name/],
  ['an id of bots', [{ ...sonnet, id: 'bot-sonnet' }], /0\.id: must not begin with bot-/],
  ['one id twice', [sonnet, { ...local, id: 'sonnet' }], /two models have the id sonnet\.$/],
  ['a key in the file', [{ ...sonnet, apiKey: 'sk-ant-in-the-file' }], /0: /],
  ['a variable that is none', [{ ...sonnet, apiKeyFrom: 'sk-ant-secret' }], /0\.apiKeyFrom: must be the name of an environment variable/],
  ['a URL that is none', [{ ...local, baseUrl: 'localhost' }], /0\.baseUrl: must be an http or https URL/],
  ['a negative price', [{ ...sonnet, prices: { currency: 'USD', input: -1, output: 1 } }], /0\.prices\.input: /],
])('%s is a problem that names its place and no key', async (_, models, line) => {
  const problems = await problemsOf(models)
  expect(problems.join('\n')).toMatch(line)
  expect(problems.join('\n')).not.toContain('in-the-file')
})

test.each<Record<string, string>>([{}, { ANTHROPIC_API_KEY: ' ' }])('every model without its key is named (%j)', async environment => {
  expect(await problemsOf([sonnet, { ...sonnet, id: 'opus' }], environment)).toEqual(['sonnet', 'opus'].map(id =>
    `SKEIN_MODELS (${path}): ${id} takes its key from ANTHROPIC_API_KEY, which is not set.`))
})

test('a file that is not there is a problem', async () => {
  await expect(readModels(join(folder, 'none.json'), env)).rejects.toThrow(/the file cannot be read \(ENOENT\)/)
})
