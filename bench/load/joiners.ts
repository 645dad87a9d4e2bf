/** Many clients that join one room at the same moment and only count what they get, in a thread of their own. */
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'
import { fileURLToPath } from 'node:url'
import { peers } from '../servers/peers.ts'
import type { Peer } from '../servers/peers.ts'
import { syncFrame } from './client.ts'
import { webSocketFrame } from './web-socket.ts'

interface Task {
  peer: string
  port: number
  room: string
  /** One for each client: what it says that it has. */
  stateVectors: Uint8Array[]
}

/** What was measured when all of them have what they asked for. */
export interface Joined {
  /** Milliseconds from the question to the step 2, of each. */
  took: number[]
  bytes: number
}

export class Joiners {
  readonly #worker: Worker
  /** Null until the last one is there. */
  joined: Joined | null = null

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (message: 'open' | Joined) => { if (message !== 'open') this.joined = message })
    worker.on('error', error => { throw error })
  }

  /** Connects all of them; nobody asks for anything yet. */
  static async open(peer: Peer, port: number, room: string, stateVectors: Uint8Array[]): Promise<Joiners> {
    const name = Object.entries(peers).find(([, each]) => each === peer)![0]
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { peer: name, port, room, stateVectors } satisfies Task })
    await new Promise<void>((resolve, reject) => {
      worker.once('message', () => resolve())
      worker.once('error', reject)
    })
    return new Joiners(worker)
  }

  /** All at once. */
  join(): void {
    this.#worker.postMessage('join')
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }
}

const [SYNC, SYNC_REPLY, AUTH] = [0, 4, 2]
const STEP_2 = 1
const [BINARY, CLOSE, PING, PONG] = [2, 8, 9, 10]
/** A large frame's header, and the first bytes of what is in it. */
const LOOKED_AT = 10

class Joiner {
  readonly #socket: Socket
  readonly #prefix: number
  readonly #onFrame: (type: number, step: number) => void
  #isOpen = false
  /** Bytes of a header that was cut off. */
  #rest: Buffer = Buffer.alloc(0)
  /** Bytes of the current frame that are still to come. */
  #toCome = 0
  #current: [number, number] = [0, 0]
  received = 0

  constructor(peer: Peer, port: number, room: string, onOpen: () => void, onFrame: (type: number, step: number) => void) {
    const { path, subprotocol, prefix } = peer.protocol
    this.#prefix = prefix(room).length
    this.#onFrame = onFrame
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => {
      const protocol = subprotocol === null ? '' : `Sec-WebSocket-Protocol: ${subprotocol}\r\n`
      this.#socket.write(`GET ${path(room)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n${protocol}\r\n`)
    })
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => { throw new Error('The server closed the socket of one who joins') })
    this.#socket.on('data', (chunk: Buffer) => {
      this.received += chunk.length
      let bytes: Buffer = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
      if (!this.#isOpen) {
        const end = bytes.indexOf('\r\n\r\n')
        this.#rest = bytes
        if (end < 0) return
        this.#isOpen = true
        bytes = bytes.subarray(end + 4)
        onOpen()
      }
      this.#rest = this.#pass(bytes)
    })
  }

  send(frame: Buffer): void {
    this.#socket.write(frame)
  }

  /** Without collecting what is in the frames. */
  #pass(bytes: Buffer): Buffer {
    for (;;) {
      const passed = Math.min(this.#toCome, bytes.length)
      bytes = bytes.subarray(passed)
      if (this.#toCome > 0 && (this.#toCome -= passed) === 0) this.#onFrame(...this.#current)
      if (this.#toCome > 0 || bytes.length < 2) return bytes
      const short = bytes[1]! & 127
      const start = short < 126 ? 2 : short === 126 ? 4 : LOOKED_AT
      if (bytes.length < start) return bytes
      const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
      if (bytes.length < start + Math.min(length, this.#prefix + 2)) return bytes
      const opcode = bytes[0]! & 15
      if (opcode === CLOSE) throw new Error(`The server closed a socket with ${bytes.readUInt16BE(start)}`)
      // Whatever it asks with a ping: somebody is there.
      if (opcode === PING) this.send(webSocketFrame(new Uint8Array(), PONG))
      this.#current = opcode === BINARY ? [bytes[start + this.#prefix]!, bytes[start + this.#prefix + 1]!] : [-1, -1]
      bytes = bytes.subarray(start)
      this.#toCome = length
      if (length === 0) this.#onFrame(...this.#current)
    }
  }
}

/** Sockets that are opened at once. */
const ABREAST = 50

const joinAll = ({ peer: name, port, room, stateVectors }: Task): void => {
  const peer = peers[name]!
  const greeting = peer.protocol.greeting(room)
  const took: number[] = []
  const joiners: Joiner[] = []
  let [ready, from] = [0, 0]
  const isReady = (): void => {
    if (++ready === stateVectors.length) parentPort!.postMessage('open')
    else if (ready % ABREAST === 0) openSome()
  }
  const openSome = (): void => {
    for (const _ of stateVectors.slice(joiners.length, joiners.length + ABREAST)) {
      let isThere = false
      const joiner = new Joiner(peer, port, room, () => {
        if (!greeting) return isReady()
        joiner.send(webSocketFrame(greeting))
      }, (type, step) => {
        if (type === AUTH && greeting) isReady()
        if ((type !== SYNC && type !== SYNC_REPLY) || step !== STEP_2 || isThere || from === 0) return
        isThere = true
        took.push(performance.now() - from)
        if (took.length < stateVectors.length) return
        parentPort!.postMessage({ took, bytes: joiners.reduce((sum, { received }) => sum + received, 0) } satisfies Joined)
      })
      joiners.push(joiner)
    }
  }
  openSome()
  parentPort!.once('message', () => {
    const frames = stateVectors.map(stateVector => syncFrame(peer, room, 'step-1', stateVector))
    from = performance.now()
    for (const [i, joiner] of joiners.entries()) joiner.send(frames[i]!)
  })
}

if (!isMainThread) joinAll(workerData as Task)
