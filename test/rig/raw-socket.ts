/** A WebSocket client of bare TCP, for what no library would do: half an upgrade, frames in pieces, bytes that nobody reads. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { until } from './until.ts'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

/** The head of an upgrade request. */
export const upgradeHead = (port: number, name: string, more: readonly string[] = []): string => [
  `GET /sync/${name} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13',
  `Sec-WebSocket-Key: ${KEY}`, 'Sec-WebSocket-Protocol: skein.v1', ...more, '', '',
].join('\r\n')

/** One client frame, masked with zeros. @param flags of the first byte; a whole message of bytes when left out */
export const clientFrame = (payload: Uint8Array, flags = 0x82): Buffer => {
  const { length } = payload
  const head = length < 126 ? Buffer.of(flags, 0x80 | length) : Buffer.of(flags, 0xff, 0, 0, 0, 0, ...bigEndian(length))
  return Buffer.concat([head, Buffer.alloc(4), payload])
}

const bigEndian = (length: number): number[] => [24, 16, 8, 0].map(shift => (length >>> shift) & 0xff)

export interface RawSocket {
  readonly socket: Socket
  /** Everything that was received. */
  readonly received: () => Buffer
  readonly isClosed: () => boolean
}

/** A TCP connection to the server that has said nothing yet. */
export const openRaw = async (port: number): Promise<RawSocket> => {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  let closed = false
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', () => {})
  socket.on('close', () => { closed = true })
  await until('it is connected or refused', () => closed || socket.readyState === 'open')
  return { socket, received: () => Buffer.concat(chunks), isClosed: () => closed }
}

/** An upgraded one. */
export const openRawWebSocket = async (port: number, name: string, more: readonly string[] = []): Promise<RawSocket> => {
  const raw = await openRaw(port)
  raw.socket.write(upgradeHead(port, name, more))
  await until('it is upgraded', () => raw.isClosed() || raw.received().includes('\r\n\r\n'))
  return raw
}
