/** Typed access to the roots of a conversation document. Values in it are JSON; readers validate what a stranger may have written. */
import type * as Y from 'yjs'
import type { DraftHead, Member, Message, Redaction, Request, Run, Summary } from './schema.ts'

/** A draft: `head` (a {@link DraftHead}) and `parts` (a `Y.Array` of {@link DraftPart}). */
export type DraftMap = Y.Map<DraftHead | Y.Array<DraftPart>>
/** One part of a draft: `type` (`text` or `reasoning`) and `text` (a `Y.Text`). */
export type DraftPart = Y.Map<string | Y.Text>

export interface ConversationRoots {
  messages: Y.Array<Message>
  requests: Y.Map<Request>
  drafts: Y.Map<DraftMap>
  meta: Y.Map<string | number>
  /** Key: `<messageId> <userId> <kind>`, value: when (milliseconds since 1970). */
  reactions: Y.Map<number>
  runs: Y.Map<Run>
  members: Y.Map<Member>
  redactions: Y.Map<Redaction>
  /** By ids that derive from what they stand for, so that there is one of each. */
  summaries: Y.Map<Summary>
}

/** Defines the root types of the document (Yjs learns a root's type on first access) and returns them. */
export const openRoots = (doc: Y.Doc): ConversationRoots => ({
  messages: doc.getArray('messages'),
  requests: doc.getMap('requests'),
  drafts: doc.getMap('drafts'),
  meta: doc.getMap('meta'),
  reactions: doc.getMap('reactions'),
  runs: doc.getMap('runs'),
  members: doc.getMap('members'),
  redactions: doc.getMap('redactions'),
  summaries: doc.getMap('summaries')
})

export const reactionKey = (messageId: string, userId: string, kind: string): string => `${messageId} ${userId} ${kind}`
