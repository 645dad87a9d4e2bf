/** The secret that guests' cookies are signed with: from the environment, or made once and kept in the data folder. */
import { constants } from 'node:fs'
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { RandomBytes } from '../../shared/ids.ts'

const SECRET_BYTES = 32

export interface SecretOptions {
  /** `SKEIN_SECRET`; null: the one in the data folder. */
  given: string | null
  dataFolder: string
  random: RandomBytes
}

/**
 * @throws Error whose message says what to do when the kept secret is not one; taking another would turn every guest into a stranger
 */
export const loadSecret = async ({ given, dataFolder, random }: SecretOptions): Promise<Uint8Array> => {
  if (given !== null) return new TextEncoder().encode(given)
  const path = join(dataFolder, 'secret')
  const kept = await readKept(path)
  if (kept) return kept
  await mkdir(dataFolder, { recursive: true })
  const draft = `${path}.${Buffer.from(random(new Uint8Array(8))).toString('hex')}`
  await keep(path, draft, random(new Uint8Array(SECRET_BYTES)))
  // Read back instead of returning ours: another process may have been faster, and then its secret is the one.
  return await readKept(path) ?? refuse(path)
}

const readKept = async (path: string): Promise<Uint8Array | null> => {
  try {
    const bytes = await readFile(path)
    return bytes.length === SECRET_BYTES ? new Uint8Array(bytes) : refuse(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null
    throw error
  }
}

/** Whole or not at all: written under another name, on disk, then linked to its own unless that exists. */
const keep = async (path: string, draft: string, secret: Uint8Array): Promise<void> => {
  const file = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await file.writeFile(secret)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    await link(draft, path)
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  } finally {
    await unlink(draft)
  }
}

const refuse = (path: string): never => {
  throw new Error(`${path} does not hold ${SECRET_BYTES} bytes, so guests cannot be recognised. Put the file back from a backup, or delete it; then every guest starts anew.`)
}

const isErrno = (error: unknown, code: string): boolean => error instanceof Error && 'code' in error && error.code === code
