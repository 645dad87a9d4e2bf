/** Clients that mean no good, one way of it a row, beside people who just talk: what these notice of it, and what it takes of memory. */
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { deflateRawSync } from 'node:zlib'
import { Client, awarenessFrame, openAll, syncFrame } from '../load/client.ts'
import { Journey, Writer, roomName } from '../load/messages.ts'
import { webSocketFrame } from '../load/web-socket.ts'
import { percentile } from '../measure/numbers.ts'
import type { MeasuredServer } from '../measure/server.ts'
import { pace, sleep, until } from '../measure/wait.ts'
import type { Peer } from '../servers/peers.ts'
import { closeAll, withDocuments } from './workload.ts'
import type { Workload } from './workload.ts'

const SOCKETS = 1000
const SECONDS = 10
const SAY_PER_SECOND = 20
const SMALL_BYTES = 100
const LOOK_MS = 50

/** What the attackers have at hand. */
interface Scene {
  peer: Peer
  port: number
  /** Where one pair of honest people talks; the other one is elsewhere. */
  room: string
  /** Sockets to be cut at the end. */
  sockets: Socket[]
  clients: Client[]
  floods: Flood[]
  isOver(): boolean
}

interface Abuse {
  title: string
  about: string
  /** What the people in the attacked room say, in bytes each time. */
  bytes?: number
  seconds?: number
  /** Makes frames beforehand: who is busy with that hears late, too. */
  prepare?(scene: Scene): void
  /** Begins it; what goes on goes on until it is over. */
  begin(scene: Scene): Promise<void>
}

const abuse = ({ title, about, bytes = SMALL_BYTES, seconds = SECONDS, prepare, begin }: Abuse): Workload => ({
  title: `abuse: ${title}`,
  about: `${about} Meanwhile a pair of people in the same room and one in another each say ${SAY_PER_SECOND} things a second, for ${seconds} s; before ` +
    'that with nothing else. Work is the most CPU time that the server\'s thread took without a ' +
    'pause, memory is how far the resident set grew at most. What the system does not take does not arrive at all.',
  takes: withDocuments,
  async run({ peer, start, scale }) {
    const server = await start()
    const room = roomName(peer)
    const [same, other] = [new Pair(peer, room, bytes), new Pair(peer, roomName(peer), SMALL_BYTES)]
    for (const pair of [same, other]) await pair.open(server)
    const talk = async (seconds: number): Promise<{ same: number, other: number, lost: number }> => {
      const pairs = [same, other]
      for (const pair of pairs) pair.begin(Math.ceil(seconds * SAY_PER_SECOND))
      await pace(SAY_PER_SECOND, seconds, count => { for (let i = 0; i < count; i++) for (const pair of pairs) pair.say() })
      await until('all was heard', () => pairs.every(pair => pair.lost === 0), 10_000).catch(() => {})
      return { same: same.p99, other: other.p99, lost: same.lost + other.lost }
    }
    let over = false
    const scene: Scene = { peer, port: server.port, room, sockets: [], clients: [], floods: [], isOver: () => over }
    prepare?.(scene)
    await talk(2)
    const quiet = await talk(Math.ceil(seconds * scale / 3))
    const before = server.residentKb()
    let most = before
    const looking = setInterval(() => { most = Math.max(most, server.residentKb()) }, LOOK_MS)
    const cpu = server.cpuSeconds()
    await server.longestStalls()
    const beginning = begin(scene)
    const abused = await talk(Math.ceil(seconds * scale))
    over = true
    await beginning
    clearInterval(looking)
    const used = server.cpuSeconds() - cpu
    const { workMs } = await server.longestStalls()
    for (const socket of scene.sockets) socket.destroy()
    closeAll([...scene.clients, ...same.clients, ...other.clients])
    await server.stop('SIGKILL')
    return {
      'p99 ms before': quiet.other,
      'p99 ms in another room': abused.other,
      'p99 ms in the same room': abused.same,
      'grown by MB': (most - before) / 1024,
      'work ms': workMs,
      'CPU s': used,
      'not arrived': abused.lost,
    }
  },
})

