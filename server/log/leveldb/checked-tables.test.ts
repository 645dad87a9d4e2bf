/** Which tables a start looks at. */
import { createHash } from 'node:crypto'
import { readFile, readdir, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { codeOf } from '../../../test/contract/code-of.ts'
import { documentName, record } from '../../../test/contract/samples.ts'
import { levelDbForEachTest } from '../../../test/rig/leveldb-for-each-test.ts'
import type { LevelDbWorld } from '../../../test/rig/leveldb-world.ts'
import { readChecked } from './checked-tables.ts'
import { damageRange } from './keys.ts'

const a = documentName('a')

const on = levelDbForEachTest()

const fill = (count: number, name = a): Promise<void> => on.world.fill(name, count)
const reopenAfter = (work: Parameters<LevelDbWorld['raw']>[0]) => on.world.openAfter(work)

test('a start looks at tables that are new, and at all of them after an unclean stop', async () => {
  /** Only those that the last start found whole: when it opens, LevelDB makes a new one of its log file. */
  const changeTables = async (): Promise<void> => {
    const { tables } = await readChecked(on.world.path, Date.now())
    for (const file of Object.keys(tables).map(file => join(on.world.path, file))) {
      const [{ atime, mtime }, content] = [await stat(file), await readFile(file)]
      content[0]! ^= 1
      await writeFile(file, content)
      await utimes(file, atime, mtime)
    }
  }
  const isDamaged = async (): Promise<boolean> => await codeOf(on.log.read(a)) === 'log-damaged'
  for (let n = 0; n < 3; n++) await on.log.append(a, record(createHash('sha512').update(String(n)).digest()))
  await reopenAfter(database => database.compactRange(['v1'], ['w']))
  const names = async (): Promise<boolean> => (await on.log.store.intactEntries(damageRange)).some(([key]) => key[2] === a)
  await on.log.close()
  await changeTables()
  await on.world.open()
  expect([await names(), await isDamaged()], 'the record itself tells').toEqual([false, true])
  await on.world.crash()
  await on.world.open()
  expect(await names()).toBe(true)
})

test('what was changed since the last stop is looked at', async () => {
  await fill(3)
  await reopenAfter(database => database.compactRange(['v1'], ['w']))
  await on.log.close()
  const [table] = (await readdir(on.world.path)).filter(file => file.endsWith('.ldb'))
  const content = await readFile(join(on.world.path, table!))
  content[0]! ^= 1
  await writeFile(join(on.world.path, table!), content)
  await on.world.open()
  expect((await on.log.store.intactEntries(damageRange)).length).toBeGreaterThan(0)
})
