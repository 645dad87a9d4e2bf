/**
 * A WebSocket client that costs next to nothing: frames to the server are made beforehand and written as they are, frames from it are cut
 * out of what arrives. No extensions, no fragments; none of the measured servers sends any.
 */
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10

/** One masked frame. The mask is zero, so that the payload stands in it as it is; the server unmasks it all the same. */
export const webSocketFrame = (payload: Uint8Array, opcode = BINARY): Buffer => {
  const { length } = payload
  const header = length < 126 ? [0x80 | length] : length < 65_536 ? [0x80 | 126, length >> 8, length & 255] :
    [0x80 | 127, 0, 0, 0, 0, length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255]
  return Buffer.concat([Uint8Array.of(0x80 | opcode, ...header, 0, 0, 0, 0), payload])
}

export interface WebSocketEvents {
  onOpen(): void
  onMessage(payload: Buffer): void
  onClose(): void
}

export class RawWebSocket {
  /** Bytes that arrived since the socket was opened. */
  received = 0
  readonly #socket: Socket
  readonly #events: WebSocketEvents
  #open = false
  #chunks: Buffer[] = []
  /** Bytes in `#chunks`, and how many there must be before it is worth to look again. */
  #size = 0
  #needed = 0
  #drains = false

  constructor(port: number, path: string, subprotocol: string | null, events: WebSocketEvents) {
    this.#events = events
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => {
      const protocol = subprotocol === null ? '' : `Sec-WebSocket-Protocol: ${subprotocol}\r\n`
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n${protocol}\r\n`)
    })
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    this.#socket.on('error', () => {}) // followed by `close`
    this.#socket.on('close', () => events.onClose())
  }

  /** @param frame made by {@link webSocketFrame} */
  send(frame: Buffer, written?: () => void): void {
    this.#socket.write(frame, written)
  }

  pause(): void {
    this.#socket.pause()
  }

  /** From now on bytes are only counted: the cheapest reader that there can be. It answers no pings. */
  drain(): void {
    this.#drains = true
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    this.received += chunk.length
    if (this.#drains) return
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size < this.#needed) return
    let rest = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
    if (!this.#open) {
      const end = rest.indexOf('\r\n\r\n')
      if (end >= 0) {
        const head = rest.subarray(0, end).toString()
        if (!head.startsWith('HTTP/1.1 101')) throw new Error(`The server refused the socket: ${head.split('\r\n')[0]}`)
        this.#open = true
        this.#events.onOpen()
        rest = rest.subarray(end + 4)
      }
    }
    if (this.#open) rest = this.#cut(rest)
    this.#chunks = rest.length > 0 ? [rest] : []
    this.#size = rest.length
  }

  /** Hands on every whole frame. @returns what is left */
  #cut(bytes: Buffer): Buffer {
    for (;;) {
      this.#needed = 2
      if (bytes.length < 2) return bytes
      const short = bytes[1]! & 127
      const start = short < 126 ? 2 : short === 126 ? 4 : 10
      this.#needed = start
      if (bytes.length < start) return bytes
      const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
      this.#needed = start + length
      if (bytes.length < start + length) return bytes
      const opcode = bytes[0]! & 15
      const payload = bytes.subarray(start, start + length)
      bytes = bytes.subarray(start + length)
      switch (opcode) {
        case PING:
          this.send(webSocketFrame(payload, PONG))
          break
        case CLOSE:
          this.#socket.end()
          break
        default:
          this.#events.onMessage(payload)
      }
    }
  }
}
