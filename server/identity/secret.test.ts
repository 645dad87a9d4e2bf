import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadSecret } from './secret.ts'

let dataFolder: string
const random = (target: Uint8Array) => crypto.getRandomValues(target as Uint8Array<ArrayBuffer>)

beforeEach(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'skein-secret-'))
})
afterEach(() => rm(dataFolder, { recursive: true }))

test('a secret is made once, kept for the owner of the process alone, and found again', async () => {
  const first = await loadSecret({ given: null, dataFolder: join(dataFolder, 'new'), random })
  expect(first).toHaveLength(32)
  expect((await stat(join(dataFolder, 'new', 'secret'))).mode & 0o777).toBe(0o600)
  expect(await loadSecret({ given: null, dataFolder: join(dataFolder, 'new'), random })).toEqual(first)
  expect(await readdir(join(dataFolder, 'new'))).toEqual(['secret'])
})

test('the environment comes first, and then nothing is kept', async () => {
  expect(await loadSecret({ given: 'x'.repeat(40), dataFolder, random })).toEqual(new TextEncoder().encode('x'.repeat(40)))
  expect(await readdir(dataFolder)).toEqual([])
})

test('two that start at once agree on one secret', async () => {
  const [a, b] = await Promise.all([loadSecret({ given: null, dataFolder, random }), loadSecret({ given: null, dataFolder, random })])
  expect(a).toEqual(b)
})

test('a damaged secret is not replaced: every guest would be a stranger', async () => {
  await writeFile(join(dataFolder, 'secret'), 'short')
  await expect(loadSecret({ given: null, dataFolder, random })).rejects.toThrow(/does not hold 32 bytes/)
  expect(await readFile(join(dataFolder, 'secret'), 'utf8')).toBe('short')
})
