/** Real connections of which one side stops reading, on a clock that the test moves. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { makeCertificate } from '../../test/rig/certificate.ts'
import { ManualTime } from '../../test/rig/manual-time.ts'
import { temporaryFolder } from '../../test/rig/server-process.ts'
import { until } from '../../test/rig/until.ts'
import { StalledSockets, takenMark } from './stalled-sockets.ts'

const SECONDS = 60
/** More than the system takes for a socket that is not read. */
const LARGE = Buffer.alloc(32 * 1024 * 1024)

const closing: (() => unknown)[] = []
afterEach(async () => { for (const close of closing.splice(0).reverse()) await close() })

/** A watched connection and who is at its other end, not reading. */
const connected = async (over: 'TCP' | 'TLS' = 'TCP') => {
  const time = new ManualTime()
  const stalled = new StalledSockets({ seconds: SECONDS, now: time.now, after: time.after })
  const secret = over === 'TLS' ? await certificate() : null
  const server = secret ? createTlsServer(secret) : createServer()
  const accepted = once(server, secret ? 'secureConnection' : 'connection') as Promise<[Socket]>
  server.on(secret ? 'secureConnection' : 'connection', stalled.watch).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const reader = secret ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }) : connect(port, '127.0.0.1')
  reader.on('error', () => {})
  const [socket] = await accepted
  socket.on('error', () => {})
  closing.push(() => stalled.close(), () => server.close(), () => socket.destroy(), () => reader.destroy())
  let read = 0
  let readUntil = 0
  reader.on('data', ({ length }: Buffer) => {
    read += length
    if (read >= readUntil) reader.pause()
  })
  reader.pause()
  const reads = async (bytes: number): Promise<void> => {
    readUntil = bytes
    reader.resume()
    await until(`${bytes} bytes are read`, () => read >= bytes)
  }
  return { time, stalled, socket, reads }
}

const certificate = async (): Promise<{ cert: Buffer, key: Buffer }> => {
  const folder = await temporaryFolder()
  closing.push(folder.remove)
  const files = await makeCertificate(folder.path, 'localhost')
  return { cert: await readFile(files.cert), key: await readFile(files.key) }
}

/** The system takes no more of it. */
const stuck = async ({ socket }: { socket: Socket }): Promise<void> => {
  let before = ''
  await until('the system takes no more', async () => {
    const mark = takenMark(socket)
    const same = mark === before
    before = mark
    await new Promise(resolve => setImmediate(resolve))
    return same
  })
}

describe('a connection for which bytes wait', () => {
  it.each(['TCP', 'TLS'] as const)('is ended when none of them was taken for so long, and not sooner, over %s', async over => {
    const world = await connected(over)
    world.socket.write(LARGE)
    await stuck(world)
    await world.time.advance(SECONDS * 1000)
    expect(world.socket.destroyed).toBe(false)
    await world.time.advance(SECONDS * 1000 / 4)
    expect(world.socket.destroyed).toBe(true)
  })

  it.each(['TCP', 'TLS'] as const)('stays as long as some of them are taken, although it is one write that is not done, over %s', async over => {
    const world = await connected(over)
    world.socket.write(LARGE)
    for (let n = 1; n <= 4; n++) {
      await stuck(world)
      await world.time.advance(SECONDS * 1000)
      await world.reads(n * 4_000_000)
    }
    expect(world.socket.writableLength).toBe(LARGE.length)
    expect(world.socket.destroyed).toBe(false)
  })

  it('may have something done instead', async () => {
    const world = await connected()
    let ended = 0
    world.stalled.whenStalled(world.socket, () => { ended++ })
    world.socket.write(LARGE)
    await stuck(world)
    await world.time.advance(SECONDS * 1250)
    expect([ended, world.socket.destroyed]).toEqual([1, false])
  })
})

describe('a connection for which nothing waits', () => {
  it('may be quiet for as long as it likes', async () => {
    const { time, socket } = await connected()
    socket.write('hello')
    await until('it is taken', () => socket.writableLength === 0)
    await time.advance(SECONDS * 100_000)
    expect(socket.destroyed).toBe(false)
  })
})
