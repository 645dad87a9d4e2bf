/** A server where Ada has a conversation and a bot; people by name, bots by token, over real sockets and HTTP. */
import { request } from 'node:http'
import { json } from 'node:stream/consumers'
import { routes } from '../../shared/api/routes.ts'
import { botAsked, BOT_ASKED_EVENT, BOT_OVER_EVENT, BOT_REPLY_TYPE } from '../../shared/api/bot-schemas.ts'
import type { Bot, BotAsked } from '../../shared/api/bot-schemas.ts'
import type { IssuedToken } from '../../shared/api/token-schemas.ts'
import { readMessages } from '../../shared/conversation/read.ts'
import type { Message } from '../../shared/conversation/schema.ts'
import { conversationName } from '../../shared/ids.ts'
import type { DocumentName, RequestId } from '../../shared/ids.ts'
import type { Role } from '../../shared/wire/frame.ts'
import { newConversationId, say } from './conversation.ts'
import { startInProcess } from './in-process.ts'
import type { InProcessOptions, InProcessServer } from './in-process.ts'
import { Peer } from './peer.ts'
import { RevocableIdentity } from './revocable-identity.ts'
import { until } from './until.ts'

/** A registered bot, with a token that acts as it. */
export interface ActingBot {
  id: Bot['id']
  token: IssuedToken['token']
  headers: { authorization: string }
}

export class BotWorld {
  readonly server: InProcessServer
  readonly identity: RevocableIdentity
  readonly id: string
  readonly name: DocumentName
  readonly #peers: Peer[] = []

  /** Ada owns the conversation. */
  static async start(options: Omit<InProcessOptions, 'identity'> = {}, id = newConversationId()): Promise<BotWorld> {
    const identity = new RevocableIdentity()
    const world = new BotWorld(await startInProcess({ ...options, identity }), identity, id)
    await world.ask('ada', 'POST', routes.conversations(), { id })
    return world
  }

  private constructor(server: InProcessServer, identity: RevocableIdentity, id: string) {
    this.server = server
    this.identity = identity
    this.id = id
    this.name = conversationName(this.id)!
  }

