/** A socket as a connection needs it, and the one of `ws`. */
import type { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import type { Outgoing } from '../room/outgoing.ts'

export interface Socket {
  /** As one write. Nothing happens when the socket is closed. */
  send(turn: readonly Outgoing[]): void
  close(code: number, reason: string): void
  /** Bytes that wait to be sent. */
  backlog(): number
  /** Calls `run` once when nothing waits any more. */
  whenDrained(run: () => void): void
  /** Stops and goes on reading. */
  pause(): void
  resume(): void
}

const NOTHING = new Uint8Array()
const nobody = (_bytes: Uint8Array): void => {}

/**
 * Ready-made bytes go past `ws`'s sender, straight to the stream below. Their order with its pings, pongs and close frames holds because
 * that sender writes synchronously too: without compression, and with bytes instead of Blobs, it queues nothing.
 * @param stream that the WebSocket speaks over
 */
export class StreamSocket implements Socket {
  readonly #webSocket: WebSocket
  readonly #stream: Duplex
  #receive = nobody
  #isPaused = false
  /** What came while it was paused, and what is to be done when it has closed behind that: of one reading of the socket, up to 64 kB. */
  #held: (Uint8Array | (() => void))[] | null = null
  #isGiving = false

  constructor(webSocket: WebSocket, stream: Duplex) {
    this.#webSocket = webSocket
    this.#stream = stream
  }

  send(turn: readonly Outgoing[]): void {
    const stream = this.#stream
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return
    if (turn.length === 1) return void stream.write(turn[0]!.wire)
    stream.cork()
    for (const { wire } of turn) stream.write(wire)
    stream.uncork()
  }

  close(code: number, reason: string): void {
    this.#webSocket.close(code, reason)
  }

  backlog(): number {
    return this.#stream.writableLength
  }

  /** A stream says 'drain' only when it was so full that a write said so, which many small ones never do. */
  whenDrained(run: () => void): void {
    if (this.#stream.writableLength === 0) return run()
    this.#stream.write(NOTHING, error => { if (!error) run() })
  }

  /**
   * From now on it is read, unless it was {@link pause}d. While it is, nothing is received: `ws` goes on with the frames that it has read
   * already, thousands where they are small, and these wait here.
   */
  listen(receive: (bytes: Uint8Array) => void): void {
    this.#receive = receive
    this.#webSocket.on('message', (data, isBinary) => this.#came(isBinary ? asBytes(data) : NOTHING))
    if (!this.#isPaused) this.#webSocket.resume()
  }

  /** Calls `run` when it has closed, after the last that was received. */
  whenClosed(run: () => void): void {
    this.#webSocket.once('close', () => this.#came(run))
  }

  pause(): void {
    this.#isPaused = true
    this.#webSocket.pause()
  }

  resume(): void {
    this.#isPaused = false
    if (this.#isGiving) return
    this.#giveHeld()
    if (!this.#isPaused) this.#webSocket.resume()
  }

  #came(what: Uint8Array | (() => void)): void {
    if (this.#isPaused || this.#held) (this.#held ??= []).push(what)
    else this.#give(what)
  }

  /** As much as is wanted: whoever receives may pause it, or resume it, meanwhile. */
  #giveHeld(): void {
    const held = this.#held
    if (!held) return
    this.#isGiving = true
    let given = 0
    while (given < held.length && !this.#isPaused) this.#give(held[given++]!)
    this.#isGiving = false
    held.splice(0, given)
    if (held.length === 0) this.#held = null
  }

  #give(what: Uint8Array | (() => void)): void {
    if (typeof what === 'function') what()
    else this.#receive(what)
  }
}

const asBytes = (data: RawData): Uint8Array => {
  if (Array.isArray(data)) return new Uint8Array(Buffer.concat(data))
  return data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}
