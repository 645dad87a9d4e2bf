/** What LevelDB is about to leave out of its files without a word when it opens this folder. Only reads. */
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DocumentName } from '../../../shared/ids.ts'
import { stampOf } from './checked-tables.ts'
import { documentNamesIn } from './document-names.ts'
import { findLostParts } from './log-file.ts'
import { counts, readLiveFiles } from './manifest.ts'
import { documentsIn, findDamagedBlocks } from './table-file.ts'
import type { DamagedBlock } from './table-file.ts'

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

export interface DamagedTable {
  file: string
  content: Uint8Array
  blocks: DamagedBlock[]
}

/** @param whole stamps of tables that need not be looked at; those that are found to be whole come to it */
export const findDamagedTables = async (path: string, whole: Record<string, string> = {}): Promise<DamagedTable[]> => {
  const found: DamagedTable[] = []
  for (const file of (await filesOf(path)).filter(isTable)) {
    const stamp = await stampOf(join(path, file)).catch(() => null)
    if (stamp !== null && whole[file] === stamp) continue
    const content = await readIfThere(join(path, file))
    const blocks = content.length === 0 ? [] : findDamagedBlocks(content)
    if (blocks.length > 0) found.push({ file, content, blocks })
    else if (stamp !== null) whole[file] = stamp
  }
  return found
}

export const isTable = (file: string): boolean => file.endsWith('.ldb') || file.endsWith('.sst')

/** @param known see {@link documentsIn} */
export const changesIn = ({ file, blocks }: DamagedTable, known: readonly DocumentName[]): LostChanges[] => blocks.map(block => ({
  what: `something of it lay in a damaged part of ${file} (at byte ${block.at})`, documents: documentsIn(block, known),
}))

/** Of what cannot be read the opening that follows says why. */
const filesOf = async (path: string): Promise<string[]> => {
  const [files, live] = await Promise.all([readdir(path).catch(() => []), readLiveFiles(path)])
  return files.filter(file => counts(file, live)).sort()
}

/** One that is gone by now was made into another table by a process that is just ending, so nothing of it is left out. */
const readIfThere = (file: string): Promise<Uint8Array> => readFile(file).catch((error: NodeJS.ErrnoException) => {
  if (error.code === 'ENOENT') return new Uint8Array()
  throw error
})
