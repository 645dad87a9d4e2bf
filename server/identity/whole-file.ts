/** Files that hold what nobody else may read: whole or not at all, on disk when it resolves, for this user alone. */
import { constants } from 'node:fs'
import { open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { RandomBytes } from '../../shared/ids.ts'

/** Longer than anybody writes one (milliseconds). */
const DRAFT_MS = 60_000
const DRAFT = /^(.+)\.[0-9a-f]{16}$/

/**
 * In place of whatever was there. A process that dies meanwhile leaves the old one, and perhaps a draft beside it: {@link
 * removeOldDrafts}.
 */
export const replaceFile = async (path: string, bytes: Uint8Array, random: RandomBytes): Promise<void> => {
  const draft = await writeDraft(path, bytes, random)
  await rename(draft, path)
  await syncFolder(path)
}

/** @returns where it is now, beside `path` */
export const writeDraft = async (path: string, bytes: Uint8Array, random: RandomBytes): Promise<string> => {
  const draft = `${path}.${Buffer.from(random(new Uint8Array(8))).toString('hex')}`
  const file = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  return draft
}

/**
 * Removes the drafts that processes left which died while they wrote: they hold what the file would have held. One that is being written
 * now, by another process, stays.
 * @param isOurs of which files
 * @param now milliseconds since 1970
 */
export const removeOldDrafts = async (folder: string, isOurs: (name: string) => boolean, now: number): Promise<void> => {
  const names = (await readdir(folder).catch(whereMissing<string[]>([]))).filter(name => isOurs(DRAFT.exec(name)?.[1] ?? ''))
  let removed = 0
  for (const path of names.map(name => join(folder, name))) {
    const writtenAt = await stat(path).then(({ mtimeMs }) => mtimeMs, whereMissing(now))
    if (writtenAt > now - DRAFT_MS) continue
    await unlink(path).catch(whereMissing(undefined))
    removed++
  }
  if (removed > 0) await syncFolder(join(folder, 'any'))
}

/** What there is not, or not any more. */
export const whereMissing = <T>(instead: T) => (error: unknown): T => {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return instead
  throw error
}

/** Names of files are kept by their folder. */
export const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(dirname(path), constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
