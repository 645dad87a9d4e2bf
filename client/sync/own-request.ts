/** What can become of a request of this device: pure rules, used by the outbox and the view. */
import type { OutboxEntry } from './view.ts'
import type { Message, Request, RequestOf } from '../../shared/conversation/schema.ts'
import { messageIdOf } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'

export interface OwnRequest extends OutboxEntry {
  /** The server took it; what it wrote is on its way here. */
  accepted: boolean
}

export type OwnSend = OwnRequest & { request: RequestOf<'send'> }

export interface Author {
  id: string
  name: string
  /** Other ids of this person, see `ConversationOptions.aliases`. */
  aliases?: readonly string[]
}

export const isAuthor = ({ id, aliases = [] }: Author, other: string): boolean => other === id || aliases.includes(other)

export const isSend = (own: OwnRequest): own is OwnSend => own.request.type === 'send'

/** The server has not answered yet. */
export const isOpen = (own: OwnRequest): boolean => !own.accepted && own.refusal === null

/** A refusal is kept for as long as something a person wrote would be gone without it; the others last as long as the page. */
export const carriesText = (request: Request): boolean => request.type === 'send' || request.type === 'set-meta'

/** Belongs in the device's store. */
export const isKept = ({ accepted, refusal, request }: OwnRequest): boolean => !accepted && (refusal === null || carriesText(request))

/** It may have been sent to a server of another lineage than this one, so what became of it has to be found out. */
export const wasAskedElsewhere = ({ askedIn = null }: OwnRequest, epoch: string | null): boolean =>
  askedIn !== null && askedIn !== epoch

/**
 * Those to put into the document (again), in the order in which they were made: a message must not come before its parent.
 * Proposing one that the server knows is harmless: it answers with the outcome that it noted. A server of another lineage may know nothing
 * of one that it took.
 * @param epoch lineage of the server that was met; null: none yet
 * @param isProposed it lies in the document's outbox
 * @param isSealed what a `send` asked for is done
 */
export const missingRequests = (
  own: readonly OwnRequest[], epoch: string | null, isProposed: (id: string) => boolean, isSealed: (id: string) => boolean
): OwnRequest[] =>
  own.filter(entry => isOpen(entry) && !wasAskedElsewhere(entry, epoch) && !isProposed(entry.id) && !isSealed(entry.id))

/** In place of an epoch: where it was sent, if it was, nobody noted. */
const SOMEWHERE = 'unknown'

/** It may have been sent to the server of the stored document's lineage: to be noted before that document is left. */
const isUnnoted = ({ refusal, askedIn }: OutboxEntry): boolean => refusal === null && askedIn === undefined

/**
 * As it goes on when the document is left: where it was sent that nobody noted is forgotten, and a message that never left may follow one
 * that is not in the next document.
 */
export const whenLeft = (entry: OutboxEntry): OutboxEntry => {
  if (isUnnoted(entry)) return { ...entry, askedIn: SOMEWHERE }
  return entry.refusal === null && entry.askedIn === null && entry.request.type === 'send' ? { ...entry, astray: true } : entry
}

/** The server would refuse it for its size and, if it fits no frame, could not even say so. */
export const isTooLarge = (request: Request): boolean => {
  const bytes = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length
  return bytes(request) > limits.requestBytes || (request.type === 'send' && bytes(request.message.parts) > limits.messageBytes)
}

/** The message as it will stand when sealed, but for the time of acceptance and what the server adds. */
export const pendingMessage = ({ id, request }: OwnSend, author: Author): Message => {
  const { parts, parentId, replaces, to, mode, context } = request.message
  return {
    id: messageIdOf(id),
    role: 'user',
    parts,
    metadata: {
      parentId,
      ...replaces && { replaces },
      ...to && { to },
      ...mode && { mode },
      ...context && { context },
      authorId: author.id,
      authorName: author.name,
      createdAt: request.createdAt,
      acceptedAt: request.createdAt,
      status: 'complete'
    }
  }
}
