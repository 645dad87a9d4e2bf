/**
 * A backup of a store that nobody has open, made before it is brought to a newer format: it stands beside the store until the operator
 * removes it, or until something is taken out of the store that nobody may read any more, since the backup would keep it. Tables never
 * change, so the backup shares them with the store by links and takes hardly any space.
 */
import { copyFile, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DataFolderError } from './data-folder-error.ts'
import { whileFree } from './in-use.ts'
import { isTable } from './lost-changes.ts'

const BEFORE = '-before-format-'

/** @param format that the store is brought to */
export const backupPath = (path: string, format: number): string => `${path}${BEFORE}${format}`

/** @param error why it could not be removed */
export type OnBackupRemoved = (path: string, error?: unknown) => void

/** Removes every backup of a store, and what is left of an attempt at one. Never rejects. */
export const removeBackups = async (path: string, removed: OnBackupRemoved): Promise<void> => {
  const home = dirname(path)
  const names = await readdir(home).catch(() => [])
  for (const backup of names.filter(name => name.startsWith(`${basename(path)}${BEFORE}`)).map(name => join(home, name))) {
    await rm(backup, { recursive: true, force: true }).then(() => flush(home)).then(() => removed(backup), error => removed(backup, error))
  }
}

/**
 * All of it or nothing. One that is there already is kept: it is what was before an attempt that did not come to its end.
 * @throws DataFolderError
 */
export const backUp = async (path: string, format: number): Promise<void> => {
  const backup = backupPath(path, format)
  if (await stat(backup).then(() => true, () => false)) return
  await whileFree(path, () => copyAll(path, backup))
}

const copyAll = async (path: string, backup: string): Promise<void> => {
  const part = `${backup}.part`
  try {
    await rm(part, { recursive: true, force: true })
    await mkdir(part)
    for (const file of await readdir(path)) if (!file.startsWith('LO')) await copyOrLink(join(path, file), join(part, file))
    await flush(part)
    await rename(part, backup)
    await flush(dirname(backup))
  } catch (cause) {
    await rm(part, { recursive: true, force: true }).catch(() => undefined)
    throw new DataFolderError('no-backup', path, { cause })
  }
}

const copyOrLink = async (from: string, to: string): Promise<void> => {
  // Some file systems have no links.
  if (isTable(from) && await link(from, to).then(() => true, () => false)) return
  await copyFile(from, to)
  await flush(to)
}

const flush = async (path: string): Promise<void> => {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
