/**
 * A server process with accounts, an honest person in a conversation and in an artifact, and a member of both who attacks. Whatever is
 * tried, {@link AttackWorld.expectHonestGoesOn} holds it to what counts: honest people write, are saved, and read the same.
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as Y from 'yjs'
import { expect } from 'vitest'
import { routes } from '../../shared/api/routes.ts'
import type { Control } from '../../shared/wire/frame.ts'
import { dump } from '../fuzz/dump.ts'
import { newConversationId, say } from './conversation.ts'
import { Peer } from './peer.ts'
import { startServer, temporaryFolder } from './server-process.ts'
import type { ServerProcess } from './server-process.ts'
import { until } from './until.ts'

type Kind = 'conversation' | 'artifact'
type Folder = Awaited<ReturnType<typeof temporaryFolder>>
type Cookies = Record<'ada' | 'bob' | 'mallory', string>

/** What the peer was told before its socket was closed; the acknowledgement of an earlier frame may come right behind it. */
export const refusalOf = async (peer: Peer): Promise<Control | undefined> => {
  await peer.closed()
  return peer.controls.find(({ kind }) => kind === 'refused')
}

/** What one attack may add to the largest size that the server ever had, in megabytes; without the defences it is hundreds. */
const MOST_MEGABYTES = 64

export class AttackWorld {
  readonly server: ServerProcess
  readonly cookies: Cookies
  readonly names: Record<Kind, string>
  /** Ada's devices, open all the time. */
  readonly ada: Record<Kind, Peer>
  readonly #folder: Folder
  readonly #peers: Peer[] = []

  private constructor(server: ServerProcess, folder: Folder, cookies: Cookies, names: Record<Kind, string>, ada: Record<Kind, Peer>) {
    this.server = server
    this.#folder = folder
    this.cookies = cookies
    this.names = names
    this.ada = ada
  }

  /** Ada owns both documents; Bob and Mallory are editors. */
  static async start(): Promise<AttackWorld> {
    const folder = await temporaryFolder()
    const server = await startServer(folder.path, { SKEIN_AUTH: 'accounts' })
    const guest = async (): Promise<string> => (await fetch(`${server.url}${routes.me()}`)).headers.get('set-cookie')!.split(';', 1)[0]!
    const post = async (path: string, cookie: string, body: object = {}): Promise<Record<string, string>> => {
      const headers = { cookie, 'content-type': 'application/json' }
      const response = await fetch(`${server.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
      return await response.json() as Record<string, string>
    }
    const cookies = { ada: await guest(), bob: await guest(), mallory: await guest() }
    const join = async (kind: Kind): Promise<[string, Peer]> => {
      const id = newConversationId()
      const peer = await Peer.join(server.syncUrl, `${kind}/${id}`, { cookie: cookies.ada })
      for (const cookie of [cookies.bob, cookies.mallory]) {
        const { secret } = await post(routes.invitations(id, kind), cookies.ada, { role: 'editor' })
        await post(routes.acceptInvitation(), cookie, { secret })
      }
      return [`${kind}/${id}`, peer]
    }
    const [conversation, artifact] = [await join('conversation'), await join('artifact')]
    const names = { conversation: conversation[0], artifact: artifact[0] }
    const world = new AttackWorld(server, folder, cookies, names, { conversation: conversation[1], artifact: artifact[1] })
    say(world.ada.conversation.doc, 'Hello', { to: [] })
    world.ada.artifact.doc.getText('note').insert(0, 'a note')
    await Promise.all([world.ada.conversation.allSaved(), world.ada.artifact.allSaved()])
    return world
  }

  async stop(): Promise<void> {
    for (const peer of [...this.#peers, this.ada.conversation, this.ada.artifact]) peer.close()
    await this.server.stop()
    await this.#folder.remove()
  }

  /** A connection that is closed when the attack is over. */
  async join(who: keyof Cookies, kind: Kind, doc = new Y.Doc()): Promise<Peer> {
    const peer = await Peer.join(this.server.syncUrl, this.names[kind], { cookie: this.cookies[who], doc })
    this.#peers.push(peer)
    return peer
  }

  /** Mallory's update is refused, she is told why, her socket is closed for good, and nothing of it is in the document. */
  async expectRefused(kind: Kind, update: Uint8Array, code: string): Promise<void> {
    const mallory = await this.join('mallory', kind)
    const before = dump(mallory.doc)
    mallory.sendUpdate(update)
    expect(await refusalOf(mallory)).toMatchObject({ frame: mallory.sent, code })
    expect(dump((await this.join('bob', kind)).doc)).toBe(before)
  }

  async expectTaken(who: keyof Cookies, kind: Kind, update: Uint8Array): Promise<void> {
    const peer = await this.join(who, kind)
    peer.sendUpdate(update)
    await peer.allSaved()
  }

  /** Nobody honest was disconnected; they write in the same rooms and are saved, and a newcomer reads the same. */
  async expectHonestGoesOn(): Promise<void> {
    for (const peer of this.#peers.splice(0)) peer.close()
    const { conversation, artifact } = this.ada
    say(conversation.doc, 'I go on', { to: [] })
    artifact.doc.getText('note').insert(0, 'x')
    await Promise.all([conversation.allSaved(), artifact.allSaved()])
    for (const kind of ['conversation', 'artifact'] as const) {
      const { doc, closedBy } = this.ada[kind]
      expect(closedBy).toBeNull()
      expect(doc.store.pendingStructs ?? doc.store.pendingDs).toBeNull()
      const newcomer = await this.join('bob', kind)
      await until(`Ada has all that a newcomer to the ${kind} has`, () => dump(newcomer.doc) === dump(doc))
    }
    for (const peer of this.#peers.splice(0)) peer.close()
  }

  /** The attack does not make the server large. */
  async expectStaysSmall(attack: () => Promise<void>): Promise<void> {
    const before = await this.megabytes()
    await attack()
    expect(await this.megabytes() - before).toBeLessThan(MOST_MEGABYTES)
  }

  /** The largest that the server's process ever was. */
  async megabytes(): Promise<number> {
    return Number(/VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${this.server.pid}/status`, 'utf8'))![1]) / 1024
  }

  /** What the server has on disk. */
  async diskBytes(): Promise<number> {
    const entries = await readdir(this.#folder.path, { recursive: true, withFileTypes: true })
    const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
    // LevelDB may remove one meanwhile.
    const sizes = await Promise.all(files.map(file => stat(file).then(({ size }) => size, () => 0)))
    return sizes.reduce((sum, size) => sum + size, 0)
  }
}
