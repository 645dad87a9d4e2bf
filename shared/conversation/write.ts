/**
 * Pure functions that propose: they build requests. Only {@link putRequest} and {@link putSharedDraft} touch a document, where people's
 * clients may.
 */
import * as Y from 'yjs'
import type { AgentId, DraftId, MessageId, RequestId, RunId } from '../ids.ts'
import type { Mode } from './mode.ts'
import { openRoots } from './document.ts'
import type { DraftMap, DraftPart } from './document.ts'
import type { ContextReference, DraftHead, MessagePart, Request, RequestOf, SettableMeta } from './schema.ts'

export interface SendFields {
  parts: MessagePart[]
  /** What the sender saw last; null at the start of a conversation. */
  parentId: MessageId | null
  replaces?: MessageId
  to?: AgentId[]
  drops?: DraftId
  /** Without it the conversation's. */
  mode?: Mode
  /** Files and folders of the server. */
  context?: ContextReference[]
}

/** @param createdAt milliseconds since 1970, by the device's clock */
export const proposeSend = ({ parts, parentId, replaces, to, drops, mode, context }: SendFields, createdAt: number): RequestOf<'send'> => ({
  type: 'send',
  createdAt,
  message: { parts, parentId, ...replaces && { replaces }, ...to && { to }, ...mode && { mode }, ...context?.length && { context } },
  ...drops && { drops }
})

export const proposeRedact = (messageId: MessageId, createdAt: number): RequestOf<'redact'> => ({ type: 'redact', createdAt, messageId })
export const proposeStop = (runId: RunId, createdAt: number): RequestOf<'stop'> => ({ type: 'stop', createdAt, runId })
export const proposeRegenerate = (messageId: MessageId, createdAt: number, agentId?: AgentId): RequestOf<'regenerate'> =>
  ({ type: 'regenerate', createdAt, messageId, ...agentId && { agentId } })
export const proposeRetry = (messageId: MessageId, createdAt: number): RequestOf<'retry'> => ({ type: 'retry', createdAt, messageId })
export const proposeContinue = (messageId: MessageId, createdAt: number): RequestOf<'continue'> => ({ type: 'continue', createdAt, messageId })
export const proposeSetMeta = (key: SettableMeta, value: string, createdAt: number): RequestOf<'set-meta'> =>
  ({ type: 'set-meta', createdAt, key, value })
export const proposeReact = (messageId: MessageId, kind: string, on: boolean, createdAt: number): RequestOf<'react'> =>
  ({ type: 'react', createdAt, messageId, kind, on })

/** Puts the request into the document's outbox, from where the sync provider carries it to the server. */
export const putRequest = (doc: Y.Doc, id: RequestId, request: Request): void => {
  openRoots(doc).requests.set(id, request)
}

export type SharedDraftHead = Extract<DraftHead, { kind: 'shared' }>

/** Opens a shared draft with one text part, in one transaction: the gate takes it whole or not at all. */
export const putSharedDraft = (doc: Y.Doc, id: DraftId, head: SharedDraftHead, text = ''): void => {
  const part: DraftPart = new Y.Map<string | Y.Text>([['type', 'text'], ['text', new Y.Text(text)]])
  const draft: DraftMap = new Y.Map<DraftHead | Y.Array<DraftPart>>([['head', head], ['parts', Y.Array.from([part])]])
  doc.transact(() => openRoots(doc).drafts.set(id, draft))
}
