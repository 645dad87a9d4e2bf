/**
 * Which tables a start need not look at again. LevelDB never changes a table, so one that was whole and has the same size and time is whole
 * still, but for a disk that forgets; records carry their own checksums for that, and `verify` looks at everything.
 *
 * The note is there only after an orderly stop, as LevelDB may have ended a process over a damaged table, and for a month at most.
 */
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const NOTE = 'skein-checked'
const KEEP_MS = 30 * 24 * 60 * 60 * 1000

export interface CheckedTables {
  /** When everything was looked at last (milliseconds since 1970). */
  since: number
  /** By file: size and time. */
  tables: Record<string, string>
}

export const readChecked = async (path: string, now: number): Promise<CheckedTables> => {
  try {
    const checked = JSON.parse(await readFile(join(path, NOTE), 'utf8')) as CheckedTables
    if (now - checked.since < KEEP_MS && typeof checked.tables === 'object') return checked
  } catch (_missingOrCutOff) {
    // Then all are looked at.
  }
  return { since: now, tables: {} }
}

export const writeChecked = (path: string, checked: CheckedTables): Promise<void> => writeFile(join(path, NOTE), JSON.stringify(checked))

export const forgetChecked = (path: string): Promise<void> => rm(join(path, NOTE), { force: true })

/** How a table is told from one of the same name that was changed. */
export const stampOf = async (file: string): Promise<string> => {
  const { size, mtime } = await stat(file)
  return `${size} ${mtime.getTime()}`
}
