/**
 * An account is somebody else's than of who had it until now: the links into its documents that were made in its name end, or whoever
 * made them would come in by one. Members stay, whom everybody sees.
 */
import { SkeinError } from '../shared/errors.ts'
import type { Directory } from './directory/port.ts'
import type { TakenOver } from './identity/port.ts'

export const createLinkEnding = (directory: Pick<Directory, 'listOf' | 'links' | 'revokeLink'>): TakenOver => async ids => {
  for (const person of ids) {
    for (const { name } of await directory.listOf(person, '')) {
      const own = (await directory.links(name)).filter(({ by }) => ids.includes(by))
      for (const { kind, id } of own) await directory.revokeLink(name, kind, id).catch(unlessOver)
    }
  }
}

/** Somebody else revoked it, or deleted the document, meanwhile. */
const unlessOver = (error: unknown): void => {
  if (!(error instanceof SkeinError) || (error.code !== 'not-found' && error.code !== 'gone')) throw error
}
