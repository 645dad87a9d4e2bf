/**
 * Updates that have come to a free document by the time when the log can write are taken in one transaction: one record, one frame to
 * every reader. Each is judged and audited by itself, on the document as the one before it left it.
 *
 * Only what needs nothing else goes this way. The first that is to be refused, parked or cut ends it, before anything of that one was
 * applied. Conversations are not written so: their records belong to one person each.
 */
import type * as Y from 'yjs'
import { SkeinError } from '../../shared/errors.ts'
import { markOf } from '../gate/audit.ts'
import type { Scanned } from '../gate/scan.ts'
import type { Verdict } from '../gate/verdict.ts'
import type { Binding } from '../log/port.ts'
import { applyJudged } from './apply-judged.ts'
import type { ClientOwners } from './client-owners.ts'
import type { Recorder } from './recorder.ts'
import { isTurn } from './session.ts'
import type { Submission, Turn } from './session.ts'

export interface TogetherPorts {
  /** Null: it is not to be taken this way. */
  judge(submission: Submission): { scanned: Scanned, verdict: Extract<Verdict, { kind: 'accept' | 'nothing' }> } | null
  /** Milliseconds from any moment on. */
  now: () => number
}

/** Nobody else has a turn meanwhile (milliseconds). */
const WORK_MS = 10
/** Of one record; readers get it as one frame. */
const BYTES = 64 * 1024

/** The document, and who has a part in writing it. */
interface Written {
  doc: Y.Doc
  owners: ClientOwners
  recorder: Pick<Recorder, 'record'>
}

export interface Together {
  /** In the document, in order. */
  taken: Submission[]
  /** Null: all is well. Otherwise the document is lost; with what the judge let through and the audit caught, if it was that. */
  lost: { forged: Submission | null, reason: string | undefined } | null
}

/** @param inbox from the front of which what is taken goes missing */
export const takeTogether = (inbox: (Submission | Turn)[], { doc, owners, recorder }: Written, { judge, now }: TogetherPorts): Together => {
  const taken: Submission[] = []
  const bindings: Binding[] = []
  const since = now()
  let bytes = 0
  let applying: Submission | null = null
  const takeNext = (transaction: Y.Transaction): boolean => {
    const next = inbox[0]
    if (!next || isTurn(next) || (bytes += next.bytes.length) > BYTES || now() - since > WORK_MS) return false
    const judged = judge(next)
    if (!judged) return false
    inbox.shift()
    const { scanned, verdict } = judged
    if (verdict.kind === 'accept') {
      applying = next
      bindings.push(...owners.bind(verdict.newClients, next.session.principal.id))
      const mark = taken.length === 0 ? undefined : markOf(transaction)
      applyJudged(next.session, transaction, doc, scanned.bytes, verdict, mark)
      applying = null
    }
    taken.push(next)
    return true
  }
  try {
    recorder.record('several', bindings, (_, transaction) => { while (takeNext(transaction)); })
    return { taken, lost: null }
  } catch (error) {
    return { taken, lost: { forged: applying, reason: error instanceof SkeinError ? error.message : undefined } }
  }
}
