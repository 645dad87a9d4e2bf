/** What a document takes in the database of a server that has ended. */
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { keys, updateRange } from '../../server/log/leveldb/keys.ts'
import type { Key } from '../../server/log/store-port.ts'
import type { DocumentName } from '../../shared/ids.ts'

/** Its records, a snapshot counting as one. */
export const storedRecords = async (folder: string, name: string): Promise<number> => {
  const database = new ClassicLevel<Key, Uint8Array>(join(folder, 'log'), { keyEncoding: keys, valueEncoding: 'view' })
  try {
    return (await database.keys(updateRange(name as DocumentName)).all()).length
  } finally {
    await database.close()
  }
}
