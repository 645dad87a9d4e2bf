/**
 * `fetch` for the servers of models, which are not trusted with more than a reply: keys and conversations are not sent on to where one
 * of them redirects to, and memory is not theirs to fill. The AI SDK keeps an event until its end has come, and an error's body as a whole.
 */
import { SkeinError } from '../../../shared/errors.ts'

/** Bytes. OpenAI's last event holds the whole reply once more. */
export const fetchLimits = { event: 4 * 1024 * 1024, reply: 128 * 1024 * 1024, error: 64 * 1024 } as const

/** @returns a redirect as the answer that it is */
export const boundedFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, { ...init, redirect: 'manual' })
  const { body, status, statusText, headers } = response
  return body ? new Response(bounded(body, response.ok ? checked() : cutOff()), { status, statusText, headers }) : response
}

/** What becomes of the next bytes; null: they are the end of it. @throws SkeinError */
type Pass = (bytes: Uint8Array) => Uint8Array | null

/** Read no faster than it is wanted. */
const bounded = (body: ReadableStream<Uint8Array>, pass: Pass): ReadableStream<Uint8Array> => {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        const passed = done ? null : pass(value)
        if (passed) return controller.enqueue(passed)
        controller.close()
      } catch (error) {
        controller.error(error)
      }
      await reader.cancel().catch(() => undefined)
    },
    cancel: reason => reader.cancel(reason)
  }, { highWaterMark: 0 })
}

const checked = (): Pass => {
  let all = 0
  let event = 0
  let tail = new Uint8Array(0)
  return bytes => {
    all += bytes.length
    event = endsEvent(bytes) || endsEvent(Buffer.concat([tail, bytes.subarray(0, 3)])) ? bytes.length : event + bytes.length
    tail = bytes.slice(-3)
    if (event > fetchLimits.event || all > fetchLimits.reply) throw new SkeinError('agent-failed', TOO_MUCH)
    return bytes
  }
}

const TOO_MUCH = 'The model\'s server sent far more than a reply takes. What had arrived is kept; try again.'

/** Whether there is an empty line in it. */
const endsEvent = (bytes: Uint8Array): boolean => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer.includes('\n\n') || buffer.includes('\n\r\n') || buffer.includes('\r\r')
}

const cutOff = (): Pass => {
  let left: number = fetchLimits.error
  return bytes => {
    if (left === 0) return null
    const passed = bytes.subarray(0, left)
    left -= passed.length
    return passed
  }
}
