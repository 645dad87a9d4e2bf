/** Files that hold what nobody else may read: whole or not at all, on disk when it resolves, for this user alone. */
import { constants } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { RandomBytes } from '../../shared/ids.ts'

/** In place of whatever was there. A process that dies meanwhile leaves the old one, and perhaps a draft beside it. */
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

/** Names of files are kept by their folder. */
export const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(dirname(path), constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
