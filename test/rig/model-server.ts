/**
 * A real HTTP server that speaks a provider's streaming protocol, with a test in the place of the model: every request becomes an exchange
 * whose tokens, errors, cuts and silences the test releases one by one.
 */
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Provider } from '../../server/agents/models.ts'
import { modelProtocols } from './model-protocols.ts'
import type { Finish, ModelProtocol } from './model-protocols.ts'

export interface ChatRequest {
  model: string
  stream: boolean
  messages: { role: string, content: unknown }[]
  [key: string]: unknown
}

/** One request of a client, answered by the test. A stall is to call nothing. */
export interface Exchange {
  readonly body: ChatRequest
  readonly headers: IncomingHttpHeaders
  /** Streams one token as one SSE event; resolves when it was handed to the socket. */
  token(text: string): Promise<void>
  reasoning(text: string): Promise<void>
  source(url: string, title: string): Promise<void>
  /** Ends the reply as the protocol wants it: finish reason, usage, `[DONE]`. */
  finish(finish?: Finish): Promise<void>
  /** One event as it is given, whatever the protocol says. */
  raw(event: object | string): Promise<void>
  /** Instead of a stream: an HTTP error with a JSON body, by default in the provider's form, or with the very text. */
  fail(status: number, body: string | object, headers?: Record<string, string>, asIs?: boolean): Promise<void>
  /** An error as an event within the stream. */
  failInStream(error: { message: string, code?: number }): Promise<void>
  /** Ends the HTTP response properly, but in the middle of the reply. */
  endEarly(): void
  /** Breaks the connection in the middle of the reply. */
  cut(): void
  /** When the client went away before the reply was finished (milliseconds since 1970); null: it did not. */
  readonly abortedAt: number | null
  /** Resolves with `abortedAt` once the client went away. */
  readonly aborted: Promise<number>
}

export interface ModelServer {
  /** What to configure as the base URL, the version included. */
  readonly baseURL: string
  readonly port: number
  /** All exchanges so far, answered or not. */
  readonly exchanges: readonly Exchange[]
  /** The next request that no call of `next` has got yet. */
  next(): Promise<Exchange>
  /** From now on requests are answered by this function instead of by `next`; null: by `next` again. */
  answerWith(answer: ((exchange: Exchange) => Promise<void>) | null): void
  /** Ends all connections. */
  close(): Promise<void>
}

/** By default the protocol that most endpoints speak. */
export const startModelServer = async (provider: Provider = 'openai-compatible'): Promise<ModelServer> => {
  const protocol = modelProtocols[provider]
  const exchanges: Exchange[] = []
  const unclaimed: Exchange[] = []
  const waiting: ((exchange: Exchange) => void)[] = []
  let answer: ((exchange: Exchange) => Promise<void>) | null = null

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request)
    if (request.method !== 'POST' || !protocol.isReply(request.url ?? '')) {
      response.writeHead(404).end()
      return
    }
    const exchange = createExchange(protocol, JSON.parse(body) as ChatRequest, request, response, exchanges.length)
    exchanges.push(exchange)
    if (answer) return answer(exchange)
    const waiter = waiting.shift()
    if (waiter) waiter(exchange)
    else unclaimed.push(exchange)
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return {
    baseURL: `http://127.0.0.1:${port}${protocol.base}`,
    port,
    exchanges,
    next() {
      const exchange = unclaimed.shift()
      return exchange ? Promise.resolve(exchange) : new Promise(resolve => waiting.push(resolve))
    },
    answerWith(next) {
      answer = next
    },
    close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeAllConnections()
      return closed
    }
  }
}

const readBody = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

const createExchange = (
  protocol: ModelProtocol, body: ChatRequest, request: IncomingMessage, response: ServerResponse, index: number
): Exchange => {
  const speaker = protocol.speak(`reply-${index}`, body.model ?? 'model')
  let abortedAt: number | null = null
  const aborted = new Promise<number>(resolve => {
    // `close` without `finish` before it: the client ended the connection, or `cut` did.
    response.on('close', () => {
      if (response.writableFinished || abortedAt !== null || cutHere) return
      abortedAt = Date.now()
      resolve(abortedAt)
    })
  })
  let cutHere = false

  const send = (...events: (object | string)[]): Promise<void> => new Promise(resolve => {
    if (response.destroyed || events.length === 0) return resolve()
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    response.write(events.map(data => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`).join(''), () => resolve())
  })

  return {
    body,
    headers: request.headers,
    token: text => send(...speaker.text(text)),
    reasoning: text => send(...speaker.reasoning(text)),
    source: (url, title) => send(...speaker.source(url, title)),
    async finish(finish = {}) {
      await send(...speaker.finish(finish))
      response.end()
    },
    raw: event => send(event),
    fail: (status, error, headers = {}, asIs = false) => new Promise(resolve => {
      const text = asIs ? String(error) : JSON.stringify(typeof error === 'string' ? protocol.error(error) : error)
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text, () => resolve())
    }),
    async failInStream(error) {
      await send(...speaker.errorInStream(error.message, error.code))
      response.end()
    },
    endEarly() {
      response.end()
    },
    cut() {
      cutHere = true
      response.destroy()
    },
    get abortedAt() {
      return abortedAt
    },
    aborted
  }
}
