/** Errors as RFC 9457 problem documents, all from the one error table. */
import type { HonoRequest } from 'hono'
import { errorTable } from '../../shared/errors.ts'
import type { ErrorCode, SkeinError } from '../../shared/errors.ts'
import type { Problem } from '../../shared/api/schemas.ts'

export const problemResponse = (
  code: ErrorCode, detail: string = errorTable[code].message, more: Pick<Problem, 'fields' | 'instance'> = {}, headers: Record<string, string> = {},
): Response => {
  const { status } = errorTable[code]
  const body: Problem = { type: `urn:skein:error:${code}`, title: titleOf(code), status, detail, code, ...more }
  return new Response(JSON.stringify(body), { status, headers: { ...headers, 'Content-Type': 'application/problem+json' } })
}

/** What is said to a caller: a browser says which page it asks for, a program does not. */
export const detailFor = ({ code, message }: SkeinError, request: HonoRequest): string => {
  const { message: toPerson, toProgram = toPerson } = errorTable[code]
  const isPages = ['sec-fetch-site', 'referer', 'origin'].some(name => request.header(name) !== undefined)
  return message === toPerson && !isPages ? toProgram : message
}

/** The same for every occurrence of the code, as the RFC asks: `not-found` → `Not found`. */
const titleOf = (code: ErrorCode): string => code[0]!.toUpperCase() + code.slice(1).replaceAll('-', ' ')
