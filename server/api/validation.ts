/** From what a caller sent to a checked value. What is wrong is told by field; values are never repeated, they may be secret. */
import * as z from 'zod'
import type { Context } from 'hono'
import { SkeinError } from '../../shared/errors.ts'
import type { Problem } from '../../shared/api/schemas.ts'

type Fields = NonNullable<Problem['fields']>

/** A request that is not of the expected form, with what is wrong for each field. */
export class InvalidRequest extends SkeinError {
  readonly fields: Fields
  constructor(detail: string, fields: Fields = []) {
    super('invalid-request', detail)
    this.fields = fields
  }
}

// The schemas are zod/mini, which brings no words of its own; these stay on the server.
const { localeError } = z.locales.en()

export const validate = <T>(schema: z.core.$ZodType<T>, value: unknown): T => {
  const result = z.core.safeParse(schema, value, { error: localeError })
  if (result.success) return result.data
  const fields = result.error.issues.slice(0, 16).map(issue => ({ field: issue.path.join('.') || '(body)', problem: wordsOf(issue) }))
  throw new InvalidRequest(`The request does not have the expected form, so nothing was changed. ${fields.map(({ field, problem }) => `${field}: ${problem}`).join('; ')}`, fields)
}

/** Names of unknown fields are the caller's text too, so they are counted, not repeated. */
const wordsOf = (issue: z.core.$ZodIssue): string =>
  issue.code === 'unrecognized_keys' ? `${issue.keys.length} unknown field(s)` : issue.message

/** The request's JSON body, checked. An empty body counts as `{}`. */
export const readBody = async <T>(c: Context, schema: z.core.$ZodType<T>): Promise<T> => validate(schema, parseJson(await c.req.text()))

export const readQuery = <T>(c: Context, schema: z.core.$ZodType<T>): T => validate(schema, c.req.query())

const parseJson = (text: string): unknown => {
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    throw new InvalidRequest('The body is not valid JSON, so nothing was changed.')
  }
}
