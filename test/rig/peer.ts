/** A protocol peer under the test's full control: sends any frame, keeps every frame, holds a `Y.Doc` of what it received. */
import WebSocket from 'ws'
import * as Y from 'yjs'
import { decodeFrame, encodeFrame } from '../../shared/wire/codec.ts'
import { SUBPROTOCOL, TICKET_PROTOCOL } from '../../shared/wire/frame.ts'
import type { Control, Frame } from '../../shared/wire/frame.ts'
import { until } from './until.ts'

export interface PeerOptions {
  /** Offers `skein.v1` (default). */
  skein?: boolean
  cookie?: string
  /** The `Authorization` header. */
  authorization?: string
  /** Offered as a subprotocol, as a browser does it. */
  ticket?: string
  origin?: string
  /** Of `wss:`; false takes a certificate that nobody vouches for. */
  rejectUnauthorized?: boolean
  doc?: Y.Doc
}

export class Peer {
  readonly doc: Y.Doc
  readonly frames: Frame[] = []
  readonly controls: Control[] = []
  readonly socket: WebSocket
  /** Sync frames (step 2 and update) sent on this socket. */
  sent = 0
  saved = 0
  synced = false
  closedBy: { code: number, reason: string } | null = null
  readonly #origin = Symbol('from the server')
  readonly #onUpdate: (update: Uint8Array, origin: unknown) => void

  private constructor(socket: WebSocket, doc: Y.Doc) {
    this.socket = socket
    this.doc = doc
    socket.binaryType = 'nodebuffer'
    socket.on('message', (data: Buffer) => this.#receive(new Uint8Array(data)))
    socket.on('close', (code, reason) => { this.closedBy = { code, reason: String(reason) } })
    socket.on('error', () => {})
    this.#onUpdate = (update, origin) => {
      if (origin !== this.#origin && this.synced) this.sendUpdate(update)
    }
    doc.on('update', this.#onUpdate)
  }

  /** Opens the socket and sends nothing yet. */
  static async open(syncUrl: string, name: string, options: PeerOptions = {}): Promise<Peer> {
    const { skein = true, cookie, authorization, ticket, origin, doc = new Y.Doc(), rejectUnauthorized = true } = options
    const protocols = [...ticket ? [TICKET_PROTOCOL + ticket] : [], ...skein ? [SUBPROTOCOL] : []]
    const headers = { ...cookie && { cookie }, ...authorization && { authorization }, ...origin && { origin } }
    const socket = new WebSocket(`${syncUrl}/${name}`, protocols, { headers, rejectUnauthorized })
    const peer = new Peer(socket, doc)
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    return peer
  }

  /** Opens the socket and exchanges steps 1 and 2. */
  static async join(syncUrl: string, name: string, options?: PeerOptions): Promise<Peer> {
    const peer = await Peer.open(syncUrl, name, options)
    peer.send({ type: 'sync-step-1', stateVector: Y.encodeStateVector(peer.doc) })
    await until(`${name} is synced`, () => {
      if (peer.closedBy) throw new Error(`closed by ${peer.closedBy.code} ${peer.closedBy.reason}`)
      return peer.synced
    })
    return peer
  }

  send(frame: Frame): void {
    if (frame.type === 'sync-step-2' || frame.type === 'update') this.sent++
    this.socket.send(encodeFrame(frame))
  }

  sendUpdate(update: Uint8Array): void {
    this.send({ type: 'update', update })
  }

  /** Everything sent so far is acknowledged as on disk. */
  async allSaved(): Promise<void> {
    const target = this.sent
    await until(`frame ${target} is saved`, () => {
      if (this.closedBy) throw new Error(`closed by ${this.closedBy.code} ${this.closedBy.reason}`)
      return this.saved >= target
    })
  }

  async closed(): Promise<{ code: number, reason: string }> {
    return until('the socket is closed', () => this.closedBy)
  }

  close(): void {
    this.doc.off('update', this.#onUpdate)
    this.socket.terminate()
  }

  #receive(bytes: Uint8Array): void {
    const frame = decodeFrame(bytes)
    if (!frame) throw new Error('The server sent bytes that are no frame')
    this.frames.push(frame)
    switch (frame.type) {
      case 'sync-step-1':
        return this.send({ type: 'sync-step-2', update: Y.encodeStateAsUpdate(this.doc, frame.stateVector) })
      case 'sync-step-2':
        this.synced = true
        return Y.applyUpdate(this.doc, frame.update, this.#origin)
      case 'update':
        return Y.applyUpdate(this.doc, frame.update, this.#origin)
      case 'control':
        this.controls.push(frame.control)
        if (frame.control.kind === 'saved') this.saved = frame.control.frames
        return
      case 'awareness':
      case 'auth':
      case 'query-awareness':
    }
  }
}