/** Two people in a room, one of whom speaks. */
class Pair {
  clients: Client[] = []
  readonly #peer: Peer
  readonly #room: string
  readonly #bytes: number
  readonly #author: Writer
  #journey = new Journey(0, 0)
  #first = 0
  #next = 0
  #frames: Buffer[] = []

  constructor(peer: Peer, room: string, bytes: number) {
    this.#peer = peer
    this.#room = room
    this.#bytes = bytes
    this.#author = new Writer(peer)
  }

  async open({ port }: MeasuredServer): Promise<void> {
    this.clients = await openAll(this.#peer, port, [this.#room, this.#room])
    this.clients[1]!.onFrame = frame => this.#journey.heard(frame)
  }

  /** @param count of what will be said from here on; it is made beforehand */
  begin(count: number): void {
    this.#first = this.#next
    this.#journey = new Journey(this.#first + count, 0)
    this.#frames = Array.from({ length: count }, (_, i) =>
      syncFrame(this.#peer, this.#room, 'update', this.#author.say([this.#first + i], this.#bytes)))
  }

  say(): void {
    this.#journey.sent(this.#next)
    this.clients[0]!.send(this.#frames[this.#next++ - this.#first]!)
  }

  get lost(): number {
    return this.#next - this.#first - this.#journey.arrived
  }

  get p99(): number {
    return percentile(this.#journey.latencies, 0.99)
  }
}

/** A socket of bare TCP; what the server does to it is its own affair. */
const open = ({ port, sockets }: Scene): Promise<Socket> => new Promise(resolve => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  sockets.push(socket)
  socket.on('error', () => {})
  socket.once('connect', () => resolve(socket))
  socket.once('close', () => resolve(socket))
})

const upgradeHead = ({ peer: { protocol }, port, room }: Scene, more = ''): string => {
  const offered = protocol.subprotocol === null ? '' : `Sec-WebSocket-Protocol: ${protocol.subprotocol}\r\n`
  return `GET ${protocol.path(room)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n${offered}${more}\r\n`
}

/** As many as asked for, a hundred at a time, so that connecting is not what is measured. */
const openMany = async (count: number, one: () => Promise<unknown>): Promise<void> => {
  for (let from = 0; from < count; from += 100) await Promise.all(Array.from({ length: Math.min(100, count - from) }, one))
}

/** Joins and is there, as anybody. */
const joined = async ({ peer, port, room, clients }: Scene, count: number): Promise<Client[]> => {
  const some = await openAll(peer, port, Array.from({ length: count }, () => room))
  clients.push(...some)
  return some
}

/** Pieces that are written into a room. */
interface Flood {
  room: string
  pieces: Buffer[]
}

const NUMBER_OF_FLOODS = 5
/** Frames that are written at once. */
const PIECE = 50
/** No honest message has it. */
const NOBODYS = 9_000_000
const FIRST_CLIENT_ID = 5_000_000

const floodOf = (room: string, frames: number, frame: (n: number) => Buffer): Flood => ({
  room,
  pieces: Array.from({ length: frames / PIECE }, (_, piece) =>
    Buffer.concat(Array.from({ length: PIECE }, (_, n) => frame(piece * PIECE + n)))),
})

/** Each writes as fast as the server reads, until it is over; when all is written, from the beginning. */
const beginFloods = async (scene: Scene): Promise<void> => {
  const clients = await openAll(scene.peer, scene.port, scene.floods.map(({ room }) => room))
  scene.clients.push(...clients)
  for (const [n, { pieces }] of scene.floods.entries()) {
    const client = clients[n]!
    const more = (at: number): void => {
      if (!scene.isOver() && !client.closed) client.send(pieces[at % pieces.length]!, () => more(at + 1))
    }
    more(0)
  }
}

export const abuses: Record<string, Workload> = {
  'abuse-deaf': abuse({
    title: `${SOCKETS.toLocaleString('en')} readers that never read`,
    about: 'They join and read nothing; what the people in that room say has 4 kB.',
    bytes: 4 * 1024,
    async begin(scene) {
      for (const client of await joined(scene, SOCKETS)) client.pause()
    },
  }),
  'abuse-half-open': abuse({
    title: `${SOCKETS.toLocaleString('en')} half-open sockets`,
    about: 'They join and are never heard of again: no pong, no end.',
    seconds: 65,
    async begin(scene) {
      for (const client of await joined(scene, SOCKETS)) client.drain()
    },
  }),
  'abuse-upgrades': abuse({
    title: `${SOCKETS.toLocaleString('en')} upgrades that never end`,
    about: 'One byte of the head every 100 ms.',
    async begin(scene) {
      const head = upgradeHead(scene)
      await openMany(SOCKETS, () => open(scene))
      for (let at = 0; at < head.length - 4 && !scene.isOver(); at++) {
        for (const socket of scene.sockets) if (socket.writable) socket.write(head[at]!)
        await sleep(100)
      }
    },
  }),
  'abuse-bytes': abuse({
    title: '100 clients whose frames come in single bytes',
    about: 'Each writes one byte every 20 ms, each byte a packet.',
    async begin(scene) {
      const frame = syncFrame(scene.peer, scene.room, 'update', new Writer(scene.peer).say([NOBODYS], SMALL_BYTES))
      const clients = await joined(scene, 100)
      for (let at = 0; !scene.isOver(); at = (at + 1) % frame.length) {
        for (const client of clients) if (!client.closed) client.send(frame.subarray(at, at + 1))
        await sleep(20)
      }
    },
  }),
  'abuse-bombs': abuse({
    title: 'deflate bombs',
    about: '100 sockets a second offer compression and send 100 kB that unfold to 100 MB.',
    async begin(scene) {
      const bomb = webSocketFrame(deflateRawSync(Buffer.alloc(100 * 1024 * 1024)))
      bomb[0] = 0xc2
      while (!scene.isOver()) {
        const socket = await open(scene)
        socket.resume()
        socket.write(upgradeHead(scene, 'Sec-WebSocket-Extensions: permessage-deflate\r\n'))
        socket.once('data', () => socket.write(bomb))
        await sleep(10)
      }
    },
  }),
  'abuse-updates': abuse({
    title: `a flood of updates from ${NUMBER_OF_FLOODS}`,
    about: 'Each writes updates of 500 bytes into a room of its own as fast as the server reads them.',
    prepare(scene) {
      for (let n = 0; n < NUMBER_OF_FLOODS; n++) {
        const room = roomName(scene.peer)
        const author = new Writer(scene.peer)
        scene.floods.push(floodOf(room, 5_000, () => syncFrame(scene.peer, room, 'update', author.say([NOBODYS], 500))))
      }
    },
    begin: beginFloods,
  }),
  'abuse-presence': abuse({
    title: `a flood of presence from ${NUMBER_OF_FLOODS}`,
    about: 'Each writes awareness in the same room as fast as the server reads it.',
    prepare(scene) {
      for (let n = 0; n < NUMBER_OF_FLOODS; n++) {
        const { peer, room } = scene
        scene.floods.push(floodOf(room, 20_000, clock => awarenessFrame(peer, room, FIRST_CLIENT_ID + n, clock + 1, { at: clock })))
      }
    },
    begin: beginFloods,
  }),
  'abuse-connects': abuse({
    title: 'a flood of connections',
    about: '400 sockets a second are opened, upgraded, join and are cut.',
    async begin(scene) {
      const step1 = syncFrame(scene.peer, scene.room, 'step-1', Uint8Array.of(0))
      await pace(400, SECONDS, count => {
        for (let i = 0; i < count && !scene.isOver(); i++) {
          void open(scene).then(socket => {
            if (!socket.writable) return
            socket.write(upgradeHead(scene))
            socket.once('data', () => socket.write(step1, () => socket.resetAndDestroy()))
          })
        }
      })
    },
  }),
}
