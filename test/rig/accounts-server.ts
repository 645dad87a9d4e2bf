/** A server with accounts, as a process that tests kill, and its people as browsers without a page. */
import { expect } from 'vitest'
import * as Y from 'yjs'
import { routes } from '../../shared/api/routes.ts'
import type { ConversationListItem, Me } from '../../shared/api/schemas.ts'
import { conversationName } from '../../shared/ids.ts'
import { newConversationId, say } from './conversation.ts'
import { httpBrowser } from './http-browser.ts'
import type { HttpBrowser } from './http-browser.ts'
import { Peer } from './peer.ts'
import { startServer, temporaryFolder } from './server-process.ts'
import type { ServerProcess } from './server-process.ts'

export const PASSWORD = 'correct horse battery'

export class AccountsServer {
  readonly #folder: Awaited<ReturnType<typeof temporaryFolder>>
  readonly #peers: Peer[] = []
  #process: ServerProcess

  static async start(): Promise<AccountsServer> {
    const folder = await temporaryFolder()
    return new AccountsServer(folder, await startServer(folder.path, { SKEIN_AUTH: 'accounts' }))
  }

  private constructor(folder: Awaited<ReturnType<typeof temporaryFolder>>, process: ServerProcess) {
    this.#folder = folder
    this.#process = process
  }

  get dataFolder(): string {
    return this.#folder.path
  }

  get url(): string {
    return this.#process.url
  }

  /** Lines of the log since the last start. */
  get log(): ServerProcess['log'] {
    return this.#process.log
  }

  async stop(signal?: NodeJS.Signals): Promise<void> {
    await this.#process.stop(signal)
  }

  /** As a crash does, and up again. */
  async kill(): Promise<void> {
    await this.stop('SIGKILL')
    this.#process = await startServer(this.dataFolder, { SKEIN_AUTH: 'accounts' }, this.#process.port)
  }

  async close(): Promise<void> {
    for (const peer of this.#peers) peer.close()
    await this.stop()
    await this.#folder.remove()
  }

  browser(userAgent?: string): HttpBrowser {
    return httpBrowser(this.url, userAgent === undefined ? {} : { 'user-agent': userAgent })
  }

  async guest(userAgent?: string): Promise<HttpBrowser> {
    const who = this.browser(userAgent)
    await meOf(who)
    return who
  }

  /** A socket that may be refused. */
  async open(cookie: string, id: string): Promise<Peer> {
    const peer = await Peer.open(this.#process.syncUrl, conversationName(id)!, { cookie })
    this.#peers.push(peer)
    return peer
  }

  async enter(who: HttpBrowser, id: string, doc = new Y.Doc()): Promise<Peer> {
    const peer = await Peer.join(this.#process.syncUrl, conversationName(id)!, { cookie: who.cookie, doc })
    this.#peers.push(peer)
    return peer
  }

  /** A new conversation in which one thing was said. @returns its id, and who said it */
  async begin(who: HttpBrowser, text: string): Promise<{ id: string, peer: Peer }> {
    const id = newConversationId()
    const peer = await this.enter(who, id)
    say(peer.doc, text, { to: [] })
    await peer.allSaved()
    return { id, peer }
  }
}

/** The answer of a call that has to succeed. */
export const json = async <T>(answer: Promise<Response>): Promise<T> => {
  const response = await answer
  expect(response.status, await response.clone().text()).toBeLessThan(300)
  return await response.json() as T
}

/** Of a call that was refused. */
export const codeOf = async (answer: Promise<Response>): Promise<string> => ((await (await answer).json()) as { code: string }).code

/** @param before whom the page remembers */
export const meOf = (who: HttpBrowser, before = {}): Promise<Me> => json(who.get(routes.me(before)))

export const signUp = async (who: HttpBrowser, email: string, name = 'Ann'): Promise<void> => {
  await json(who.post(routes.auth.signUp(), { email, password: PASSWORD, name }))
}

export const signIn = (who: HttpBrowser, email: string, password = PASSWORD): Promise<Response> =>
  who.post(routes.auth.signIn(), { email, password })

/** @returns `<id> <role>` of each conversation */
export const listOf = async (who: HttpBrowser): Promise<string[]> => {
  const { conversations } = await json<{ conversations: ConversationListItem[] }>(who.get(routes.conversations()))
  return conversations.map(({ id, role }) => `${id} ${role}`).sort()
}
