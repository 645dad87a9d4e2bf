/**
 * The connection of one document: y-websocket's provider, kept from merging anything before the server's `hello` was found to speak of
 * the same lineage, and counting what the server has acknowledged.
 *
 * y-websocket 3 reconnects with an exponential back-off of up to 2.5 s, without jitter: many clients of a restarted server would come back
 * in step. So it is kept from doing that, and reconnect.ts says when. After a close code of 4400–4499 nobody reconnects.
 */
import type { Awareness } from 'y-protocols/awareness'
import { WebsocketProvider } from 'y-websocket'
import type * as Y from 'yjs'
import { countAck, hasUnsaved, startCounting } from './ack-counter.ts'
import type { AckEvent, AckState } from './ack-counter.ts'
import { countingSocket } from './counting-socket.ts'
import { FrameGate } from './frame-gate.ts'
import { createPatience } from './patience.ts'
import type { Patience } from './patience.ts'
import type { Surroundings } from './port.ts'
import { createReconnect } from './reconnect.ts'
import type { Reconnect } from './reconnect.ts'
import type { ConnectionState } from './view.ts'
import { errorTable } from '../../shared/errors.ts'
import type { DocumentName } from '../../shared/ids.ts'
import { decodeControl } from '../../shared/wire/codec.ts'
import { frameType, SUBPROTOCOL } from '../../shared/wire/frame.ts'
import type { Control, Hello, RoleChange } from '../../shared/wire/frame.ts'

export interface ConnectionOptions {
  name: DocumentName
  /** `ws://host/sync` */
  url: string
  doc: Y.Doc
  awareness: Awareness
  /** The document holds something that the server may lack. */
  unsent: boolean
  WebSocket: typeof WebSocket
  surroundings: Pick<Surroundings, 'after' | 'random' | 'network'>
}

export interface ConnectionHandlers {
  /** @returns whether this device may merge with what this server holds */
  hello: (hello: Hello) => boolean
  /** The document now holds what the server had when this connection began. */
  synced: () => void
  /** The server acknowledged edits of this device. */
  saved: () => void
  answered: (control: Extract<Control, { kind: 'result' | 'refused' }>) => void
  /** The person may do more, or less, from now on, or nothing any more. */
  role: (change: RoleChange) => void
  /** The server closed for good. */
  closed: (code: number, reason: string) => void
  /** The connection ended, and is tried again. @param reason what the server said of it; empty: nothing */
  interrupted: (reason: string) => void
  /** {@link Connection.state} or {@link Connection.hasUnsaved} may be another. */
  changed: () => void
}

/** RFC 6455: a message too big to process. Sending the same again would end the same way. */
const TOO_BIG = 1009

/** Nothing leaves any more on a socket that another one has taken the place of. */
const NEVER = new Promise<never>(() => {})

export class Connection {
  state: ConnectionState = 'offline'
  readonly #doc: Y.Doc
  readonly #provider: WebsocketProvider
  readonly #handlers: ConnectionHandlers
  readonly #patience: Patience
  readonly #reconnecting: Reconnect
  #acks: AckState
  #socket: WebSocket | null = null
  /** Agreed: this socket's hello was heard and its lineage is ours; sync frames are read. */
  readonly #gate: FrameGate

  constructor(options: ConnectionOptions, handlers: ConnectionHandlers) {
    const { name, url, doc, awareness, unsent, surroundings } = options
    this.#doc = doc
    this.#handlers = handlers
    this.#acks = startCounting(unsent)
    this.#patience = createPatience(surroundings.after, () => this.#socket?.bufferedAmount ?? 0, () => this.#reconnect())
    this.#gate = new FrameGate(surroundings.after)
    this.#reconnecting = createReconnect(surroundings, () => this.connect())
    // Before the provider adds its own listener, so that an edit is counted before the frame that carries it.
    doc.on('update', this.#countEdit)
    this.#provider = new WebsocketProvider(url, name, doc, {
      connect: false,
      awareness,
      disableBc: true,
      protocols: [SUBPROTOCOL],
      WebSocketPolyfill: countingSocket(options.WebSocket, {
        made: socket => {
          this.#socket = socket
          this.#gate.begin()
        },
        sent: (socket, frame) => {
          if (socket === this.#socket) this.#count({ type: 'sent', frame })
        },
        first: socket => socket === this.#socket ? this.#gate.first : NEVER
      }),
      shouldReconnect: ({ code }) => !(code >= 4400 && code < 4500) && code !== TOO_BIG
    })
    this.#listen()
  }