  async close(): Promise<void> {
    for (const peer of this.#peers.splice(0)) peer.close()
    await this.server.close()
  }

  as(who: string): { cookie: string } {
    return { cookie: `person=${who}.laptop` }
  }

  fetch(headers: Record<string, string>, method: string, path: string, body?: unknown): Promise<Response> {
    const json = body !== undefined && { 'content-type': 'application/json' }
    const written = body !== undefined && { body: JSON.stringify(body) }
    return fetch(this.server.url + path, { method, headers: { ...headers, ...json }, ...written })
  }

  async ask<T>(who: string, method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.fetch(this.as(who), method, path, body)
    if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`)
    return (response.status === 204 ? null : await response.json()) as T
  }

  /** By an invitation, or else by what the owner says. */
  async letIn(who: string, role: Role, id = this.id): Promise<void> {
    const { secret } = await this.ask<{ secret: string }>('ada', 'POST', routes.invitations(id), { role })
    await this.ask(who, 'POST', routes.acceptInvitation(), { secret })
  }

  async register(name: string, who = 'ada', scopes: object = {}): Promise<ActingBot> {
    const { id } = await this.ask<Bot>(who, 'POST', routes.bots(), { name })
    return this.tokenFor(id, who, scopes)
  }

  async tokenFor(id: string, who = 'ada', scopes: object = {}): Promise<ActingBot> {
    const wanted = { name: 'token', scopes: { read: true, write: true, actAs: [id], ...scopes } }
    const { token, secret } = await this.ask<IssuedToken>(who, 'POST', routes.tokens(), wanted)
    return { id, token, headers: { authorization: `Bearer ${secret}` } }
  }

  async join(who: string | ActingBot, name: DocumentName | string = this.name): Promise<Peer> {
    const peer = await Peer.join(this.server.syncUrl, name, typeof who === 'string' ? this.as(who) : who.headers)
    this.#peers.push(peer)
    return peer
  }

  /** Why it is not let in, or was not let stay: `<close code> <error code>`. */
  async closeOf(who: string | ActingBot | Peer, name: DocumentName | string = this.name): Promise<string> {
    const peer = who instanceof Peer ? who : await Peer.open(this.server.syncUrl, name, typeof who === 'string' ? this.as(who) : who.headers)
    const { code, reason } = await peer.closed()
    return `${code} ${reason.split(':')[0]}`
  }

  /** Says something and waits for the message. */
  async sayAs(peer: Peer, text: string, options: Parameters<typeof say>[2] = { to: [] }): Promise<Message> {
    const requestId = say(peer.doc, text, options)
    return until(`“${text}” is sealed`, () => {
      const outcome = outcomeOf(peer, requestId)
      if (outcome?.status === 'refused') throw new Error(`“${text}” is refused: ${outcome.reason}`)
      return readMessages(peer.doc).find(message => (message.id as string) === requestId)
    })
  }
}

export interface BotReply {
  say: (text: string) => void
  end: () => void
  breakOff: () => void
  answer: Promise<{ status: number, body: unknown }>
}

/** What a program of a bot hears, and says. */
export class BotProgram {
  readonly asked: BotAsked[] = []
  readonly over: string[] = []
  readonly #stop = new AbortController()
  readonly #base: string
  readonly #headers: ActingBot['headers']

  constructor({ server }: { server: { readonly url: string } }, { headers }: Pick<ActingBot, 'headers'>) {
    this.#base = server.url
    this.#headers = headers
  }

  /** Resolves when it listens. */
  async listen(): Promise<this> {
    const { status, body } = await fetch(this.#base + routes.botRuns(), { headers: this.#headers, signal: this.#stop.signal })
    if (status !== 200) throw new Error(`it may not listen: ${status}`)
    const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
    // The first beat tells that it is listened.
    let text = (await reader.read()).value ?? ''
    void (async () => {
      for (;;) {
        const events = text.split('\n\n')
        text = events.pop()!
        for (const event of events) this.#take(event)
        const { value, done } = await reader.read()
        if (done) return
        text += value
      }
    })().catch(() => undefined)
    return this
  }

  leave(): void {
    this.#stop.abort()
  }

  /** The next that it is asked and was not yet. */
  async next(n = 0): Promise<BotAsked> {
    return until('the bot is asked', () => this.asked[n])
  }

  /** Not by `fetch`, which does not hear an answer that comes before all is said. @returns how to go on with it */
  reply(run: string): BotReply {
    const sending = request(this.#base + routes.botReply(run), { method: 'POST', headers: { ...this.#headers, 'content-type': BOT_REPLY_TYPE } })
    const answer = new Promise<{ status: number, body: unknown }>((resolve, reject) => {
      sending.on('error', reject)
      sending.on('response', response => {
        json(response).then(body => resolve({ status: response.statusCode!, body }), reject)
      })
    })
    answer.catch(() => undefined)
    sending.flushHeaders()
    return { say: text => void sending.write(text), end: () => void sending.end(), breakOff: () => void sending.destroy(), answer }
  }

  #take(event: string): void {
    const [, name] = /^event: (.*)$/m.exec(event) ?? []
    const [, data = ''] = /^data: (.*)$/m.exec(event) ?? []
    if (name === BOT_ASKED_EVENT) this.asked.push(botAsked.parse(JSON.parse(data)))
    if (name === BOT_OVER_EVENT) this.over.push((JSON.parse(data) as { run: string }).run)
  }
}

/** What the peer was told of a request. */
export const outcomeOf = ({ controls }: Peer, requestId: RequestId) =>
  controls.flatMap(control => control.kind === 'result' && control.requestId === requestId ? [control.outcome] : []).at(-1)
