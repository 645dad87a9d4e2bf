/**
 * A server of a few lines that speaks `skein.v1`, for tests of the client SDK alone: one document in memory, every frame acknowledged
 * when the test lets it, every answer at the test's will. It judges nothing that the test does not tell it to.
 */
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import * as Y from 'yjs'
import { openRoots } from '../../shared/conversation/document.ts'
import { SCHEMA_VERSION } from '../../shared/conversation/schema.ts'
import type { Message, Request } from '../../shared/conversation/schema.ts'
import { decodePresence, encodePresence } from '../../server/connection/presence-codec.ts'
import type { PresenceEntry } from '../../server/connection/presence-codec.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import { messageIdOf, parseRequestId } from '../../shared/ids.ts'
import type { RequestId } from '../../shared/ids.ts'
import { decodeFrame, encodeFrame } from '../../shared/wire/codec.ts'
import { SUBPROTOCOL } from '../../shared/wire/frame.ts'
import type { Control, Frame, RequestOutcome, Role } from '../../shared/wire/frame.ts'

interface Session {
  socket: WebSocket
  frames: number
  /** A frame was refused: nothing more is looked at. */
  ended: boolean
}

export class TinyServer {
  doc = new Y.Doc()
  epoch = 'epoch-1'
  role: Role = 'owner'
  schema = SCHEMA_VERSION
  /** Says what becomes of a request that was not taken before. */
  judge: (id: RequestId, request: Request) => RequestOutcome = () => ({ status: 'accepted' })
  /** Frames are neither looked at nor answered, as on a dead network. */
  deaf = false
  /** Frames are applied, but nobody hears of it. */
  mute = false
  /** Frames are applied but not acknowledged. */
  holdsSaved = false
  /** Results are noted but not told, as if the connection had gone in between. */
  holdsResults = false
  /** So many counted frames are refused from now on. */
  refuses: { code: ErrorCode, reason: string, times: number } | null = null
  /** Every connection is told of a lineage of its own. */
  everyHelloDiffers = false
  /** Ids of the requests that were taken, as often as they came. */
  readonly proposed: RequestId[] = []
  /** Connections so far. */
  connections = 0
  readonly #ledger = new Map<RequestId, RequestOutcome>()
  readonly #sessions = new Set<Session>()
  readonly #present = new Map<number, PresenceEntry>()
  readonly #server: WebSocketServer

