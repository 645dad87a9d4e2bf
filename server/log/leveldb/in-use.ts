/**
 * Whether a process has the store open, found out without opening it: LevelDB is asked to make a database in an empty folder whose lock is
 * the store's own, and cannot where somebody holds it. What Linux lists in `/proc/locks` names devices in another way than files do on
 * overlays and subvolumes, and files of other mounts under the same numbers: it said "in use" of stores that nobody had open, and the
 * reverse.
 */
import { access, constants, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ClassicLevel } from 'classic-level'

/** Folders of the stores that this process has open, as absolute paths. */
export const openHere = new Set<string>()

/** Only reads: the lock is an empty file. Where this user may not even write that one, it is not known, and taken for free. */
export const isInUse = async (path: string): Promise<boolean> => {
  // A lock belongs to a process: taking it once more here would give it free for all.
  if (openHere.has(resolve(path))) return true
  const lock = join(path, 'LOCK')
  if (!await access(lock, constants.R_OK | constants.W_OK).then(() => true, () => false)) return false
  const empty = await mkdtemp(join(tmpdir(), 'skein-lock-'))
  try {
    await symlink(resolve(lock), join(empty, 'LOCK'))
    const database = new ClassicLevel(empty)
    await database.open()
    await database.close()
    return false
  } catch (error) {
    if (isLocked(error)) return true
    throw error
  } finally {
    await rm(empty, { recursive: true, force: true })
  }
}

const isLocked = (error: unknown): boolean => {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if ('code' in cause && cause.code === 'LEVEL_LOCKED') return true
  return false
}
