/**
 * Reads LevelDB's manifest: which files of the folder count. Others are left over from work that a crash cut off, or already replaced;
 * LevelDB removes them, and what is wrong in them is no damage. Source: LevelDB `db/version_edit.cc`.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as decoding from 'lib0/decoding'
import { readWhole } from './log-file.ts'

const [COMPARATOR, LOG_NUMBER, NEXT_FILE, LAST_SEQUENCE, COMPACT_POINTER, DELETED_FILE, NEW_FILE, PREVIOUS_LOG] = [1, 2, 3, 4, 5, 6, 7, 9]

export interface LiveFiles {
  tables: Set<number>
  /** Log files from this number on are still to be replayed. */
  firstLog: number
}

/** @returns null when the manifest cannot be made out: then every file may count */
export const readLiveFiles = async (path: string): Promise<LiveFiles | null> => {
  try {
    const current = (await readFile(join(path, 'CURRENT'), 'utf8')).trim()
    const live: LiveFiles = { tables: new Set(), firstLog: 0 }
    const edits = readWhole(await readFile(join(path, current)))
    for (const edit of edits) applyEdit(edit, live)
    return edits.length === 0 ? null : live
  } catch (_unreadable) {
    return null
  }
}

/** @returns whether LevelDB will read the file */
export const counts = (file: string, live: LiveFiles | null): boolean => {
  if (live === null) return true
  const number = Number.parseInt(file, 10)
  return file.endsWith('.log') ? number >= live.firstLog : live.tables.has(number)
}

const applyEdit = (edit: Uint8Array, live: LiveFiles): void => {
  const input = decoding.createDecoder(edit)
  const number = (): number => decoding.readVarUint(input)
  while (decoding.hasContent(input)) {
    const tag = number()
    if (tag === LOG_NUMBER) {
      live.firstLog = number()
    } else if (tag === NEXT_FILE || tag === LAST_SEQUENCE || tag === PREVIOUS_LOG) {
      number()
    } else if (tag === COMPARATOR) {
      decoding.readVarUint8Array(input)
    } else if (tag === COMPACT_POINTER) {
      number()
      decoding.readVarUint8Array(input)
    } else if (tag === DELETED_FILE) {
      number()
      live.tables.delete(number())
    } else if (tag === NEW_FILE) {
      number()
      live.tables.add(number())
      number()
      decoding.readVarUint8Array(input)
      decoding.readVarUint8Array(input)
    } else {
      throw new Error(`The manifest has an entry of an unknown kind, ${tag}.`)
    }
  }
}
