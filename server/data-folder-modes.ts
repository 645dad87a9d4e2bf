/** Whether others on this machine can get at what the server keeps. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'

const KEPT = ['', 'secret', 'accounts.sqlite', 'provider-keys']
/** Any right of the group or of others. */
const OTHERS = 0o077

/** @returns what to do about each, one line each; what is not there yet is left out */
export const looseModes = async (dataFolder: string): Promise<string[]> => {
  const modes = await Promise.all(KEPT.map(async name => {
    const path = join(dataFolder, name)
    const mode = await stat(path).then(found => found.mode & 0o777, () => 0)
    return (mode & OTHERS) === 0 ? [] : [`${path} is open to other users of this machine (mode ${mode.toString(8)}): chmod go= ${path}`]
  }))
  // In a folder that is closed nobody reaches the files.
  return modes[0]!.length === 0 ? [] : modes.flat()
}
