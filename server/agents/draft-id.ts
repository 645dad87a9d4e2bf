/** The draft of an attempt: every attempt of a run writes into one of its own, so what a stale attempt writes can never be sealed. */
import { createHash } from 'node:crypto'
import { uuidFromDigest } from '../../shared/ids.ts'
import type { DraftId, RunId } from '../../shared/ids.ts'

/** UUIDv8 from the run and the attempt: in the server's own namespace, so no client can have taken it before. */
export const draftIdOf = (run: RunId, attempt: number): DraftId =>
  uuidFromDigest(createHash('sha256').update(`draft\n${run}\n${attempt}`).digest()) as DraftId
