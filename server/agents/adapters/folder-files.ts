/**
 * Files under the roots that the operator named, and nothing else. A path is opened first and judged by what was opened: its real path
 * must lie under the root and lead to the very file that is open, so neither `..`, nor a link, nor somebody who swaps one for the other
 * meanwhile leads out. Nothing but plain files is read, and without waiting, so that no pipe or device holds a reply up.
 */
import { constants } from 'node:fs'
import { open, opendir, realpath, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'
import type { ContextReference, LeftOutWhy } from '../../../shared/conversation/schema.ts'
import { limits } from '../../../shared/limits.ts'
import { systemTimers } from '../../../shared/timers.ts'
import type { Timers } from '../../../shared/timers.ts'
import type { FilesRead, ServerFiles } from '../server-files.ts'

export interface FolderFilesOptions {
  /** Absolute paths of folders; what they are called in messages is the last part of each. */
  roots: readonly string[]
  mayUse: (userId: string) => boolean
  after?: Timers['after']
  /** For tests: called between two steps of opening a file. */
  between?: (step: 'opened' | 'resolved', path: string) => Promise<void>
}

class LeftOut extends Error {
  readonly why: LeftOutWhy
  constructor(why: LeftOutWhy) {
    super(why)
    this.why = why
  }
}

/** @throws Error when a root is no folder that can be read, or two are called the same */
export const openFolderFiles = async (
  { roots, mayUse, after = systemTimers.after, between = async () => {} }: FolderFilesOptions
): Promise<ServerFiles> => {
  const byName = new Map<string, string>()
  for (const root of roots) {
    const real = await realpath(root)
    if (!(await stat(real)).isDirectory()) throw new Error(`${root} is not a folder`)
    if (byName.has(basename(root))) throw new Error(`two roots are called ${basename(root)}`)
    byName.set(basename(root), real)
  }

  return {
    roots: [...byName.keys()],
    mayUse,
    async read(references, most, signal) {
      const [waited, gathering] = [new AbortController(), new Gathering(Math.min(most, limits.contextBytes))]
      const cancel = after(limits.contextSeconds * 1000, () => waited.abort())
      await gathering.until(AbortSignal.any([signal, waited.signal]), readAll(references, gathering))
      cancel()
      return gathering.end(references.map(({ path }) => path))
    }
  }

  async function readAll(references: readonly ContextReference[], gathering: Gathering): Promise<void> {
    for (const reference of references) {
      if (gathering.isOver) return
      await gathering.attempt(reference.path, () => readOne(reference, gathering))
      gathering.done++
    }
  }

  async function readOne({ path, isFolder }: ContextReference, gathering: Gathering): Promise<void> {
    const { root, real, parts } = placeOf(path)
    const named = [basename(root), ...parts].join('/')
    if (isFolder) await walk(real, join(real, ...parts), named, 0, gathering)
    else await readFile(real, join(real, ...parts), named, gathering)
  }

  /** Only names: whether they lead under the root is seen when they are opened. */
  function placeOf(path: string): { root: string, real: string, parts: string[] } {
    const [root = '', ...rest] = path.replace(/\/+$/, '').split('/')
    const real = byName.get(root)
    if (real === undefined || path.length > limits.contextPathLength) throw new LeftOut('not-found')
    if (rest.some(part => part === '' || part === '.' || part === '..' || part.includes('\0') || part.includes('\\'))) throw new LeftOut('not-found')
    return { root, real, parts: rest }
  }

  async function walk(root: string, folder: string, named: string, depth: number, gathering: Gathering): Promise<void> {
    if (depth > limits.contextDepth || gathering.hasLookedAtAll) throw new LeftOut('too-many')
    const handle = await openWithin(root, folder, constants.O_DIRECTORY)
    try {
      const entries: { name: string, isFolder: boolean }[] = []
      // The very folder that was judged, where the system can name it.
      const opened = process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : folder
      for await (const entry of await opendir(opened)) {
        if (!gathering.mayLook()) {
          gathering.leaveOut(named, 'too-many')
          break
        }
        // What is hidden, or was installed, is not what somebody means who names the folder around it.
        if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
        if (entry.isSymbolicLink()) gathering.leaveOut(`${named}/${entry.name}`, 'link')
        else if (entry.isDirectory() || entry.isFile()) entries.push({ name: entry.name, isFolder: entry.isDirectory() })
      }
      // Files first: what stands nearer to what was named is read before the bounds are reached.
      entries.sort((a, b) => Number(a.isFolder) - Number(b.isFolder) || (a.name < b.name ? -1 : 1))
      for (const { name, isFolder } of entries) {
        const path = `${named}/${name}`
        if (gathering.isOver) return
        await gathering.attempt(path, () => isFolder
          ? walk(root, join(folder, name), path, depth + 1, gathering)
          : readFile(root, join(folder, name), path, gathering))
      }
    } finally {
      await handle.close()
    }
  }

  async function readFile(root: string, path: string, named: string, gathering: Gathering): Promise<void> {
    if (gathering.has(named)) return
    gathering.expect(0)
    const handle = await openWithin(root, path, 0)
    try {
      const { size } = await handle.stat()
      if (size > limits.contextFileBytes) throw new LeftOut('too-large')
      gathering.expect(size)
      // It may have grown since: what is read is bounded by itself.
      const bytes = Buffer.alloc(Math.min(size, limits.contextFileBytes) + 1)
      let length = 0
      for (let got = -1; got !== 0 && length < bytes.length; length += got) {
        ({ bytesRead: got } = await handle.read(bytes, length, bytes.length - length, length))
      }
      if (length === bytes.length && length > size) throw new LeftOut('too-large')
      gathering.take(named, bytes.subarray(0, length))
    } finally {
      await handle.close()
    }
  }

  async function openWithin(root: string, path: string, flags: number): Promise<FileHandle> {
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | flags)
    try {
      await between('opened', path)
      const real = await realpath(path)
      await between('resolved', path)
      if (real !== root && !real.startsWith(root + sep)) throw new LeftOut('link')
      const [opened, found] = [await handle.stat(), await stat(real)]
      if (opened.dev !== found.dev || opened.ino !== found.ino) throw new LeftOut('link')
      if (flags === 0 && !opened.isFile()) throw new LeftOut('not-a-file')
      return handle
    } catch (error) {
      await handle.close()
      throw error
    }
  }
}

