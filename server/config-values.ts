/** How single variables of the environment are checked; see config.ts. */
import * as z from 'zod'

export const wholeNumber = (name: string, low: number, high: number) => {
  const error = `${name} must be a whole number from ${low} to ${high}.`
  return z.string().regex(/^\d{1,9}$/, { error, abort: true }).transform(Number).pipe(z.number().min(low, error).max(high, error))
}

export const oneOf = <const T extends readonly string[]>(name: string, values: T) =>
  z.enum(values, { error: `${name} must be one of: ${values.join(', ')}.` })

/** For a variable that this version has no use for yet: better not to start than to start as if it were set. */
export const notYet = (name: string, what: string) =>
  z.undefined({ error: `${name}: this version does not have ${what} yet; unset it.` }).optional()
