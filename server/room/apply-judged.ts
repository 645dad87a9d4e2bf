/**
 * An update that was judged becomes part of the document. What the judge let through and the audit catches ends its sender's connection
 * for good, before the room is lost and everybody else's ends with "try again": who sent it would send it again.
 */
import type * as Y from 'yjs'
import { applyClientUpdate } from '../gate/apply.ts'
import { audit } from '../gate/audit.ts'
import type { Session } from './session.ts'

export const applyJudged = (
  session: Pick<Session, 'end'>, transaction: Y.Transaction, doc: Y.Doc, bytes: Uint8Array, ...judged: Tail<Parameters<typeof audit>>
): void => {
  try {
    applyClientUpdate(transaction, doc, bytes)
    audit(transaction, ...judged)
  } catch (error) {
    session.end('forged')
    throw error
  }
}

type Tail<T extends unknown[]> = T extends [unknown, ...infer Rest] ? Rest : never
