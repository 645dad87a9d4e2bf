/** The server's secret: made once, kept, rotated. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadSecrets, rotateSecret } from './secret.ts'

let dataFolder: string
const random = (target: Uint8Array) => crypto.getRandomValues(target as Uint8Array<ArrayBuffer>)

beforeEach(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'skein-secret-'))
})
afterEach(() => rm(dataFolder, { recursive: true }))

test('a secret is made once, kept for the owner of the process alone, and found again', async () => {
  const first = await loadSecrets({ given: null, dataFolder: join(dataFolder, 'new'), random })
  expect(first.map(each => each.length)).toEqual([32])
  expect((await stat(join(dataFolder, 'new', 'secret'))).mode & 0o777).toBe(0o600)
  expect(await loadSecrets({ given: null, dataFolder: join(dataFolder, 'new'), random })).toEqual(first)
  expect(await readdir(join(dataFolder, 'new'))).toEqual(['secret'])
})

test('the environment comes first, and then nothing is kept', async () => {
  expect(await loadSecrets({ given: ['x'.repeat(40)], dataFolder, random })).toEqual([new TextEncoder().encode('x'.repeat(40))])
  expect(await readdir(dataFolder)).toEqual([])
})

test('two that start at once agree on one secret', async () => {
  const [a, b] = await Promise.all([loadSecrets({ given: null, dataFolder, random }), loadSecrets({ given: null, dataFolder, random })])
  expect(a).toEqual(b)
})

test('a damaged secret is not replaced: every guest would be a stranger', async () => {
  await writeFile(join(dataFolder, 'secret'), 'short')
  await expect(loadSecrets({ given: null, dataFolder, random })).rejects.toThrow(/does not hold 32 bytes/)
  expect(await readFile(join(dataFolder, 'secret'), 'utf8')).toBe('short')
})

test('the environment may name several, the newest first', async () => {
  const [a, b] = ['a'.repeat(32), 'b'.repeat(32)]
  expect(await loadSecrets({ given: [a, b], dataFolder, random })).toEqual([a, b].map(text => new TextEncoder().encode(text)))
})

const rotation = { random, now: Date.now, forgetOld: false, reseal: async () => {} }

test('a rotation puts a new one in front, and keeps or forgets those before', async () => {
  const [first] = await loadSecrets({ given: null, dataFolder, random })
  expect(await rotateSecret({ ...rotation, dataFolder })).toBe(2)
  const [second, ...older] = await loadSecrets({ given: null, dataFolder, random })
  expect(older).toEqual([first])
  expect(second).not.toEqual(first)
  expect((await stat(join(dataFolder, 'secret'))).mode & 0o777).toBe(0o600)
  expect(await rotateSecret({ ...rotation, dataFolder, forgetOld: true })).toBe(1)
  expect(await loadSecrets({ given: null, dataFolder, random })).toHaveLength(1)
  expect(await readdir(dataFolder)).toEqual(['secret'])
})

test('there is nothing to rotate before there is one', async () => {
  await expect(rotateSecret({ ...rotation, dataFolder: join(dataFolder, 'none') })).rejects.toThrow(/There is no .*secret yet/)
})
