/** Messages that follow one which is not there: it may be on its way, or was refused. */
import { openRoots } from '../../shared/conversation/document.ts'
import type { RequestId } from '../../shared/ids.ts'
import type { WrittenDocument } from './environment.ts'
import type { Proposal } from './proposals.ts'
import type { KnownRequests } from './taken-requests.ts'

/** Ids of which one has to know what became before these can be taken. What became of a parent that is a message shows in the document. */
export const idsToPrepare = (proposals: readonly Proposal[], { messages }: Pick<WrittenDocument, 'messages'>): Set<string> =>
  new Set(proposals.flatMap(({ id, parentId }) => parentId === null || messages?.get(parentId) ? [id] : [id, parentId]))

/** A message whose parent is on its way (an earlier frame of the same device, or another device's) is not refused at first sight. */
export const lackParents = (
  proposals: readonly Proposal[], { doc, messages }: Pick<WrittenDocument, 'doc' | 'messages'>, known: KnownRequests,
): boolean => {
  const { redactions } = openRoots(doc)
  const brought = new Set(proposals.map(({ id }) => id))
  const isKnown = (id: string): boolean =>
    messages?.get(id) !== undefined || redactions.has(id) || known.has(id as RequestId) || brought.has(id)
  return proposals.some(({ parentId }) => parentId !== null && !isKnown(parentId))
}
