/** Verifying a store names whatever is lost or changed, and changes nothing. */
import { spawn } from 'node:child_process'
import { cp, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bytes, documentName, everythingBeside, record, requestId } from '../../../test/contract/samples.ts'
import { LevelDbWorld } from '../../../test/rig/leveldb-world.ts'
import { commitKey, crcKey, headKey, ledgerKey, stateVectorKey, updateKey } from './keys.ts'
import type { LevelDbLog } from './leveldb-log.ts'
import { verifyStore } from './verify.ts'

const APPENDING = fileURLToPath(new URL('../../../test/contract/append-until-killed.ts', import.meta.url))
const [a, b] = [documentName('a'), documentName('b')]

let world: LevelDbWorld
let log: LevelDbLog
beforeEach(async () => {
  world = await LevelDbWorld.create()
  log = await world.open()
  for (let n = 0; n < 3; n++) for (const name of [a, b]) await log.append(name, record(bytes(n), everythingBeside))
})
afterEach(() => world.dispose())

const findings = async (): Promise<string[]> => (await verifyStore(world.path)).map(({ document, what }) => `${document}: ${what}`)
const findingsAfter = async (work: Parameters<LevelDbWorld['raw']>[0]): Promise<string[]> => {
  await log.close()
  await world.raw(work)
  return findings()
}
const filesOf = async (): Promise<Map<string, Buffer>> =>
  new Map(await Promise.all((await readdir(world.path)).map(async file => [file, await readFile(join(world.path, file))] as const)))

describe('verifying a store', () => {
  test('that is whole finds nothing, after an orderly stop and after a crash, and changes no byte', async () => {
    await world.copy()
    expect(await findings()).toEqual([])
    await world.raw(database => database.compactRange(['a'], ['z']))
    const before = await filesOf()
    expect(await findings()).toEqual([])
    expect(await filesOf()).toEqual(before)
  })

  test('that compaction, erasing and restarts have been at finds nothing', async () => {
    await log.compact(a, { update: bytes(9), stateVector: bytes(0), upTo: 1, scrub: true })
    await log.erase(b)
    await log.close()
    log = await world.open()
    await log.append(b, record(bytes(0)))
    await log.close()
    expect(await findings()).toEqual([])
  })

  test.each([
    ['a record', updateKey(a, 1), `${a}: record 1 is missing`],
    ['the last record and its checksum', updateKey(a, 2), `${a}: record 2 is missing`],
    ['the head', headKey(a), `${a}: the number of its last record is missing`],
    ['the state vector', stateVectorKey(a), `${a}: its state vector is missing or was changed`],
    ['a batch', commitKey(4), 'null: batch 4 is missing: what it held is lost, also where no document shows a gap'],
  ])('names %s that is missing', async (_what, key, finding) => {
    expect(await findingsAfter(database => database.batch([{ type: 'del', key }]))).toEqual([finding])
  })

  test('names a document of which only the state vector is left', async () => {
    expect(await findingsAfter(database => database.clear({ gte: crcKey(a, 0), lte: updateKey(a, 9) }))).toEqual([`${a}: all its records are missing`])
  })

  test('names a changed entry beside the records by its key', async () => {
    const id = requestId(1)
    expect(await findingsAfter(database => database.put(ledgerKey(a, id), Buffer.from('x')))).toEqual([`${a}: the entry "ledger ${a} ${id}" was changed`])
  })

  test('names what a start has found before, until the document is erased', async () => {
    await world.copy()
    const [path] = [...(await filesOf()).keys()].filter(file => file.endsWith('.log')).map(file => join(world.path, file))
    const file = await readFile(path!)
    file[file.length - 20]! ^= 1
    await writeFile(path!, file)
    expect(await findings()).toEqual([expect.stringContaining(`${b}: changes were lost with a damaged part of`)])
    const damaged = await world.open()
    await expect(damaged.read(b)).rejects.toThrow('changes were lost')
    expect((await damaged.read(a))?.updates).toHaveLength(3)
    await damaged.close()
    expect(await findings()).toEqual([expect.stringContaining(`${b}: changes were lost with a damaged part of`)])
    const again = await world.open()
    await again.erase(b)
    await again.close()
    expect(await findings()).toEqual([])
  })

  test('that this process has open is refused, and stays locked for others', async () => {
    await expect(verifyStore(world.path)).rejects.toMatchObject({ problem: 'in-use' })
  })

  test('that another process has open is refused until that one is gone, however it went; a copy of it is not', async () => {
    const path = join(world.path, '..', 'of-another')
    const child = spawn(process.execPath, [APPENDING, path, 'fsync', '1'], { stdio: ['ignore', 'pipe', 'ignore'] })
    const exited = new Promise(resolve => child.once('exit', resolve))
    await new Promise(resolve => child.stdout.once('data', resolve))
    await cp(path, `${path}-copied`, { recursive: true })
    await expect(verifyStore(path)).rejects.toMatchObject({ problem: 'in-use' })
    await verifyStore(`${path}-copied`)
    child.kill('SIGKILL')
    await exited
    expect(await verifyStore(path)).toEqual([])
  })

  test('that does not exist is refused', async () => {
    await expect(verifyStore(join(world.path, 'nowhere'))).rejects.toMatchObject({ problem: 'no-store' })
  })
})
