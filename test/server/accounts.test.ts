// Accounts in a file of the data folder.
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, expect, test } from 'vitest'
import { openSqlite } from '../../server/identity/accounts/sqlite.ts'
import { accountsContract } from '../contract/accounts.ts'
import { accountsDatabaseContract } from '../contract/accounts-database.ts'
import { temporaryFolder } from '../rig/server-process.ts'

const fileIn = (folder: string): string => join(folder, 'accounts.sqlite')

accountsContract('in SQLite', async folder => ({ environment: {}, open: () => openSqlite(fileIn(folder)) }))

const home = await temporaryFolder()
afterAll(home.remove)
let places = 0
const newPlace = () => {
  const path = fileIn(join(home.path, String(++places)))
  return { path, open: () => openSqlite(path), run: async (text: string) => new DatabaseSync(path).exec(text) }
}

accountsDatabaseContract('SQLite', async () => newPlace())

test('the file is for its owner alone', async () => {
  const { path, open } = newPlace()
  const store = await open()
  await store.writeFormat(1)
  for (const file of [path, `${path}-wal`]) expect((await stat(file)).mode & 0o777).toBe(0o600)
  await store.close()
})

test('what cannot be opened is told in a line for the operator', async () => {
  const { path, open } = newPlace()
  await mkdir(path, { recursive: true })
  await expect(open()).rejects.toThrow(/^The database of accounts in .* cannot be used \(.+\), so the server did not start\. /)
})
