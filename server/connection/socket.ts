/** A socket as a connection needs it, and the one of `ws`. */
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
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

/**
 * Ready-made bytes go past `ws`'s sender, straight to the stream below. Their order with its pings, pongs and close frames holds because
 * that sender writes synchronously too: without compression, and with bytes instead of Blobs, it queues nothing.
 * @param stream that the WebSocket speaks over
 */
export const asSocket = (webSocket: WebSocket, stream: Duplex): Socket => new StreamSocket(webSocket, stream)

class StreamSocket implements Socket {
  readonly #webSocket: WebSocket
  readonly #stream: Duplex

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

  pause(): void {
    this.#webSocket.pause()
  }

  resume(): void {
    this.#webSocket.resume()
  }
}
