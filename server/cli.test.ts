/** The commands for operators, on real stores. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bytes, documentName, record } from '../test/contract/samples.ts'
import { runCommand } from '../test/rig/operator.ts'
import type { CommandResult } from '../test/rig/operator.ts'
import { temporaryFolder } from '../test/rig/server-process.ts'
import { updateKey } from './log/leveldb/keys.ts'
import { openLevelDbLog } from './log/leveldb/leveldb-log.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeEach(async () => { folder = await temporaryFolder() })
afterEach(() => folder.remove())

const run = (...args: string[]): Promise<CommandResult> => runCommand(args, { env: { SKEIN_DATA: '/nowhere' } })

describe('the command verify', () => {
  const write = async (damage: boolean): Promise<void> => {
    const log = await openLevelDbLog({ path: `${folder.path}/log`, durability: 'fsync' })
    for (let n = 0; n < 3; n++) await log.append(documentName('a'), record(bytes(n)))
    if (damage) await log.store.commit([{ type: 'del', key: updateKey(documentName('a'), 1) }])
    await log.close()
  }

  test('ends with 0 when everything is as it was written', async () => {
    await write(false)
    expect(await run('verify', '--data', folder.path)).toEqual({ code: 0, out: 'Everything is as it was written.\n', err: '' })
  })

  test('ends with 1 and one line for each finding', async () => {
    await write(true)
    expect(await run('verify', '--data', folder.path)).toEqual({ code: 1, out: 'conversation/a: record 1 is missing\n', err: '' })
  })

  test.each([
    [['verify', '--data', '/nowhere/at/all'], 'There is no store in the data folder /nowhere/at/all/log'],
    [['verify'], 'There is no store in the data folder /nowhere/log'],
    [['verify', 'more'], '"more" is one word too many.'],
    [['verify', '--date', 'x'], "Unknown option '--date'"],
    [['heal'], 'Usage: node server/cli.ts verify'],
    [[], 'Usage: node server/cli.ts verify'],
  ])('ends with 2 and says why: %j', async (args, reason) => {
    const { code, out, err } = await run(...args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(reason)
  })
})
