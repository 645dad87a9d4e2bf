/**
 * Whether this device's copy of a document and the server's may be merged, and what is done when not: a pure machine over what the
 * server says. Content of two lineages (epochs) is never merged: the device begins anew with what the server has. So it does once when
 * the server refused a frame of a conversation, for nothing more is judged on that socket, and all that is a person's own in a
 * conversation is carried over. A free document stays as it is.
 */
import { SCHEMA_VERSION } from '../../shared/conversation/schema.ts'
import { errorTable } from '../../shared/errors.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import type { Hello, Role } from '../../shared/wire/frame.ts'

export interface Lineage {
  /** Of the server's content on this device; null: there is none. */
  epoch: string | null
  /** Lineages in which the device began anew since the last completed sync; null: one that it had not been told yet. */
  begun: readonly (string | null)[]
  /** Refused frames since something was acknowledged. */
  refusals: number
  /** The server has said that the document is not this person's, or not that of somebody else who is signed in by now. */
  away: 'no' | 'this person' | 'another person'
}

export interface LineageSubject {
  isConversation: boolean
  /** Whose device store it is, if that is known. */
  userId?: string | undefined
}

export type LineageEvent =
  /** The store was read. */
  | { type: 'read', epoch: string | null }
  | { type: 'met', hello: Hello }
  /** Null: it is no document of this person's. */
  | { type: 'role', role: Role | null, userId: string }
  | { type: 'refused', code: ErrorCode, reason: string }
  /** The server closed for good. `epoch`: that it told last. */
  | { type: 'closed', code: number, epoch: string | null }
  | { type: 'synced' }
  | { type: 'saved' }

export type LineageEffect =
  /** Exchange what both have. */
  | { type: 'merge', epoch: string }
  | { type: 'rebuild', epoch: string | null }
  /** The document was deleted, or is no longer this person's. */
  | { type: 'forget', code: 'gone' | 'no-longer-member' }
  /** Connect no more, and say why. */
  | { type: 'stop', code: ErrorCode, reason: string }

export type LineageStep = readonly [Lineage, LineageEffect | null]

export const startLineage: Lineage = { epoch: null, begun: [], refusals: 0, away: 'no' }

/** More new beginnings than this in one lineage without a completed sync between them are a fault of the server's. */
const REBUILDS = 3

/** So are more than this in any: a device that meets its server at bad moments only may see several in a row. */
const REBUILDS_IN_ALL = 20

const OTHER_PERSON = 'This browser is signed in as somebody else now. What you wrote is kept on this device; reload the page to continue.'

export const followLineage = (state: Lineage, event: LineageEvent, subject: LineageSubject): LineageStep => {
  switch (event.type) {
    case 'read':
      return [{ ...state, epoch: event.epoch }, null]
    case 'met':
      return meet(state, event.hello, subject)
    case 'role': {
      const isOurs = subject.userId === undefined || event.userId === subject.userId
      return [{ ...state, away: event.role !== null ? 'no' : isOurs ? 'this person' : 'another person' }, null]
    }
    case 'refused': {
      const refused = { ...state, refusals: state.refusals + 1 }
      return subject.isConversation && state.refusals === 0 ? rebuild(refused, state.epoch) : [refused, stop(event.code, event.reason)]
    }
    case 'closed':
      if (event.code === errorTable['epoch-changed'].close) return rebuild(state, event.epoch)
      return leave(state, event.code)
    case 'synced':
      return [{ ...state, begun: [] }, null]
    case 'saved':
      return [{ ...state, refusals: 0 }, null]
  }
}

const meet = (state: Lineage, { epoch, userId, schema }: Hello, subject: LineageSubject): LineageStep => {
  // The cookie is another person's now (they signed in in another tab): nothing of this one's may go out under that name.
  if (subject.userId !== undefined && userId !== subject.userId) return [state, stop('unauthenticated', OTHER_PERSON)]
  if (subject.isConversation && schema > SCHEMA_VERSION) return [state, stop('newer-schema')]
  if (state.epoch !== null && state.epoch !== epoch) return rebuild(state, epoch)
  return [{ ...state, epoch, away: 'no' }, { type: 'merge', epoch }]
}

/** Nothing that a server says to somebody else makes this device forget anything. */
const leave = (state: Lineage, code: number): LineageStep => {
  if (code === errorTable.gone.close) return [{ ...state, epoch: null }, { type: 'forget', code: 'gone' }]
  if (code !== errorTable['no-longer-member'].close || state.away === 'no') return [state, null]
  if (state.away === 'another person') return [state, stop('unauthenticated', OTHER_PERSON)]
  return [{ ...state, epoch: null }, { type: 'forget', code: 'no-longer-member' }]
}

/** @param epoch null while it is not known */
const rebuild = (state: Lineage, epoch: string | null): LineageStep => {
  const begun = [...state.begun, epoch]
  const isHopeless = begun.length > REBUILDS_IN_ALL || begun.filter(each => each === epoch).length > REBUILDS
  return [{ ...state, begun }, isHopeless ? stop('epoch-changed') : { type: 'rebuild', epoch }]
}

const stop = (code: ErrorCode, reason: string = errorTable[code].message): LineageEffect => ({ type: 'stop', code, reason })
