/**
 * The note in a data folder that says: this is older than what devices may have seen of it. Whoever restores a backup puts it there (or a
 * backup carries it), and at the next start every document begins a new epoch, so that no device merges what the server no longer knows of.
 */
import { access, rm } from 'node:fs/promises'
import { join } from 'node:path'

export const EPOCH_MARKER = 'begin-new-epochs'

/** @returns whether new epochs are asked for, and what to call when the store has noted it; a crash before that only asks again */
export const readEpochMarker = async (dataFolder: string): Promise<{ asked: boolean, noted: () => Promise<void> }> => {
  const path = join(dataFolder, EPOCH_MARKER)
  const asked = await access(path).then(() => true, () => false)
  return { asked, noted: () => rm(path, { force: true }) }
}
