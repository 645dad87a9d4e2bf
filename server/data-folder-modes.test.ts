/** What others on the machine could read of the data folder is told. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { looseModes } from './data-folder-modes.ts'

test('a folder that others may enter is told, with the files in it that they may read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'skein-modes-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const secret = join(folder, 'secret')
  await writeFile(secret, 'x')
  await chmod(secret, 0o644)
  await chmod(folder, 0o700)
  expect(await looseModes(folder)).toEqual([])
  await chmod(folder, 0o755)
  expect(await looseModes(folder)).toEqual([expect.stringMatching(/mode 755.*chmod go= /), expect.stringContaining('secret is open to other users of this machine (mode 644)')])
  await chmod(secret, 0o600)
  expect(await looseModes(folder)).toHaveLength(1)
  expect(await looseModes(join(folder, 'none'))).toEqual([])
})
