/** What LevelDB is about to leave out of its files without a word when it opens this folder. Only reads. */
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DocumentName } from '../../../shared/ids.ts'
import { documentNamesIn } from './document-names.ts'
import { findLostParts } from './log-file.ts'
import { findDamagedIndex } from './table-file.ts'

export interface LostChanges {
  /** As the part of a sentence after a colon. */
  what: string
  /** Each of them lost something; none when the names are damaged too. */
  documents: DocumentName[]
}

/** @param path the LevelDB folder; one that is missing has lost nothing */
export const findLostChanges = async (path: string): Promise<LostChanges[]> => {
  const found: LostChanges[] = []
  for (const file of (await filesOf(path)).filter(name => name.endsWith('.log'))) {
    for (const { at, bytes } of findLostParts(await readIfThere(join(path, file)))) {
      found.push({ what: `changes were lost with a damaged part of ${file} (at byte ${at})`, documents: documentNamesIn(bytes) })
    }
  }
  return found
}

/**
 * What lies in tables whose index is damaged: LevelDB does not find it and says that it is not there.
 * @returns where, and the names that stand there; every other document may be among them too
 */
export const findLostTables = async (path: string): Promise<LostChanges[]> => {
  const found: LostChanges[] = []
  for (const file of (await filesOf(path)).filter(name => name.endsWith('.ldb'))) {
    const damaged = findDamagedIndex(await readIfThere(join(path, file)))
    if (damaged !== null) found.push({ what: `the index of ${file} is damaged, so what lies there is not found`, documents: documentNamesIn(damaged.bytes) })
  }
  return found
}

/** Of what cannot be read the opening that follows says why. */
const filesOf = (path: string): Promise<string[]> => readdir(path).then(files => files.sort(), () => [])

/** One that is gone by now was made into another table by a process that is just ending, so nothing of it is left out. */
const readIfThere = (file: string): Promise<Uint8Array> => readFile(file).catch((error: NodeJS.ErrnoException) => {
  if (error.code === 'ENOENT') return new Uint8Array()
  throw error
})
