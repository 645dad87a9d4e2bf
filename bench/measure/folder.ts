/** What a data folder takes. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Of all files under it. */
export const folderBytes = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(path => statSync(join(folder, path)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0)
