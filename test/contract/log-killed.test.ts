/** A real process, a real SIGKILL: what it was told is stored is there afterwards. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LevelDbWorld } from '../rig/leveldb-world.ts'
import { bytes, documentName, requestId } from './samples.ts'

const CHILD = fileURLToPath(new URL('./append-until-killed.ts', import.meta.url))
const DOCUMENTS = 8

let world: LevelDbWorld
beforeEach(async () => { world = await LevelDbWorld.create() })
afterEach(() => world.dispose())

/** @returns the child's generation, and the last acknowledged sequence per document */
const appendAndDie = async (durability: string, acknowledgements: number): Promise<{ generation: number, last: Map<number, number> }> => {
  const child = spawn(process.execPath, [CHILD, world.path, durability, String(DOCUMENTS)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const last = new Map<number, number>()
  let generation = 0
  let seen = 0
  for await (const line of createInterface(child.stdout)) {
    const [what, number] = line.split(' ')
    if (what === 'generation') generation = Number(number)
    // The last line of a killed process may be cut short.
    else if (number !== undefined && seen < acknowledgements) last.set(Number(what), Number(number))
    if (++seen === acknowledgements) child.kill('SIGKILL')
  }
  expect(await exited).toEqual([null, 'SIGKILL'])
  return { generation, last }
}

describe('a process that is killed while it appends', () => {
  test.each(['fsync', 'os'])('keeps everything that was acknowledged, whole and gapless, time after time (%s)', async (durability) => {
    let earlier = 0
    for (const acknowledgements of [50, 333, 801]) {
      const { generation, last } = await appendAndDie(durability, acknowledgements)
      expect(generation).toBeGreaterThan(earlier)
      earlier = generation
      const log = await world.open()
      for (const [document, sequence] of last) {
        const name = documentName(`d${document}`)
        const stored = await log.read(name)
        expect(stored?.head).toBeGreaterThanOrEqual(sequence)
        expect(stored?.updates).toEqual(Array.from({ length: stored!.head + 1 }, (_, n) => bytes(n)))
        const ids = Array.from({ length: stored!.head + 2 }, (_, n) => requestId(n))
        expect([...(await log.ledger(name, ids)).keys()]).toEqual(ids.slice(0, -1))
      }
      expect(log.generation).toBeGreaterThan(earlier)
      await log.close()
    }
  })
})
