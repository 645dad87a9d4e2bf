/**
 * Keeps a store closed for others without opening it: LevelDB is asked to make a database in an empty folder whose lock is the store's own,
 * and cannot where somebody holds it. What Linux lists in `/proc/locks` names devices in another way than files do on
 * overlays and subvolumes, and files of other mounts under the same numbers: it said "in use" of stores that nobody had open, and the
 * reverse.
 */
import { access, constants, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { DataFolderError } from './data-folder-error.ts'

/** Folders of the stores that this process has open, or keeps closed, as absolute paths. */
export const openHere = new Set<string>()

/**
 * Does work while nobody else can open the store. Only reads: the lock is an empty file. Where this user may not even write that one, it is
 * not known who has it open, and it is taken for free.
 * @throws DataFolderError `in-use`
 */
export const whileFree = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
  // A lock belongs to a process: taking it once more here would give it free for all.
  if (openHere.has(resolve(path))) throw new DataFolderError('in-use', path)
  const lock = join(path, 'LOCK')
  if (!await access(lock, constants.R_OK | constants.W_OK).then(() => true, () => false)) return work()
  const empty = await mkdtemp(join(tmpdir(), 'skein-lock-'))
  try {
    await symlink(resolve(lock), join(empty, 'LOCK'))
    const database = new ClassicLevel(empty)
    try {
      await database.open()
    } catch (error) {
      throw isLocked(error) ? new DataFolderError('in-use', path, { cause: error }) : error
    }
    openHere.add(resolve(path))
    try {
      return await work()
    } finally {
      openHere.delete(resolve(path))
      await database.close()
    }
  } finally {
    await rm(empty, { recursive: true, force: true })
  }
}

const isLocked = (error: unknown): boolean => {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if ('code' in cause && cause.code === 'LEVEL_LOCKED') return true
  return false
}
