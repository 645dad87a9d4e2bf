/** A write that the operating system really refuses: LevelDB takes no other before it was opened again, which the log does by itself. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LevelDbWorld } from '../rig/leveldb-world.ts'
import { documentName } from './samples.ts'

const CHILD = fileURLToPath(new URL('./append-past-a-full-disk.ts', import.meta.url))

let world: LevelDbWorld
beforeEach(async () => { world = await LevelDbWorld.create() })
afterEach(() => world.dispose())

describe.skipIf(process.platform === 'win32')('a disk that refuses a write', () => {
  test('costs no acknowledged record, and writing goes on in a new generation', async () => {
    // A file may have 8 MiB, so a new log file fits; SIGXFSZ is ignored so that the write fails instead of ending the process.
    const { stdout } = await promisify(execFile)('sh', [
      '-c', 'trap "" XFSZ; ulimit -f 16384; exec "$0" "$@"', process.execPath, CHILD, world.path,
    ])
    const { failed, acknowledged, kept, generation, next } = JSON.parse(stdout) as Record<string, number>
    expect(failed).toBe('not-saved')
    expect(kept).toBeGreaterThanOrEqual(acknowledged!)
    expect(kept).toBeLessThanOrEqual(acknowledged! + 1)
    expect(generation).toBe(2)
    expect(next).toBe(kept)
    expect((await (await world.open()).read(documentName('a')))?.updates).toHaveLength(kept! + 1)
  })
})
