/** One request to the server's API: the answer in its checked form, or a SkeinError that says what happened. */
import { problem as problemSchema } from '../../shared/api/schemas.ts'
import { isErrorCode, SkeinError } from '../../shared/errors.ts'

export interface Parser<T> {
  safeParse: (value: unknown) => { success: true, data: T } | { success: false }
}

/** One request, whose answer is what the parser says; rejects with SkeinError. */
export type Ask = <T>(parser: Parser<T>, path: string, init?: RequestInit) => Promise<T>

/** Of answers without a body. */
export const nothing: Parser<null> = { safeParse: () => ({ success: true, data: null }) }

export const withBody = (method: 'POST' | 'PATCH' | 'DELETE', body: unknown): RequestInit =>
  ({ method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

export const post = (body: unknown): RequestInit => withBody('POST', body)

/** @param origin `https://host`; empty for the page's own server */
export const createAsk = (origin: string, send: typeof fetch): Ask =>
  async <T>(parser: Parser<T>, path: string, init?: RequestInit): Promise<T> => {
    const response = await send(origin + path, init).catch((error: unknown) => {
      throw new SkeinError('unavailable', 'The server cannot be reached. What you wrote is kept on this device.', { cause: error })
    })
    const body: unknown = await response.json().catch(() => null)
    if (!response.ok) throw problemOf(response.status, body)
    const parsed = parser.safeParse(body)
    if (!parsed.success) throw new SkeinError('internal', 'The server gave an answer that this page does not understand. Reload the page.')
    return parsed.data
  }

/** An answer without a problem document comes from something between us and the server. */
const problemOf = (status: number, body: unknown): SkeinError => {
  const problem = problemSchema.safeParse(body)
  if (!problem.success) return new SkeinError(status >= 500 ? 'unavailable' : 'internal')
  const { code, detail } = problem.data
  return new SkeinError(isErrorCode(code) ? code : 'internal', detail)
}
