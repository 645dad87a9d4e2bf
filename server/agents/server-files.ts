/** The port by which agents are given files of the server that a message names: which, for whom, and what became of each. */
import type { ContextReference, LeftOutWhy } from '../../shared/conversation/schema.ts'

export interface ReadFile {
  /** As people name it: beginning with the name of its root. */
  path: string
  text: string
}

export interface FilesRead {
  files: ReadFile[]
  leftOut: { path: string, why: LeftOutWhy }[]
}

export interface ServerFiles {
  /** What paths begin with, as people name them. */
  readonly roots: readonly string[]
  /** Whether this person may have files read: asked when a message names some, and once more when they are read. */
  mayUse(userId: string): boolean
  /** Never throws: what cannot be read is left out, and told. @param most bytes of all files together */
  read(references: readonly ContextReference[], most: number, signal: AbortSignal): Promise<FilesRead>
}
