/** The value of a request that comes by itself, as text: held to what is asked of one that stands in an update. */
import { SkeinError } from '../../shared/errors.ts'
import { Budget } from './budget.ts'
import { Malformed } from './byte-reader.ts'
import { scanJsonText } from './scan-json-text.ts'

/**
 * Bytes that are no UTF-8 would be kept as other characters than were sent.
 * @throws SkeinError `invalid-request`
 */
export const textOfPosted = (bytes: ArrayBuffer): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new SkeinError('invalid-request', 'The body is not text in UTF-8. Nothing was changed.')
  }
}

/**
 * What the document would keep as another value than it was told is no JSON here: `__proto__`, numbers without end, half a character.
 * @throws SkeinError `invalid-request`, `too-expensive`
 */
export const scanPosted = (text: string): unknown => {
  try {
    const value = scanJsonText(text, new Budget(), 'The body')
    if (!isWellFormed(value)) throw new Malformed('The body holds half a character, a surrogate without the other one.')
    return value
  } catch (error) {
    if (error instanceof Malformed) throw new SkeinError('invalid-request', `${error.message} Nothing was changed.`)
    throw error
  }
}

/** Recursion is at most `limits.jsonDepth` deep: the structure was scanned before. */
const isWellFormed = (value: unknown): boolean => {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, inner]) => key.isWellFormed() && isWellFormed(inner))
}
