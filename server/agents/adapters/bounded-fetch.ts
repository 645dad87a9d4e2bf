/**
 * `fetch` for the servers of models, which are not trusted with more than a reply: keys and conversations are not sent on to where one
 * of them redirects to, and memory is not theirs to fill. The AI SDK keeps an event until its end has come, and an error's body as a whole.
 * It takes a reply of OpenAI's protocol for ended when the connection is: who says `[DONE]` and keeps it open is not waited for.
 */
import { SkeinError } from '../../../shared/errors.ts'
import { systemTimers } from '../../../shared/timers.ts'

/** Bytes. OpenAI's last event holds the whole reply once more. */
export const fetchLimits = { event: 4 * 1024 * 1024, reply: 128 * 1024 * 1024, error: 64 * 1024 } as const

/** How long the end of a reply that says it is over is waited for (milliseconds): then its connection is good for the next one. */
const END_WITHIN_MS = 1000

/** @returns a redirect as the answer that it is */
export const boundedFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, { ...init, redirect: 'manual' })
  const { body, status, statusText, headers } = response
  return body ? new Response(bounded(body, response.ok ? checked() : cutOff()), { status, statusText, headers }) : response
}

interface Check {
  /** What becomes of the next bytes; null: they are the end of it. @throws SkeinError */
  pass(bytes: Uint8Array): Uint8Array | null
  /** It has said that it is over. */
  readonly isOver: boolean
}

/** Read no faster than it is wanted. */
const bounded = (body: ReadableStream<Uint8Array>, check: Check): ReadableStream<Uint8Array> => {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = check.isOver ? await endOf(reader) : await reader.read()
        const passed = done ? null : check.pass(value)
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

/** Whatever comes after its end is no part of the reply. */
const endOf = (reader: ReadableStreamDefaultReader<Uint8Array>): Promise<{ done: true, value?: undefined }> => new Promise(resolve => {
  const end = (): void => {
    cancel()
    resolve({ done: true })
  }
  const cancel = systemTimers.after(END_WITHIN_MS, end)
  const read = (): Promise<void> => reader.read().then(({ done }) => done ? end() : read(), end)
  void read()
})

const checked = (): Check => {
  let all = 0
  let event = 0
  let tail = new Uint8Array(0)
  let isOver = false
  return {
    get isOver() {
      return isOver
    },
    pass(bytes) {
      all += bytes.length
      const overlap = Buffer.concat([tail, bytes.subarray(0, OVERLAP)])
      event = endsEvent(bytes) || endsEvent(overlap) ? bytes.length : event + bytes.length
      isOver ||= saysDone(bytes) || saysDone(overlap)
      tail = (bytes.length < OVERLAP ? Buffer.concat([tail, bytes]) : bytes).slice(-OVERLAP)
      if (event > fetchLimits.event || all > fetchLimits.reply) throw new SkeinError('agent-failed', TOO_MUCH)
      return bytes
    },
  }
}

const TOO_MUCH = 'The model\'s server sent far more than a reply takes. What had arrived is kept; try again.'

/** As much of what came before as an end that is looked for may stand in. */
const OVERLAP = 16

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Whether there is an empty line in it. */
const endsEvent = (bytes: Uint8Array): boolean => {
  const buffer = bufferOf(bytes)
  return buffer.includes('\n\n') || buffer.includes('\n\r\n') || buffer.includes('\r\r')
}

/** In the text of a reply no line begins like that: JSON has no ends of lines within its strings. */
const saysDone = (bytes: Uint8Array): boolean => {
  const buffer = bufferOf(bytes)
  return buffer.includes('\ndata: [DONE]') || buffer.includes('\ndata:[DONE]')
}

const cutOff = (): Check => {
  let left: number = fetchLimits.error
  return {
    isOver: false,
    pass(bytes) {
      if (left === 0) return null
      const passed = bytes.subarray(0, left)
      left -= passed.length
      return passed
    },
  }
}
