/** Reads the files of the server that the messages of a context name, for who asked, and says what became of each. */
import type { ContextReference, FilesGiven, Message } from '../../shared/conversation/schema.ts'
import { isKeptForBots } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import type { Agent } from './port.ts'
import type { ReadFile, ServerFiles } from './server-files.ts'
import { bytesForFiles } from './window.ts'

export interface GiveFilesPorts {
  files: ServerFiles | null
  agent: Agent
  /** Whoever may read along in a conversation does not get what only its author may have read: who asks must be allowed it. */
  askedBy: string
  signal: AbortSignal
}

/** @returns `given`: null where no message names any */
export const giveFiles = async (
  { files, agent, askedBy, signal }: GiveFilesPorts, messages: readonly Message[]
): Promise<{ files: readonly ReadFile[], given: FilesGiven | null }> => {
  const references = referencesOf(messages)
  if (references.length === 0) return { files: [], given: null }
  // Files of the server go to its own models, not out of it to somebody's program.
  if (isKeptForBots(agent.id) || !files?.mayUse(askedBy)) {
    return { files: [], given: { read: [], ...told(references.map(({ path }) => ({ path, why: 'not-allowed' as const }))) } }
  }
  const got = await files.read(references, bytesForFiles(agent.contextTokens), signal)
  return {
    files: got.files,
    given: { read: got.files.map(({ path, text }) => ({ path, bytes: Buffer.byteLength(text) })), ...told(got.leftOut) }
  }
}

/** The newest first, each once: where the bounds are reached, what was named last counts. */
const referencesOf = (messages: readonly Message[]): ContextReference[] => {
  const byPath = new Map<string, ContextReference>()
  for (const { metadata } of messages.toReversed()) {
    for (const reference of metadata.context ?? []) if (!byPath.has(reference.path)) byPath.set(reference.path, reference)
  }
  return [...byPath.values()].slice(0, limits.contextReferences)
}

const told = (leftOut: FilesGiven['leftOut']): Pick<FilesGiven, 'leftOut' | 'more'> => {
  const more = leftOut.length - limits.contextNamed
  return { leftOut: leftOut.slice(0, limits.contextNamed), ...more > 0 && { more } }
}
