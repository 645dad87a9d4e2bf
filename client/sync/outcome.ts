/** Asks the server what became of a request: its ledger remembers what it took, whatever happened to the document since. */
import type { DocumentOptions } from './document-options.ts'
import { realSurroundings } from './port.ts'
import type { After } from './port.ts'
import { routes } from '../../shared/api/routes.ts'
import { requestResult } from '../../shared/api/schemas.ts'
import { errorTable, isErrorCode, SkeinError } from '../../shared/errors.ts'
import { documentId } from '../../shared/ids.ts'
import type { RequestId } from '../../shared/ids.ts'
import type { RequestOutcome } from '../../shared/wire/frame.ts'

/** A network that swallows the question must not keep it from being asked again (milliseconds). */
export const ASK_TIMEOUT_MS = 10_000

/** Of these answers the next one may be another. */
const isPassing = (status: number): boolean => status >= 500 || status === 401 || status === 429

/**
 * @returns a function whose answer is null when the server has no note of the request, or offers no way to ask
 * @throws SkeinError `unavailable` when it could not be asked now
 */
export const askServer = (
  { name, url }: Pick<DocumentOptions, 'name' | 'url'>, after: After = realSurroundings.after,
) => async (id: RequestId): Promise<RequestOutcome | null> => {
  const address = new URL(routes.request(documentId(name), id), url.replace(/^ws/, 'http'))
  const answer = await readAnswer(address, after).catch((cause: unknown) => {
    throw cause instanceof SkeinError ? cause : new SkeinError('unavailable', undefined, { cause })
  })
  const result = requestResult.safeParse(answer)
  if (!result.success) return null
  const { outcome } = result.data
  if (outcome.status === 'accepted') return outcome
  const code = isErrorCode(outcome.code) ? outcome.code : 'internal'
  return { status: 'refused', code, reason: outcome.reason || errorTable[code].message }
}

/** @returns what the server says; null where it knows nothing */
const readAnswer = async (address: URL, after: After): Promise<unknown> => {
  const giveUp = new AbortController()
  const cancel = after(ASK_TIMEOUT_MS, () => giveUp.abort())
  try {
    const response = await fetch(address, { signal: giveUp.signal })
    if (isPassing(response.status)) throw new SkeinError('unavailable')
    return response.ok ? await response.json() : null
  } finally {
    cancel()
  }
}
