// Keys of model providers in files: sealed, bound to their names and the secret, rotated, and told without any of them.

import { randomFillSync } from 'node:crypto'
import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RandomBytes } from '../../shared/ids.ts'
import { openProviderKeys } from './provider-keys.ts'
import type { Secrets } from './secret.ts'

const KEY = 'sk-ant-a-provider-key-AbCd'
const random: RandomBytes = target => randomFillSync(target)
const secretOf = (n: number): Uint8Array => new Uint8Array(32).fill(n)

let dataFolder: string
beforeEach(async () => { dataFolder = await mkdtemp(join(tmpdir(), 'skein-keys-')) })
afterEach(() => rm(dataFolder, { recursive: true }))

const open = (first: number, ...older: number[]) => {
  const secrets = async (): Promise<Secrets> => [secretOf(first), ...older.map(secretOf)]
  return openProviderKeys({ dataFolder, secrets, now: () => 1000, random })
}

test('a key is kept, told by its end alone, replaced and removed', async () => {
  const keys = open(1)
  expect([await keys.list(), await keys.read('anthropic'), await keys.remove('anthropic')]).toEqual([[], null, false])
  await keys.set('openai', 'a key of before')
  await keys.set('openai', 'short')
  await keys.set('anthropic', KEY)
  expect(await keys.list()).toEqual([
    { name: 'anthropic', lastFour: 'AbCd', setAt: 1000, readable: true }, { name: 'openai', lastFour: null, setAt: 1000, readable: true },
  ])
  expect([await open(1).read('anthropic'), await keys.read('openai')]).toEqual([KEY, 'short'])
  expect(await keys.remove('openai')).toBe(true)
  expect([await keys.read('openai'), (await keys.list()).length]).toEqual([null, 1])
})

test('on the disk it is encrypted, and for its owner alone', async () => {
  await open(1).set('anthropic', KEY)
  const folder = join(dataFolder, 'provider-keys')
  expect(await readdir(folder)).toEqual(['anthropic'])
  expect(await readFile(join(folder, 'anthropic'), 'utf8')).not.toContain(KEY.slice(7, 20))
  expect([(await stat(folder)).mode & 0o777, (await stat(join(folder, 'anthropic'))).mode & 0o777]).toEqual([0o700, 0o600])
})

test('with another secret it cannot be read, which is told without any of it, and others can', async () => {
  await open(1).set('anthropic', KEY)
  const other = open(2)
  await other.set('openai', KEY)
  const said = await other.read('anthropic').catch(String)
  expect(said).toMatch(/The stored key "anthropic" cannot be read\. It was sealed under a secret that this server does not have any more: add that one to SKEIN_SECRET, or enter the value anew\./)
  expect(await other.read('openai')).toBe(KEY)
  expect(await other.list()).toMatchObject([{ name: 'anthropic', lastFour: null, readable: false }, { name: 'openai', readable: true }])
})

test('one key\'s file is no other key, and what is damaged is no key', async () => {
  const keys = open(1)
  await keys.set('anthropic', KEY)
  const folder = join(dataFolder, 'provider-keys')
  await copyFile(join(folder, 'anthropic'), join(folder, 'openai'))
  await writeFile(join(folder, 'google'), '{')
  for (const name of ['openai', 'google']) await expect(keys.read(name)).rejects.toThrow(`The stored key "${name}" cannot be read`)
})

test.each(['../secret', 'a.b', '', 'A', 'x'.repeat(65)])('what is no name reaches no file: %j', async name => {
  const keys = open(1)
  for (const ask of [() => keys.set(name, KEY), () => keys.read(name), () => keys.remove(name)]) await expect(ask()).rejects.toThrow(/is no name of a key/)
})

test('sealed anew, keys do without the old secret; one that cannot be read is told, and keeps no other back', async () => {
  await open(3).set('anthropic', KEY)
  await open(1).set('openai', KEY)
  const both = [secretOf(2), secretOf(1)] as const
  await expect(open(2, 1).reseal(both)).rejects.toThrow(/"anthropic" cannot be read/)
  expect(await open(2).read('openai')).toBe(KEY)
  await open(3).remove('anthropic')
  await open(2).reseal([secretOf(2)])
  expect((await open(2).list())[0]!.setAt).toBe(1000)
})

test('a key that is stored while the secret is rotated is stored under the one that stays', async () => {
  let asked = 0
  const keys = openProviderKeys({ dataFolder, secrets: async () => [secretOf(asked++ === 0 ? 1 : 2)], now: () => 1, random })
  await keys.set('openai', KEY)
  expect(await open(2).read('openai')).toBe(KEY)
})
