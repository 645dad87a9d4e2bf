/** What LevelDB is about to leave out of its log files when it opens this folder. Only reads. */
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DocumentName } from '../../../shared/ids.ts'
import { documentNamesIn } from './document-names.ts'
import { findLostParts } from './log-file.ts'

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
    for (const { at, bytes } of findLostParts(await readLogFile(join(path, file)))) {
      found.push({ what: `changes were lost with a damaged part of ${file} (at byte ${at})`, documents: documentNamesIn(bytes) })
    }
  }
  return found
}

/** Of what cannot be read the opening that follows says why. */
const filesOf = (path: string): Promise<string[]> => readdir(path).then(files => files.sort(), () => [])

/** One that is gone by now was moved to a table by a process that is just ending, so nothing of it is left out. */
const readLogFile = (file: string): Promise<Uint8Array> => readFile(file).catch((error: NodeJS.ErrnoException) => {
  if (error.code === 'ENOENT') return new Uint8Array()
  throw error
})
