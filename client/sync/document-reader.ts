/** Reads a conversation document root by root, and each root again only after it changed. */
import type * as Y from 'yjs'
import { openRoots } from '../../shared/conversation/document.ts'
import { readDrafts, readMembers, readMessages, readMeta, readReactions, readRedactions, readRuns, readSummaries } from '../../shared/conversation/read.ts'
import type { Draft, Meta, Reaction } from '../../shared/conversation/read.ts'
import type { Member, Message, Redaction, Run, Summary } from '../../shared/conversation/schema.ts'

export interface DocumentReader {
  /** The same array until messages change; so are the other lists. */
  messages: () => readonly Message[]
  drafts: () => Draft[]
  runs: () => Run[]
  reactions: () => Reaction[]
  meta: () => Meta
  members: () => ReadonlyMap<string, Member>
  /** Of messages that are no longer there. */
  redactions: () => ReadonlyMap<string, Redaction>
  summaries: () => readonly Summary[]
  isSealed: (id: string) => boolean
}

/** @param onMessages called after messages or redactions changed */
export const createReader = (doc: Y.Doc, onMessages: () => void): DocumentReader => {
  const roots = openRoots(doc)
  const messages = kept(roots.messages, () => readMessages(doc))
  const ids = kept(roots.messages, () => new Set<string>(messages().map(message => message.id)))
  // After those above, so that they read anew when it asks them.
  roots.messages.observeDeep(onMessages)
  roots.redactions.observeDeep(onMessages)
  return {
    messages,
    drafts: kept(roots.drafts, () => readDrafts(doc)),
    runs: kept(roots.runs, () => readRuns(doc)),
    reactions: kept(roots.reactions, () => readReactions(doc)),
    meta: kept(roots.meta, () => readMeta(doc)),
    members: kept(roots.members, () => readMembers(doc)),
    redactions: kept(roots.redactions, () => readRedactions(doc)),
    summaries: kept(roots.summaries, () => readSummaries(doc)),
    isSealed: id => ids().has(id) || roots.redactions.has(id)
  }
}

interface Observable {
  observeDeep: (listener: () => void) => void
}

const kept = <T>(root: Observable, read: () => T): (() => T) => {
  let value: { read: T } | null = null
  root.observeDeep(() => {
    value = null
  })
  return () => (value ??= { read: read() }).read
}
