/** A client of one room: says what the protocol wants said at the start, and from then on sends frames made beforehand. */
import * as encoding from 'lib0/encoding'
import type { Peer } from '../servers/peers.ts'
import { until } from '../measure/wait.ts'
import { RawWebSocket, webSocketFrame } from './web-socket.ts'

const SYNC = 0
const AUTH = 2
/** Hocuspocus answers a step 1 with type 4 where it does not want one in return. */
const SYNC_REPLY = 4
const [STEP_1, STEP_2] = [0, 1]
const EMPTY_STATE_VECTOR = Uint8Array.of(0)
const EMPTY_UPDATE = Uint8Array.of(0, 0)

/** The frame of y-protocols for a peer's room, ready for {@link Client.send}. */
export const syncFrame = (peer: Peer, room: string, kind: 'step-1' | 'step-2' | 'update', bytes: Uint8Array): Buffer => {
  const type = { 'step-1': STEP_1, 'step-2': STEP_2, 'update': 2 }[kind]
  return anyFrame(peer, room, encoder => {
    encoding.writeVarUint(encoder, SYNC)
    encoding.writeVarUint(encoder, type)
    encoding.writeVarUint8Array(encoder, bytes)
  })
}

export const awarenessFrame = (peer: Peer, room: string, clientId: number, clock: number, state: unknown): Buffer =>
  anyFrame(peer, room, encoder => {
    encoding.writeVarUint(encoder, 1)
    encoding.writeVarUint8Array(encoder, encoding.encode(inner => {
      encoding.writeVarUint(inner, 1)
      encoding.writeVarUint(inner, clientId)
      encoding.writeVarUint(inner, clock)
      encoding.writeVarString(inner, JSON.stringify(state))
    }))
  })

const anyFrame = (peer: Peer, room: string, write: (encoder: encoding.Encoder) => void): Buffer =>
  webSocketFrame(Buffer.concat([peer.protocol.prefix(room), encoding.encode(write)]))

export class Client {
  readonly room: string
  /** `performance.now()` of when the server's step 2 arrived, or the socket opened where there are no steps. */
  synced: number | null = null
  closed = false
  /** Gets every frame, without what the peer puts before it. */
  onFrame: (frame: Buffer) => void
  readonly #socket: RawWebSocket

  constructor(peer: Peer, port: number, room: string, onFrame: (frame: Buffer) => void = () => {}) {
    this.room = room
    this.onFrame = onFrame
    const { protocol } = peer
    const prefix = protocol.prefix(room).length
    const begin = (): void => this.send(syncFrame(peer, room, 'step-1', EMPTY_STATE_VECTOR))
    this.#socket = new RawWebSocket(port, protocol.path(room), protocol.subprotocol, {
      onOpen: () => {
        const greeting = protocol.greeting(room)
        if (greeting) this.send(webSocketFrame(greeting))
        else if (protocol.handshake) begin()
        else this.synced = performance.now()
      },
      onMessage: payload => {
        const frame = prefix === 0 ? payload : payload.subarray(prefix)
        if (frame[0] === AUTH && protocol.greeting(room)) begin()
        if (protocol.handshake && (frame[0] === SYNC || frame[0] === SYNC_REPLY)) {
          if (frame[1] === STEP_1) this.send(syncFrame(peer, room, 'step-2', EMPTY_UPDATE))
          if (frame[1] === STEP_2) this.synced ??= performance.now()
        }
        this.onFrame(frame)
      },
      onClose: () => { this.closed = true },
    })
  }

  /**
   * @param frame made by {@link syncFrame} or {@link awarenessFrame}
   * @param written called when the system has taken it
   */
  send(frame: Buffer, written?: () => void): void {
    this.#socket.send(frame, written)
  }

  /** From now on nothing is read. */
  pause(): void {
    this.#socket.pause()
  }

  /** From now on bytes are only counted. */
  drain(): void {
    this.#socket.drain()
  }

  get received(): number {
    return this.#socket.received
  }

  close(): void {
    this.#socket.close()
  }
}

/** Opens a client per room, a hundred at a time. Resolves when all are synced. */
export const openAll = async (peer: Peer, port: number, rooms: readonly string[], timeoutMs = 120_000): Promise<Client[]> => {
  const clients: Client[] = []
  for (let from = 0; from < rooms.length; from += 100) {
    const some = rooms.slice(from, from + 100).map(room => new Client(peer, port, room))
    clients.push(...some)
    await until(`${clients.length} clients are synced`, () => {
      if (some.some(({ closed }) => closed)) throw new Error('The server closed a socket')
      return some.every(({ synced }) => synced !== null)
    }, timeoutMs)
  }
  return clients
}