/** What was read and what was not, within the bounds of one reply. */
class Gathering {
  readonly #most: number
  readonly #result: FilesRead = { files: [], leftOut: [] }
  readonly #seen = new Set<string>()
  #bytes = 0
  #looked = 0
  isOver = false
  /** References that all is known of. */
  done = 0

  constructor(most: number) {
    this.#most = most
  }

  /** A disk that stands still, such as one behind a network, holds nobody up: what it is asked for is not waited for any longer. */
  async until(signal: AbortSignal, reading: Promise<void>): Promise<void> {
    await new Promise<void>(resolve => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
      void reading.then(resolve)
    })
    this.isOver = true
  }

  /**
   * @param asked paths of the references, in their order
   * @returns what there is by now, each file once, however many references lead to it: what comes later changes nothing of it
   */
  end(asked: readonly string[]): FilesRead {
    const late = asked.slice(this.done).map(path => ({ path, why: 'too-slow' as const }))
    const leftOut = new Map<string, FilesRead['leftOut'][number]>()
    for (const each of [...this.#result.leftOut, ...late]) {
      if (!this.has(each.path) && !leftOut.has(each.path)) leftOut.set(each.path, each)
    }
    return { files: [...this.#result.files], leftOut: [...leftOut.values()] }
  }

  get hasLookedAtAll(): boolean {
    return this.#looked > limits.contextEntries
  }

  mayLook(): boolean {
    return ++this.#looked <= limits.contextEntries
  }

  leaveOut(path: string, why: LeftOutWhy): void {
    this.#result.leftOut.push({ path, why })
  }

  async attempt(path: string, read: () => Promise<void>): Promise<void> {
    try {
      await read()
    } catch (error) {
      this.leaveOut(path, error instanceof LeftOut ? error.why : 'not-found')
    }
  }

  has(path: string): boolean {
    return this.#seen.has(path)
  }

  /** Before it is read. @throws LeftOut when there is no room for another file, of so many bytes */
  expect(bytes: number): void {
    if (this.#result.files.length >= limits.contextFiles) throw new LeftOut('too-many')
    if (this.#bytes + bytes > this.#most) throw new LeftOut('too-much')
  }

  take(path: string, bytes: Buffer): void {
    this.expect(bytes.length)
    const text = textOf(bytes)
    if (text === null) throw new LeftOut('binary')
    this.#seen.add(path)
    this.#bytes += bytes.length
    this.#result.files.push({ path, text })
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Null: it is no text. */
const textOf = (bytes: Buffer): string | null => {
  if (bytes.includes(0)) return null
  try {
    return utf8.decode(bytes)
  } catch {
    return null
  }
}
