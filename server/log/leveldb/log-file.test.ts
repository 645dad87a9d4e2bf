/** What LevelDB would leave out of a damaged log file is found. */
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bytes, documentName, record } from '../../../test/contract/samples.ts'
import { LevelDbWorld } from '../../../test/rig/leveldb-world.ts'
import { documentNamesIn } from './document-names.ts'
import { findLostParts } from './log-file.ts'

let world: LevelDbWorld
beforeEach(async () => { world = await LevelDbWorld.create() })
afterEach(() => world.dispose())

const logFile = async (): Promise<string> => join(world.path, (await readdir(world.path)).find(file => file.endsWith('.log'))!)

/** @returns the log file of a store whose documents were each written once, some larger than a block of the file */
const written = async (count: number): Promise<Buffer> => {
  const log = await world.open()
  for (let n = 0; n < count; n++) await log.append(documentName(`d${n}`), record(n % 5 === 4 ? new Uint8Array(40_000).fill(n) : bytes(n)))
  await world.crash()
  return readFile(await logFile())
}

const flipped = (file: Buffer, at: number): Buffer => {
  const copy = Buffer.from(file)
  copy[at]! ^= 4
  return copy
}

describe('a log file of LevelDB', () => {
  test('that is whole has lost nothing, wherever a crash cut it off', async () => {
    const file = await written(12)
    for (let length = 0; length <= file.length; length += 61) expect(findLostParts(file.subarray(0, length))).toEqual([])
  })

  test('whose end was left as zeros by a power cut has lost nothing', async () => {
    const file = await written(3)
    const end = Buffer.alloc(4096)
    expect(findLostParts(Buffer.concat([file, end]))).toEqual([])
    expect(findLostParts(Buffer.concat([file.subarray(0, -100), end]))).toEqual([])
  })

  test('with one flipped bit has lost what LevelDB leaves out of it, and names every document of which something is missing', async () => {
    const file = await written(12)
    const path = await logFile()
    for (let at = 3; at < file.length; at += Math.floor(file.length / 40)) {
      const damaged = flipped(file, at)
      const lost = findLostParts(damaged)
      expect(lost.length, `at ${at}`).toBeGreaterThan(0)
      await writeFile(path, damaged)
      const intact = await world.intact()
      const named = lost.flatMap(part => documentNamesIn(part.bytes))
      const missing = Array.from({ length: 12 }, (_, n) => documentName(`d${n}`)).filter(name => !intact.has(name))
      expect(named, `at ${at}`).toEqual(expect.arrayContaining(missing))
    }
  })

  test('is damaged, not cut off, when it is the length of its last record that is wrong', async () => {
    const file = await written(2)
    const whole = findLostParts(file)
    expect(whole).toEqual([])
    // The last batch is whole in the file; the header before it says how long it is.
    let last = 0
    for (let at = 0; at + 7 <= file.length; at += 7 + file.readUInt16LE(at + 4)) last = at
    const longer = Buffer.from(file)
    longer[last + 5]! ^= 1
    expect(findLostParts(longer)).toMatchObject([{ at: last }])
  })
})
