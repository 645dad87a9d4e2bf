/** While a store is looked at, nobody opens it; afterwards whoever wants to. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LevelDbWorld } from '../../../test/rig/leveldb-world.ts'
import { whileFree } from './in-use.ts'

const APPENDING = fileURLToPath(new URL('../../../test/contract/append-until-killed.ts', import.meta.url))

let world: LevelDbWorld
beforeEach(async () => {
  world = await LevelDbWorld.create()
  await (await world.open()).close()
})
afterEach(() => world.dispose())

/** @returns what another process says that wants to write into the store: its first line, or why it cannot */
const openElsewhere = async (): Promise<string> => {
  const child = spawn(process.execPath, [APPENDING, world.path, 'fsync', '1'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.on('data', chunk => { errors += String(chunk) })
  const ended = new Promise<string>(resolve => child.once('close', () => resolve(errors)))
  const said = await Promise.race([ended, new Promise<string>(resolve => child.stdout.once('data', chunk => resolve(String(chunk))))])
  child.kill('SIGKILL')
  await ended
  return said
}

test('no other process opens a store that is looked at, and nobody in this one; then both can', async () => {
  await whileFree(world.path, async () => {
    expect(await openElsewhere()).toContain('is in use by another process')
    await expect(whileFree(world.path, async () => undefined)).rejects.toMatchObject({ problem: 'in-use' })
  })
  expect(await openElsewhere()).toContain('generation')
  await (await world.open()).close()
})

test('work that fails leaves the store free', async () => {
  await expect(whileFree(world.path, () => Promise.reject(new Error('no luck')))).rejects.toThrow('no luck')
  await (await world.open()).close()
})
