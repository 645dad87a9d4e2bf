/** What the rest of the server may do with a room: agents and the API read and write through this, never through a `Y.Doc` of their own. */
import type * as Y from 'yjs'
import type { StoredEvent } from '../../shared/conversation/event.ts'
import type { DraftHead, Member, Message, MessagePart, Request, Run, SettableMeta, SourcePart, Summary } from '../../shared/conversation/schema.ts'
import type { DocumentName, DraftId, RequestId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import type { RequestOutcome, Role } from '../../shared/wire/frame.ts'

/** Writes of the server inside one transaction of a conversation. Each call also notes its event. */
export interface ConversationWriter {
  readonly doc: Y.Doc
  /** Seals: appends to `messages` under the server's message client id. */
  appendMessage(message: Message): void
  openDraft(id: DraftId, head: DraftHead, parts: readonly MessagePart[]): void
  /** Appends text to the draft's last part when it has this type, else begins a new part. */
  appendToDraft(id: DraftId, type: 'text' | 'reasoning', text: string): void
  /** Where something that the reply builds on is to be found. */
  addSource(id: DraftId, source: SourcePart): void
  dropDraft(id: DraftId): void
  /** One write per visible state; keeps the unfinished runs and the latest. */
  setRun(run: Run): void
  /** Nothing when there is one of that id. */
  addSummary(id: string, summary: Summary): void
  /** What these said is said under another name from now on; it stays where it is. */
  renameAuthor(ids: readonly string[], name: string): void
  setMeta(key: SettableMeta, value: string): void
  /** For display; the directory is what counts. */
  setMembers(members: ReadonlyMap<string, Member>): void
}

/** A request that comes by itself, from somebody who is not connected. */
export interface Posted {
  readonly principal: Principal
  /** As the directory has it now; null: the document is not theirs any more. */
  readonly role: Role | null
  readonly requestId: RequestId
  /** What the gate asks of values its text was asked before: see {@link readPosted}. */
  readonly request: Request
}

/** What became of it, the first time and every time after. */
export interface PostedAnswer {
  outcome: RequestOutcome
  /** When it was taken (milliseconds since 1970). */
  at: number
  /** The message that it became, as long as that is there. */
  message?: Message
  /** That it asked for. */
  runs: Pick<Run, 'id' | 'agentId' | 'messageId' | 'replyId'>[]
}

export interface Room {
  readonly name: DocumentName
  /**
   * Takes a request as if a connection had brought it; resolves when that is durable.
   * @throws SkeinError it was not taken, and may come again under the same id
   */
  post(posted: Posted): Promise<PostedAnswer>
  /** Reads, and resolves when everything that it could have seen is durable. */
  read<T>(reader: (doc: Y.Doc) => T): Promise<T>
  /**
   * Writes as one transaction and one log record; resolves when durable. Rejects `not-saved` when the append failed: the room is then gone.
   * A `change` that throws costs the room too, since the document may be half changed.
   */
  write<T>(actor: string, change: (writer: ConversationWriter) => T): Promise<T>
}

export interface Rooms {
  /** Loads the room when it is not in memory (single-flight) and keeps it for as long as `use` runs. */
  use<T>(name: DocumentName, use: (room: Room) => Promise<T>): Promise<T>
}

/** Called with the events of a record after it is durable; the only thing that agents, feeds and later webhooks react to. */
export type EventListener = (name: DocumentName, sequence: number, events: readonly StoredEvent[]) => void
