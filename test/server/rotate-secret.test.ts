// The command that rotates the secret, and what is encrypted with it: killed before each of its steps, nothing that is kept is unreadable.
import { randomFillSync } from 'node:crypto'
import { cp, mkdir, readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openProviderKeys } from '../../server/identity/provider-keys.ts'
import { loadSecrets } from '../../server/identity/secret.ts'
import type { RandomBytes } from '../../shared/ids.ts'
import { runCommand } from '../rig/operator.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'

const DIE = new URL('../rig/die-at-file.ts', import.meta.url).href
const random: RandomBytes = target => randomFillSync(target)
const FORGET = ['rotate-secret', '--forget-old']
const KEYS = { anthropic: 'sk-ant-0123456789abcdef', openai: 'sk-openai-0123456789abcdef' }

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let original: string
beforeEach(async () => {
  folder = await temporaryFolder()
  original = join(folder.path, 'original')
  await mkdir(original)
  for (const [name, key] of Object.entries(KEYS)) await keysIn(original).set(name, key)
})
afterEach(() => folder.remove())

const secretsIn = (dataFolder: string) => loadSecrets({ given: null, dataFolder, random })
const keysIn = (dataFolder: string) => openProviderKeys({ dataFolder, secrets: () => secretsIn(dataFolder), now: () => 1, random })

const run = async (data: string, args: string[], { dieAt, env, input = '' }: { dieAt?: number, env?: Record<string, string>, input?: string } = {}) => {
  const { signal, ...result } = await runCommand([...args, '--data', data], {
    input, node: dieAt === undefined ? [] : ['--import', DIE], env: { ...env, ...dieAt !== undefined && { SKEIN_TEST_DIE_AT_FILE: String(dieAt) } },
  })
  return { killed: signal === 'SIGKILL', ...result }
}
const readAll = async (data: string) =>
  Object.fromEntries(await Promise.all(Object.keys(KEYS).map(async name => [name, await keysIn(data).read(name)])))

test('killed before any of its steps, all is readable, and the next time it is done', async () => {
  const [first] = await secretsIn(original)
  // The secret, two keys, the secret alone: each a draft, its bytes, and its name.
  const STEPS = 12
  const dieAt = async (step: number): Promise<void> => {
    const data = join(folder.path, `step-${step}`)
    await cp(original, data, { recursive: true })
    expect(await run(data, FORGET, { dieAt: step })).toMatchObject({ killed: true })
    expect(await readAll(data), `killed before step ${step}`).toEqual(KEYS)
    // What it left behind is in nobody's way.
    if (step % 3 !== 2) return
    expect(await run(data, FORGET)).toMatchObject({ code: 0, err: '' })
    expect([await readAll(data), (await secretsIn(data)).length]).toEqual([KEYS, 1])
  }
  for (let step = 0; step < STEPS; step += 2) await Promise.all([dieAt(step), dieAt(step + 1)])
  expect(await run(original, FORGET, { dieAt: STEPS })).toMatchObject({ killed: false, code: 0, err: '' })
  expect(await readAll(original)).toEqual(KEYS)
  expect(await secretsIn(original)).not.toContainEqual(first)
}, 60_000)

test('what a killed one left behind is removed by the next, and by the next start; what is being written now is not', async () => {
  const namesIn = async (data: string) => (await readdir(data, { recursive: true })).filter(name => /secret|provider-keys\//.test(name)).sort()
  const clean = await namesIn(original)
  /** Dies when the draft of the secret (of a key) is written and has not its name yet. */
  const killed = async (name: string, dieAt: number): Promise<string> => {
    const data = join(folder.path, name)
    await cp(original, data, { recursive: true })
    await run(data, FORGET, { dieAt })
    expect((await namesIn(data)).filter(each => !clean.includes(each))).toEqual([expect.stringMatching(/\.[0-9a-f]{16}$/)])
    return data
  }
  const age = async (data: string): Promise<void> => {
    const longAgo = new Date(Date.now() - 2 * 60_000)
    for (const name of await namesIn(data)) await utimes(join(data, name), longAgo, longAgo)
  }
  for (const [name, dieAt] of [['of-the-secret', 2], ['of-a-key', 5]] as const) {
    const data = await killed(name, dieAt)
    const left = await namesIn(data)
    expect(await run(data, ['rotate-secret'])).toMatchObject({ code: 0 })
    expect(await namesIn(data)).toEqual(left)
    await age(data)
    expect(await run(data, ['rotate-secret'])).toMatchObject({ code: 0 })
    expect(await namesIn(data)).toEqual(clean)
  }
  const data = await killed('for-a-start', 2)
  await age(data)
  const server = await startServer(data, { SKEIN_AUTH: 'accounts' })
  expect(await namesIn(data)).toEqual(clean)
  await server.stop()
}, 60_000)

test('without forgetting, the new one is in front, and keys need no other', async () => {
  const [first] = await secretsIn(original)
  expect(await run(original, ['rotate-secret'])).toMatchObject({ code: 0, err: '' })
  const [newest, ...older] = await secretsIn(original)
  expect(older).toEqual([first])
  const alone = openProviderKeys({ dataFolder: original, secrets: async () => [newest], now: () => 1, random })
  expect(await alone.read('openai')).toBe(KEYS.openai)
})

test('a key that no secret opens stops the rotation before anything changes', async () => {
  const foreign = openProviderKeys({ dataFolder: original, secrets: async () => [new Uint8Array(32).fill(9)], now: () => 1, random })
  await foreign.set('google', 'sk-of-another-secret')
  const before = await secretsIn(original)
  const { code, err } = await run(original, FORGET)
  expect([code, err]).toEqual([2, expect.stringMatching(/^The stored key "google" cannot be read\. It was sealed under a secret that this server does not have any more.*set-key google.*\n$/)])
  expect(await secretsIn(original)).toEqual(before)
  expect(await readAll(original)).toEqual(KEYS)
})

test('keys are set from standard input, listed by their end, and removed', async () => {
  const secret = 'sk-google-0123456789-WXYZ'
  expect(await run(original, ['set-key', 'google'], { input: `${secret}\n` })).toMatchObject({ code: 0, out: 'It is stored. The next reply uses it.\n', err: '' })
  expect(await keysIn(original).read('google')).toBe(secret)
  const listed = await run(original, ['keys'])
  expect(listed.out.split('\n').map(line => line.split('\t').slice(0, 2).join(' '))).toEqual(['anthropic …cdef', 'google …WXYZ', 'openai …cdef', ''])
  expect(await run(original, ['remove-key', 'google'])).toMatchObject({ code: 0 })
  expect(await run(original, ['remove-key', 'google'])).toMatchObject({ code: 1, err: 'There is no key of this name; nothing was changed.\n' })
  const env = { SKEIN_SECRET: 'another secret of thirty-two characters' }
  expect(await run(original, ['keys'], { env })).toMatchObject({ code: 1, out: expect.stringContaining("openai\tcannot be read with the server's secret") })
})

test.each([
  [['set-key'], '', 'The name of the key is missing.'],
  [['set-key', '../secret'], 'x', '"../secret" is no name of a key'],
  [['set-key', 'openai'], '', 'Standard input has to hold the key and nothing else'],
  [['set-key', 'openai'], 'two words', 'Standard input has to hold the key and nothing else'],
])('%j with %j stores nothing and says why', async (args, input, why) => {
  const { code, err } = await run(original, args, { input })
  expect([code, err.includes(why)]).toEqual([2, true])
  expect(await readAll(original)).toEqual(KEYS)
})
