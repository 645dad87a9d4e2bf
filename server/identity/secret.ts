/**
 * The server's secrets, newest first: from the environment, or made once and kept in the data folder. The newest signs and seals; what the
 * others signed still counts, until they are forgotten.
 */
import { link, mkdir, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { RandomBytes } from '../../shared/ids.ts'
import { removeOldDrafts, replaceFile, syncFolder, writeDraft } from './whole-file.ts'

const SECRET_BYTES = 32
const MOST_SECRETS = 16

export interface SecretOptions {
  /** `SKEIN_SECRET`, at least one; null: those in the data folder. */
  given: readonly string[] | null
  dataFolder: string
  random: RandomBytes
}

export type Secrets = readonly [Uint8Array, ...Uint8Array[]]

/**
 * @throws SecretError whose message says what to do when what is kept is no secret; taking another would turn every guest into a stranger
 */
export const loadSecrets = async ({ given, dataFolder, random }: SecretOptions): Promise<Secrets> => {
  if (given !== null) return given.map(each => new TextEncoder().encode(each)) as [Uint8Array, ...Uint8Array[]]
  const path = join(dataFolder, 'secret')
  const kept = await readKept(path)
  if (kept) return kept
  await mkdir(dataFolder, { recursive: true, mode: 0o700 })
  await keep(path, await writeDraft(path, random(new Uint8Array(SECRET_BYTES)), random))
  // Read back instead of returning ours: another process may have been faster, and then its secret is the one.
  return await readKept(path) ?? refuse(path)
}

/** What a rotation left that was killed, or a first start: secrets lie in it, also such as were to be forgotten. At every start. */
export const removeSecretDrafts = (dataFolder: string, now: number): Promise<void> => removeOldDrafts(dataFolder, name => name === 'secret', now)

export interface RotationOptions {
  dataFolder: string
  random: RandomBytes
  /** Milliseconds since 1970. */
  now: () => number
  /** Only the new one is left: whatever the others signed is good for nothing from then on. */
  forgetOld: boolean
  /** Whatever is kept encrypted is from then on so under the first of these; all of them open it. */
  reseal: (secrets: Secrets) => Promise<unknown>
}

/**
 * Puts a new secret in front of those that are kept. A server takes it with its next start. Wherever the process dies meanwhile,
 * everything that is sealed opens under one that is kept.
 * @returns how many there are now
 */
export const rotateSecret = async ({ dataFolder, random, now, forgetOld, reseal }: RotationOptions): Promise<number> => {
  const path = join(dataFolder, 'secret')
  const kept = await readKept(path)
  if (!kept) throw new SecretError(`There is no ${path} yet, so there is nothing to rotate; the server makes one when it starts.`)
  await removeSecretDrafts(dataFolder, now())
  // The oldest may be dropped below, and a rotation before this one may have died before it came to all.
  await reseal(kept)
  const newest = random(new Uint8Array(SECRET_BYTES))
  const secrets = [newest, ...kept].slice(0, MOST_SECRETS) as [Uint8Array, ...Uint8Array[]]
  await replaceFile(path, Buffer.concat(secrets), random)
  await reseal(secrets)
  if (!forgetOld) return secrets.length
  await replaceFile(path, newest, random)
  return 1
}

/** What is wrong with a secret that is kept, in one line for the operator. */
export class SecretError extends Error {
  override readonly name = 'SecretError'
}

const readKept = async (path: string): Promise<Secrets | null> => {
  try {
    const bytes = new Uint8Array(await readFile(path))
    const count = bytes.length / SECRET_BYTES
    if (!Number.isInteger(count) || count < 1 || count > MOST_SECRETS) return refuse(path)
    return Array.from({ length: count }, (_, i) => bytes.slice(i * SECRET_BYTES, (i + 1) * SECRET_BYTES)) as [Uint8Array, ...Uint8Array[]]
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null
    throw error
  }
}

/** Whole or not at all: what is on disk under another name is linked to its own unless that exists. */
const keep = async (path: string, draft: string): Promise<void> => {
  try {
    await link(draft, path)
    await syncFolder(path)
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  } finally {
    await unlink(draft)
  }
}

const refuse = (path: string): never => {
  throw new SecretError(`${path} does not hold ${SECRET_BYTES} bytes, or that for each secret, so guests cannot be recognised. Put the file back from a backup, or delete it; then every guest starts anew.`)
}

const isErrno = (error: unknown, code: string): boolean => error instanceof Error && 'code' in error && error.code === code