  get hasUnsaved(): boolean {
    return hasUnsaved(this.#acks)
  }

  /** Origin of what came from the server. */
  isOrigin(origin: unknown): boolean {
    return origin === this.#provider
  }

  connect(): void {
    this.#reconnecting.stop()
    if (this.state === 'offline') this.#setState('connecting')
    this.#provider.connect()
  }

  disconnect(): void {
    this.#reconnecting.stop()
    this.#mayTakeLeave()
    this.#provider.disconnect()
    this.#setState('offline')
  }

  /** What was put into the document before, and whatever follows, leaves when this is noted on this device, or cannot be. */
  hold(noted: Promise<unknown>): void {
    this.#gate.hold(noted)
  }

  /** Nothing can be noted on this device now. */
  release(): void {
    this.#gate.release()
  }

  /** Ends it; nothing is reported any more. */
  destroy(): void {
    this.#patience.stop()
    this.#reconnecting.stop()
    this.#doc.off('update', this.#countEdit)
    this.#mayTakeLeave()
    this.#provider.destroy()
  }

  /** The provider's farewell names the document's client id; Yjs may have changed that, and awareness throws for one it never heard of. */
  #mayTakeLeave(): void {
    const { meta } = this.#provider.awareness
    if (!meta.has(this.#doc.clientID)) meta.set(this.#doc.clientID, { clock: 0, lastUpdated: 0 })
  }

  #listen(): void {
    const provider = this.#provider
    const readSync = provider.messageHandlers[frameType.sync]!
    provider.messageHandlers[frameType.sync] = (encoder, decoder, ...rest) => {
      // What a server of another lineage sends must not be merged; the hello comes first on the socket.
      if (this.#gate.isAgreed) readSync(encoder, decoder, ...rest)
    }
    provider.messageHandlers[frameType.control] = (_encoder, decoder) => {
      const control = decodeControl(decoder)
      if (control) this.#receive(control)
    }
    provider.on('status', ({ status }) => {
      if (status === 'connected') this.#count({ type: 'opened' })
    })
    provider.on('connection-close', event => {
      this.#gate.begin()
      this.#count({ type: 'closed' })
      this.#setState('offline')
      if (!provider.shouldConnect) return
      this.#handlers.interrupted(event?.reason ?? '')
      provider.shouldConnect = false
      this.#reconnecting.lost()
    })
    provider.on('closed', ({ code, reason }) => {
      this.#reconnecting.stop()
      this.#handlers.closed(code, reason || (code === TOO_BIG ? errorTable['too-large'].message : ''))
    })
    provider.on('sync', synced => {
      if (!synced) return
      this.#reconnecting.succeeded()
      this.#handlers.synced()
    })
  }

  #receive(control: Control): void {
    switch (control.kind) {
      case 'hello':
        return this.#greet(control)
      case 'saved': {
        const before = this.#acks.saved
        this.#patience.answered()
        this.#count({ type: 'acknowledged', frames: control.frames })
        if (this.#acks.saved > before) this.#handlers.saved()
        return
      }
      case 'result':
      case 'refused':
        return this.#handlers.answered(control)
      case 'role':
        return this.#handlers.role(control)
      case 'draining':
        return this.#reconnecting.draining(control.afterMs)
    }
  }

  #greet(hello: Hello): void {
    if (!this.#handlers.hello(hello)) return
    this.#gate.agree()
    // With a higher clock than the farewell of the last connection, else others would not see us again for 15 s.
    const { awareness } = this.#provider
    // Others were taken out when the last connection ended, but not their clocks: who has not changed since would stay unseen for 15 s.
    for (const id of [...awareness.meta.keys()]) if (id !== awareness.clientID && !awareness.states.has(id)) awareness.meta.delete(id)
    awareness.setLocalState(awareness.getLocalState())
    this.#setState('online')
    this.#wait()
  }

  #countEdit = (_update: Uint8Array, origin: unknown): void => {
    if (!this.isOrigin(origin)) this.#count({ type: 'edited' })
  }

  #count(event: AckEvent): void {
    const before = this.hasUnsaved
    this.#acks = countAck(this.#acks, event)
    this.#wait()
    if (this.hasUnsaved !== before) this.#handlers.changed()
  }

  #wait(): void {
    if (this.#gate.isAgreed && this.hasUnsaved) this.#patience.begin()
    else this.#patience.stop()
  }

  #reconnect(): void {
    this.#provider.disconnect()
    this.#provider.connect()
  }

  #setState(state: ConnectionState): void {
    if (this.state === state) return
    this.state = state
    this.#handlers.changed()
  }
}
