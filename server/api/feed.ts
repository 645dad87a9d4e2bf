/**
 * The list feed: server-sent events that tell each open page of a person which of their conversations changed.
 *
 * A page that reads slowly gets each conversation once, as it is by then, however often it changed: what waits is a set of names.
 */
import type { Context } from 'hono'
import type { SSEStreamingApi } from 'hono/streaming'
import { FEED_EVENT, FEED_REMOVED_EVENT } from '../../shared/api/routes.ts'
import type { ConversationEvent } from '../../shared/conversation/event.ts'
import { documentId, documentKind } from '../../shared/ids.ts'
import type { DocumentName, UserId } from '../../shared/ids.ts'
import { holderOf, idsOf } from '../../shared/principal.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Directory, DirectoryEntry, DirectoryListener } from '../directory/port.ts'
import { reaches, wasMember } from '../room/access.ts'
import type { EventListener } from '../room/port.ts'
import type { Proof } from '../room/proofs.ts'
import type { Logger } from '../telemetry/port.ts'
import type { Gatekeeper } from './access.ts'
import type { ConversationListing } from './conversation-list.ts'
import type { EventStreams } from './event-streams.ts'
import { ToldInTurn } from './told-in-turn.ts'

export interface FeedOptions {
  directory: Directory
  gatekeeper: Gatekeeper
  list: ConversationListing
  openToAll: boolean
  streams: EventStreams
  logger: Logger
}

export class Feed {
  readonly #options: FeedOptions
  readonly #readers = new Set<Reader>()

  constructor(options: FeedOptions) {
    this.#options = options
  }

  /** For the rooms: tells who is concerned, when what a list shows has changed. */
  readonly onEvents: EventListener = (name, _sequence, events) => {
    if (documentKind(name) === 'conversation' && events.some(changesList)) void this.announce(name)
  }

  /** For the directory: who became a member, or is one no more, and who may do more or less. */
  readonly onMembers: DirectoryListener = (entry, ids) => {
    if (documentKind(entry.name) !== 'conversation') return
    const { openToAll } = this.#options
    for (const { principal, events } of this.#readers) {
      if (mayKnow(entry, principal, ids) || wasMember(entry, principal, openToAll)) events.add(entry.name)
    }
  }

  /** Tells the conversation's members that it has changed. Never rejects: who misses it reads the list again. */
  async announce(name: DocumentName): Promise<void> {
    if (this.#readers.size === 0) return
    try {
      const entry = await this.#options.directory.find(name)
      if (!entry) return
      for (const reader of this.#readers) if (wasMember(entry, reader.principal, this.#options.openToAll)) reader.events.add(name)
    } catch (error) {
      this.#options.logger.warn({ document: name, err: error }, 'feed could not tell of a change')
    }
  }

  /** The answer to `GET /api/feed`. */
  stream(c: Context, proof: Proof): Response {
    return this.#options.streams.answer(c, proof, (stream, end) => {
      const reader = new Reader(proof.principal, stream, end, this.#options)
      this.#readers.add(reader)
      return { write: first => void reader.events.write(first), close: () => this.#readers.delete(reader) }
    })
  }
}

/** Whether one of these is this person, who may know it even when they are no member any more. */
const mayKnow = ({ name }: DirectoryEntry, principal: Principal, ids: readonly UserId[]): boolean =>
  reaches(principal, name) && idsOf(holderOf(principal)).some(id => ids.includes(id))

const changesList = (event: ConversationEvent): boolean => {
  switch (event.type) {
    case 'message.sent':
    case 'message.redacted':
    case 'meta.set':
    case 'member.set':
    case 'member.left':
      return true
    case 'context.summarised':
    case 'draft.opened':
    case 'draft.dropped':
    case 'reaction.set':
    case 'run.created':
    case 'run.changed':
    case 'request.refused':
      return false
  }
}

/** One open page. */
class Reader {
  readonly principal: Principal
  readonly events: ToldInTurn<DocumentName>
  readonly #stream: SSEStreamingApi
  readonly #options: FeedOptions

  constructor(principal: Principal, stream: SSEStreamingApi, end: () => void, options: FeedOptions) {
    this.principal = principal
    this.#stream = stream
    this.#options = options
    this.events = new ToldInTurn(name => this.#tell(name), error => {
      options.logger.warn({ principal: principal.id, err: error }, 'feed ended: it could not read what changed')
      end()
    })
  }

  async #tell(name: DocumentName): Promise<void> {
    const { directory, gatekeeper, list } = this.#options
    const entry = await directory.find(name)
    const role = entry?.deletedAt === null && gatekeeper.roleIn(entry, this.principal)
    if (!role) {
      await this.#stream.writeSSE({ event: FEED_REMOVED_EVENT, data: JSON.stringify({ id: documentId(name) }) })
      return
    }
    const item = await list.item({ name, role, createdAt: entry.createdAt })
    await this.#stream.writeSSE({ event: FEED_EVENT, data: JSON.stringify(item) })
  }
}