  private constructor(server: WebSocketServer) {
    this.#server = server
    server.on('connection', socket => this.#meet(socket))
  }

  static async start(port = 0): Promise<TinyServer> {
    const server = new WebSocketServer({ port, host: '127.0.0.1', handleProtocols: offered => offered.has(SUBPROTOCOL) && SUBPROTOCOL })
    await new Promise(resolve => server.once('listening', resolve))
    return new TinyServer(server)
  }

  get port(): number {
    const address = this.#server.address()
    if (typeof address === 'string' || address === null) throw new Error('The server has no port')
    return address.port
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/sync`
  }

  get messages(): Message[] {
    return openRoots(this.doc).messages.toArray()
  }

  get open(): number {
    return this.#sessions.size
  }

  /** Another lineage with nothing in it. */
  beginEpoch(epoch: string): void {
    this.epoch = epoch
    this.doc = new Y.Doc()
  }

  /** A change by the server itself, told to all. */
  change(write: (doc: Y.Doc) => void): void {
    const before = Y.encodeStateVector(this.doc)
    this.doc.transact(() => write(this.doc))
    this.#broadcast(before, null)
  }

  tell(control: Control): void {
    for (const session of this.#sessions) send(session, { type: 'control', control })
  }

  /** Cuts all connections; with a code they are closed by it. */
  cut(code?: number, reason?: string): void {
    for (const { socket } of this.#sessions) {
      if (code === undefined) socket.terminate()
      else socket.close(code, reason)
    }
  }

  async stop(): Promise<void> {
    this.cut()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #meet(socket: WebSocket): void {
    const session: Session = { socket, frames: 0, ended: false }
    this.connections++
    this.#sessions.add(session)
    if (this.everyHelloDiffers) this.epoch = `epoch of connection ${this.connections}`
    socket.on('close', () => this.#sessions.delete(session))
    socket.on('message', (data: Buffer) => this.#receive(session, new Uint8Array(data)))
    send(session, {
      type: 'control',
      control: { kind: 'hello', epoch: this.epoch, role: this.role, userId: 'ada', schema: this.schema, limits: { frameBytes: 1e7, messageBytes: 1e6 } }
    })
  }

  #receive(session: Session, bytes: Uint8Array): void {
    if (this.deaf || session.ended) return
    const frame = decodeFrame(bytes)
    switch (frame?.type) {
      case 'sync-step-1':
        send(session, { type: 'awareness', update: encodePresence([...this.#present.values()]) })
        send(session, { type: 'sync-step-2', update: Y.encodeStateAsUpdate(this.doc, frame.stateVector) })
        return send(session, { type: 'sync-step-1', stateVector: Y.encodeStateVector(this.doc) })
      case 'sync-step-2':
      case 'update':
        return this.#apply(session, frame.update)
      case 'awareness':
        for (const entry of decodePresence(frame.update) ?? []) this.#present.set(entry.clientId, entry)
        for (const other of this.#sessions) if (other !== session) other.socket.send(bytes)
        return
      default:
    }
  }

  #apply(session: Session, update: Uint8Array): void {
    session.frames++
    if (this.refuses && this.refuses.times-- > 0) {
      const { code, reason } = this.refuses
      session.ended = true
      return send(session, { type: 'control', control: { kind: 'refused', frame: session.frames, code, reason } })
    }
    const before = Y.encodeStateVector(this.doc)
    Y.applyUpdate(this.doc, update)
    const results = this.doc.transact(() => this.#take())
    if (this.mute) return
    this.#broadcast(before, results.length > 0 ? null : session)
    if (!this.holdsResults) for (const result of results) send(session, { type: 'control', control: { kind: 'result', ...result } })
    if (!this.holdsSaved) send(session, { type: 'control', control: { kind: 'saved', frames: session.frames } })
  }

  #take(): { requestId: RequestId, outcome: RequestOutcome }[] {
    const { requests } = openRoots(this.doc)
    return [...requests.keys()].sort().map(key => {
      const requestId = parseRequestId(key)!
      const request = requests.get(key)!
      requests.delete(key)
      this.proposed.push(requestId)
      const known = this.#ledger.get(requestId)
      const outcome = known ?? this.judge(requestId, request)
      this.#ledger.set(requestId, outcome)
      if (!known && outcome.status === 'accepted') this.#perform(requestId, request)
      return { requestId, outcome }
    })
  }

  #perform(id: RequestId, request: Request): void {
    const roots = openRoots(this.doc)
    if (request.type === 'send') roots.messages.push([seal(id, request)])
    if (request.type === 'set-meta') roots.meta.set(request.key, request.value)
  }

  #broadcast(before: Uint8Array, except: Session | null): void {
    const update = Y.encodeStateAsUpdate(this.doc, before)
    for (const session of this.#sessions) if (session !== except) send(session, { type: 'update', update })
  }
}

const seal = (id: RequestId, { createdAt, message }: Extract<Request, { type: 'send' }>): Message => ({
  id: messageIdOf(id),
  role: 'user',
  parts: message.parts,
  metadata: {
    parentId: message.parentId, ...message.replaces && { replaces: message.replaces }, ...message.to && { to: message.to },
    authorId: 'ada', authorName: 'Ada', createdAt, acceptedAt: createdAt + 1, status: 'complete'
  }
})

const send = ({ socket }: Session, frame: Frame): void => socket.send(encodeFrame(frame))
