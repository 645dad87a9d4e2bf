/**
 * Checks JSON text from outside: that inside rich text (embeds and formats), which Yjs hands to `JSON.parse` while it decodes, and that
 * of a request which comes without an update.
 */
import { limits } from '../../shared/limits.ts'
import { price } from './budget.ts'
import type { Budget } from './budget.ts'
import { Malformed } from './byte-reader.ts'

/**
 * First a linear pass over the text for depth and `__proto__`, so that the parser never sees what could exhaust its stack; then the
 * parser, and a look at the numbers: `1e999` and `-0` would be stored as another value than the live one.
 */
export const scanJsonText = (text: string, budget: Budget, what = 'An embed or a format'): unknown => {
  scanStructure(text, budget, what)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Malformed(`${what} is not valid JSON.`)
  }
  if (!numbersSurvive(value)) throw new Malformed(`${what} holds a number that JSON cannot keep.`)
  return value
}

const scanStructure = (text: string, budget: Budget, what: string): void => {
  budget.spend(Math.floor(text.length / CHARACTERS_PER_STEP))
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    switch (text[i]) {
      case '{':
      case '[':
        budget.spend(price.container)
        if (++depth > limits.jsonDepth) throw new Malformed(`${what} is nested too deeply.`)
        break
      case '}':
      case ']':
        depth--
        break
      case ',':
        budget.spend(price.value)
        break
      case ':':
        budget.spend(price.key + price.newKey)
        break
      case '"': {
        const end = endOfString(text, i, what)
        if (isProtoKey(text, i, end, what)) throw new Malformed(`${what} has the key __proto__.`)
        i = end
        break
      }
      default:
    }
  }
}

/** @returns the index of the closing quote */
const endOfString = (text: string, start: number, what: string): number => {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '"') return i
  }
  throw new Malformed(`${what} is not valid JSON.`)
}

/** It is read twice here and once by Yjs each time that it decodes. */
const CHARACTERS_PER_STEP = 4

/** `"__proto__"` in full is six times as long when every letter is escaped. */
const LONGEST_PROTO = 2 + 6 * '__proto__'.length

const isProtoKey = (text: string, start: number, end: number, what: string): boolean => {
  if (end - start + 1 > LONGEST_PROTO) return false
  let next = end + 1
  while (next < text.length && ' \t\n\r'.includes(text[next]!)) next++
  if (text[next] !== ':') return false
  try {
    return JSON.parse(text.slice(start, end + 1)) === '__proto__'
  } catch {
    throw new Malformed(`${what} is not valid JSON.`)
  }
}

/** Recursion is at most `limits.jsonDepth` deep: the structure was scanned before. */
const numbersSurvive = (value: unknown): boolean => {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
  return typeof value !== 'object' || value === null || Object.values(value).every(numbersSurvive)
}
