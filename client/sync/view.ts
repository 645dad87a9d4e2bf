/** What a user interface shows of one conversation: an immutable snapshot, made anew after every change. */
import type { ErrorCode } from '../../shared/errors.ts'
import type { Mode } from '../../shared/conversation/mode.ts'
import type { Draft, Reaction } from '../../shared/conversation/read.ts'
import type { Member, Message, Request, Run, Summary } from '../../shared/conversation/schema.ts'
import type { RequestId } from '../../shared/ids.ts'
import type { Role } from '../../shared/wire/frame.ts'

/** Where a message is safe. */
export type Delivery =
  /** Its write to this device's store has not completed. */
  | { state: 'writing' }
  /** Stored on this device, on its way to the server. */
  | { state: 'on-device' }
  /** On the server's disk. */
  | { state: 'saved' }
  /** The server said no; the text stays here until the person resends or discards it. */
  | { state: 'refused', code: ErrorCode, reason: string }

export interface ViewMessage {
  message: Message
  delivery: Delivery
  /** Ids of its alternatives, itself included, in the order accepted. */
  alternatives: string[]
}

/** A request of this device that has no outcome yet, or was refused. */
export interface OutboxEntry {
  id: RequestId
  request: Request
  /** On disk here. */
  stored: boolean
  refusal: { code: ErrorCode, reason: string } | null
  /**
   * Lineage (epoch) of the server that it was sent to, if it may have been: no other server gets it without being asked first, since
   * its effect may be there already. Null: it never left this device. Absent: nobody noted it, and it is of the stored document's lineage.
   */
  askedIn?: string | null
  /** The document that it was written in was left: what it follows may be lost with that. */
  astray?: true
}

export interface Person {
  clientId: number
  userId: string
  name: string
  typing: boolean
  /** Is this very connection. */
  self: boolean
}

export type ConnectionState = 'offline' | 'connecting' | 'online'

export interface ConversationView {
  title: string
  agent: string | null
  /** The system prompt of the conversation. */
  system: string
  /** Where several people write, the agent answers every message, not only those that mention it. */
  answersAlways: boolean
  /** In which agents work on what is said. */
  mode: Mode
  /** Who belongs to it, by id. */
  members: ReadonlyMap<string, Member>
  /** Visible messages in order; own pending and refused ones at the end. */
  messages: ViewMessage[]
  /** Messages before them that come when the document is read: until {@link loaded}, only the end is shown, as it was kept. */
  earlier: number
  /** What agents read in the place of older messages. */
  summaries: readonly Summary[]
  /** Replies and shared drafts in progress. */
  drafts: Draft[]
  runs: Run[]
  reactions: Reaction[]
  people: Person[]
  connection: ConnectionState
  /** Why the server closed the connection for good, if it did. */
  closedBy: { code: number, reason: string } | null
  /** What the server said when the connection ended that is being tried again; null: nothing, or there is one. */
  interruption: string | null
  /** The document holds what the server had when this connection began (or earlier connections brought it). */
  synced: boolean
  /** The local store has been read. */
  loaded: boolean
  /** Role that the server last told; null before it was ever told. */
  role: Role | null
  /** What this device asked for and the server has not answered, messages aside. */
  wanted: Request[]
  /** Requests of this device that the server has not answered. */
  pending: number
  /** Requests other than messages that the server refused: show the reason, then `discard` them. A refused message stands in `messages`. */
  refused: OutboxEntry[]
  /** Set when the device's store failed (quota, I/O): what to tell the person. Nothing is lost while the page is open. */
  storageProblem: string | null
}
