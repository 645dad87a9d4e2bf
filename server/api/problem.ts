/** Errors as RFC 9457 problem documents, all from the one error table. */
import { errorTable } from '../../shared/errors.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import type { Problem } from '../../shared/api/schemas.ts'

export const problemResponse = (
  code: ErrorCode, detail: string = errorTable[code].message, more: Pick<Problem, 'fields' | 'instance'> = {}, headers: Record<string, string> = {},
): Response => {
  const { status } = errorTable[code]
  const body: Problem = { type: `urn:skein:error:${code}`, title: titleOf(code), status, detail, code, ...more }
  return new Response(JSON.stringify(body), { status, headers: { ...headers, 'Content-Type': 'application/problem+json' } })
}

/** The same for every occurrence of the code, as the RFC asks: `not-found` → `Not found`. */
const titleOf = (code: ErrorCode): string => code[0]!.toUpperCase() + code.slice(1).replaceAll('-', ' ')
