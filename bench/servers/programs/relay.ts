/**
 * The limits: a bare relay that sends every frame to everybody in its room. With STORE it is durable: each frame is first part of a synced
 * LevelDB batch, one in flight, whatever arrives meanwhile shares the next; with PACED those batches are as far apart as Skein's. There is
 * no document, no judging and no protocol.
 */

import { createServer } from 'node:http'
import { ClassicLevel } from 'classic-level'
import { WebSocketServer } from 'ws'
import type { RawData, WebSocket } from 'ws'
import { GroupCommit } from '../../../server/log/leveldb/group-commit.ts'

const { PORT, STORE, PACED } = process.env
const rooms = new Map<string, Set<WebSocket>>()
const store = STORE ? new ClassicLevel<string, Buffer>(STORE, { keyEncoding: 'utf8', valueEncoding: 'buffer' }) : null
await store?.open()

let count = 0
let waiting: { data: Buffer, release: () => void }[] = []
let writing = false

const synced = (store: ClassicLevel<string, Buffer>, frames: readonly Buffer[]): Promise<void> =>
  store.batch(frames.map(value => ({ type: 'put' as const, key: String(count++).padStart(12, '0'), value })), { sync: true })

const paced = store && PACED ? new GroupCommit<Buffer>(frames => synced(store, frames), (error) => { throw error }) : null

const write = async (store: ClassicLevel<string, Buffer>): Promise<void> => {
  writing = true
  while (waiting.length > 0) {
    const batch = waiting
    waiting = []
    await synced(store, batch.map(({ data }) => data))
    for (const { release } of batch) release()
  }
  writing = false
}

const server = createServer()
const sockets = new WebSocketServer({ server, perMessageDeflate: false })
sockets.on('connection', (socket, request) => {
  const path = request.url ?? ''
  const room = rooms.get(path) ?? new Set<WebSocket>()
  rooms.set(path, room.add(socket))
  socket.on('message', (data: RawData) => {
    const release = (): void => { for (const other of room) other.send(data) }
    if (!store) return release()
    if (paced) return void paced.submit([data as Buffer]).then(release)
    waiting.push({ data: data as Buffer, release })
    if (!writing) void write(store)
  })
  socket.on('close', () => {
    room.delete(socket)
    if (room.size === 0) rooms.delete(path)
  })
})
server.listen({ port: Number(PORT), host: '127.0.0.1', backlog: 4096 })
