/** Removing backups that would keep what was taken out. */
import { execFileSync } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { removeBackups } from './backup.ts'
import { temporaryFolder } from '../../../test/rig/server-process.ts'

it('one that cannot be removed is named as such, and the others are removed', async ({ skip }) => {
  const folder = await temporaryFolder()
  const file = join(folder.path, 'log-before-format-2', 'CURRENT')
  const chattr = (change: string): unknown => execFileSync('chattr', [change, file], { stdio: 'ignore' })
  for (const name of ['log', 'log-before-format-2', 'log-before-format-3']) await mkdir(join(folder.path, name))
  await writeFile(file, 'kept')
  try {
    chattr('+i')
  } catch (_notAllowed) {
    await folder.remove()
    return skip('No file can be made immutable here: that takes Linux, root and chattr.')
  }
  try {
    const told: [string, boolean][] = []
    await removeBackups(join(folder.path, 'log'), (path, error) => told.push([path.slice(-8), error === undefined]))
    expect(told.sort()).toEqual([['format-2', false], ['format-3', true]])
    expect((await readdir(folder.path)).sort()).toEqual(['log', 'log-before-format-2'])
  } finally {
    chattr('-i')
    await folder.remove()
  }
})
