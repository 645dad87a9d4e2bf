/** Turns whatever a model's server or the way to it does wrong into one sentence that a person may read. */
import { APICallError, RetryError } from 'ai'
import { SkeinError } from '../../../shared/errors.ts'

export interface FailureContext {
  host: string
  /** Never shown, wherever the provider echoes them. */
  secrets: readonly (string | null | undefined)[]
}

const MAX_REASON = 300

export const modelFailure = (error: unknown, { host, secrets }: FailureContext): SkeinError => {
  const ours = causesOf(error).find(each => each instanceof SkeinError)
  if (ours) return ours
  // No `cause`: the SDK's errors carry the whole request, and what is logged must not hold the text of messages.
  return new SkeinError('agent-failed', reasonOf(error, host, text => shorten(withoutSecrets(onOneLine(text), secrets))))
}

/** @param quote makes of a provider's words what may be shown */
const reasonOf = (error: unknown, host: string, quote: (text: string) => string): string => {
  if (RetryError.isInstance(error)) return reasonOf(error.lastError, host, quote)
  if (APICallError.isInstance(error)) {
    const { statusCode, responseBody, message } = error
    if (statusCode === undefined) return `The model's server (${host}) could not be reached${systemCode(error)}. Your message is saved; try again.`
    // With a good status the answer had begun: the connection broke in the middle of it.
    const said = quote(providerMessage(responseBody) ?? message)
    if (statusCode >= 300) return `The model's server (${host}) answered with status ${statusCode}: ${ended(said)} ${whatToDo(statusCode)}`
  }
  // An error within the stream comes as the provider's object, bare or in an error's `data`.
  const inStream = errorObjectMessage(error instanceof Error ? dataOf(error) : error)
  if (inStream !== null) return `The model's server (${host}) reported an error: ${ended(quote(inStream))} What had arrived is kept; try again.`
  return `The model's server (${host}) ended the reply before it was finished${systemCode(error)}. What had arrived is kept; try again.`
}

/** Whoever asked can mend neither a key nor a name that the operator gave. */
const whatToDo = (status: number): string => {
  if (status === 401 || status === 403) return 'Your message is saved. Whoever runs this Skein has to look after its key; choose another model meanwhile.'
  if (status === 404) return 'Your message is saved. Whoever runs this Skein has to look whether the model is there; choose another one meanwhile.'
  if (status === 402 || status === 429) return 'Your message is saved; try again in a while, or choose another model.'
  return 'Your message is saved; try again, or choose another model.'
}

const ended = (words: string): string => /[.!?…)\]]$/.test(words) ? words : `${words}.`

/** The message in `{"error": {"message": …}}`, `{"error": "…"}` or `{"message": …}`: what the providers of this protocol send. */
const providerMessage = (body: string | undefined): string | null => {
  if (!body) return null
  try {
    const parsed: unknown = JSON.parse(body)
    return isObject(parsed) && 'error' in parsed ? errorObjectMessage(parsed.error) : errorObjectMessage(parsed)
  } catch {
    return null
  }
}

/** The error may be the object itself, or lie in its `error`, or in the `error` of its `response`. */
const errorObjectMessage = (value: unknown, depth = 0): string | null => {
  if (typeof value === 'string') return value
  if (!isObject(value) || depth > DEEPEST) return null
  return typeof value.message === 'string' ? value.message : errorObjectMessage(value.error ?? value.response, depth + 1)
}

const dataOf = (error: Error): unknown => 'data' in error ? error.data : null

/** ` (ECONNREFUSED)` or the like, from wherever in the chain of causes it stands. */
const systemCode = (error: unknown): string => {
  for (const { code } of causesOf(error)) if (typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code)) return ` (${code})`
  return ''
}

/** Of objects in objects whoever sends them decides how many there are. */
const DEEPEST = 5

const causesOf = (error: unknown): Record<string, unknown>[] => {
  const causes: Record<string, unknown>[] = []
  for (let each = error; isObject(each) && causes.length < DEEPEST;) {
    causes.push(each)
    each = RetryError.isInstance(each) ? each.lastError : each.cause
  }
  return causes
}

/** Without what ends lines, hides text or turns it around. */
const onOneLine = (text: string): string => text.replace(/\p{Cf}/gu, '').replace(/[\s\p{Cc}]+/gu, ' ').trim()

const shorten = (text: string): string => text.length > MAX_REASON ? `${text.slice(0, MAX_REASON).toWellFormed()}…` : text.toWellFormed()

/** Providers echo keys, whole or masked in the middle (`sk-ab***yz`). */
const withoutSecrets = (text: string, secrets: FailureContext['secrets']): string =>
  secrets.reduce<string>((clean, secret) => secret ? clean.replaceAll(secret, '[secret]') : clean, text)
    .replace(/\bsk-[\w*.-]{4,}/g, '[key]')
    .replace(/\/\/[^/@\s]+@/g, '//')

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
