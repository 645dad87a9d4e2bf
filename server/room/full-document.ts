/**
 * What a document still takes that has as many bytes or structs as it may have: what only ends something. Nobody shall be unable to stop a
 * reply, or to take their own words back, because a document is full.
 *
 * 1. Deletions, tombstones, and requests that end something count for no bytes, and may go past the limit of structs by a reserve.
 * 2. Requests that do end something go past the reserve too: there are no more of them than messages to take out and replies to stop. So
 *    whoever fills the reserve, with requests that come too late or are not theirs to make, keeps nobody from it.
 */
import * as Y from 'yjs'
import { openRoots } from '../../shared/conversation/document.ts'
import { isFinished } from '../../shared/conversation/read.ts'
import { request } from '../../shared/conversation/schema.ts'
import type { Request } from '../../shared/conversation/schema.ts'
import { parseRequestId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import type { Scanned } from '../gate/scan.ts'
import type { Grown } from '../gate/verdict.ts'
import type { WrittenDocument } from './environment.ts'
import { mayRedact } from './message-places.ts'
import { asksForAnEnd, requestIn } from './proposals.ts'
import type { Asking } from './session.ts'
import type { KnownRequests } from './taken-requests.ts'

type Documented = Pick<WrittenDocument, 'kind' | 'doc' | 'messages'>

/** Who asks, and what is known of what they ask. */
interface Asker extends Pick<Asking, 'principal' | 'role'> {
  known: KnownRequests
  /** Whether so many requests of theirs are listened to now. */
  mayAsk: (count: number) => boolean
}

type Struct = Scanned['decoded']['structs'][number]

/** Whether an update brings anything but what only ends something. */
export const isGrowing = (document: Documented, { decoded }: Pick<Scanned, 'decoded'>): boolean =>
  decoded.structs.some(struct => struct instanceof Y.Item && !(struct.content instanceof Y.ContentDeleted) && isNew(document, struct) &&
    !(document.kind === 'conversation' && asksForAnEnd(requestIn(struct)?.request)))

/**
 * @param structs of the document with the update
 * @param added those that are new, or made by cutting others
 */
export const hasRoomFor = (
  document: Documented, scanned: Pick<Scanned, 'decoded'>, asker: Asker, { structs, added }: Grown,
): boolean => structs <= limits.documentStructs || (!isGrowing(document, scanned) &&
  (structs <= limits.documentStructs + limits.endingStructs || (added <= endings(document, scanned, asker) && asker.mayAsk(added))))

/** How many messages and replies an update ends, each asked for once and not before. */
const endings = (document: Documented, { decoded }: Pick<Scanned, 'decoded'>, asker: Asker): number => {
  const ended = new Set<string>()
  for (const struct of decoded.structs) {
    const proposed = isNew(document, struct) ? requestIn(struct) : null
    const id = proposed && parseRequestId(proposed.id)
    const asked = request.safeParse(proposed?.request)
    if (!id || asker.known.has(id) || !asked.success) continue
    const target = targetOf(document, asked.data, asker)
    if (target !== null) ended.add(target)
  }
  return ended.size
}

/** What the request ends; null: nothing, if it does anything at all. */
const targetOf = ({ doc, messages }: Documented, asked: Request, asker: Asker): string | null => {
  if (asker.role === 'viewer' || !messages) return null
  switch (asked.type) {
    case 'redact': {
      const message = messages.get(asked.messageId)
      return message && mayRedact(messages, message, asker) ? asked.messageId : null
    }
    case 'stop': {
      const run = openRoots(doc).runs.get(asked.runId)
      return run && !isFinished(run) ? asked.runId : null
    }
    default:
      return null
  }
}

const isNew = ({ doc: { store } }: Documented, { id, length }: Struct): boolean => id.clock + length > Y.getState(store, id.client)
