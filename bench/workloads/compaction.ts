/** A large document is compacted, and opened by somebody, while people talk in other rooms. */
import { Client, openAll, syncFrame } from '../load/client.ts'
import { Journey, Writer, roomName } from '../load/messages.ts'
import { percentile } from '../measure/numbers.ts'
import type { MeasuredServer } from '../measure/server.ts'
import { pace, until } from '../measure/wait.ts'
import type { Peer } from '../servers/peers.ts'
import { closeAll, withStore } from './workload.ts'
import type { Measured, Workload } from './workload.ts'

const MESSAGES = 45_000
/** Makes 50 MB of them. */
const LARGE_BYTES = 1000
/** Skein folds the document with the 500th. */
const RECORDS = 499
const RECORDS_PER_SECOND = 50
const ROOMS = 20
const SMALL_BYTES = 100
const SECONDS = 12
const LOOK_MS = 20

export const compaction: Workload = {
  title: `a document of 50 MB beside ${ROOMS} rooms`,
  about: `${ROOMS} rooms × 2 clients, one message a second in each, in three stretches of ${SECONDS} s: with nothing else; from the record on that has ` +
    'Skein compact the document; from when somebody opens it. Times are from one client to the other of its room, a stall is the longest delay ' +
    'of the event loop, work is the most CPU time that its thread took without a pause, memory is how far the resident set grew at most.',
  takes: withStore,
  async run({ peer, start, scale }) {
    const server = await start()
    const large = roomName(peer)
    const perRecord = Math.ceil(MESSAGES * scale / RECORDS)
    const frames = largeFrames(peer, large, perRecord)
    const [writer, listener] = await openAll(peer, server.port, [large, large]) as [Client, Client]
    const arrived = new Journey((RECORDS + 1) * perRecord, 0)
    listener.onFrame = frame => arrived.heard(frame)
    let record = 0
    const write = (): void => writer.send(frames[record++]!)
    await pace(RECORDS_PER_SECOND, RECORDS / RECORDS_PER_SECOND, count => { for (let i = 0; i < count; i++) write() })
    await until('the large document is written', () => arrived.arrived === record * perRecord, 300_000)

    const talk = new Talk(peer, server, Math.ceil(SECONDS * scale))
    await talk.begin()
    await talk.goOn(() => {})
    const quiet = await talk.goOn(() => {})
    const compacted = await talk.goOn(write)
    const reader = new Reader()
    const opened = await talk.goOn(() => reader.open(peer, server, large, record * perRecord * LARGE_BYTES))
    closeAll([writer, listener])
    reader.close()
    talk.end()
    await server.stop()
    return { ...named('quiet', quiet), ...named('compaction', compacted), ...named('opening', opened), 'opening: ms to content': reader.took }
  },
}

/** Made beforehand; who made them may go, so that the clients have no large heap to collect. */
const largeFrames = (peer: Peer, room: string, perRecord: number): Buffer[] => {
  const author = new Writer(peer)
  return Array.from({ length: RECORDS + 1 }, (_, record) => {
    const numbers = Array.from({ length: perRecord }, (_, i) => record * perRecord + i)
    return syncFrame(peer, room, 'update', author.say(numbers, LARGE_BYTES))
  })
}

const named = (stretch: string, measured: Measured): Measured =>
  Object.fromEntries(Object.entries(measured).map(([what, value]) => [`${stretch}: ${what}`, value]))

/** People in rooms of their own, two in each. */
class Talk {
  readonly #peer: Peer
  readonly #server: MeasuredServer
  readonly #seconds: number
  readonly #rooms: string[]
  readonly #authors: Writer[]
  #writers: Client[] = []
  #readers: Client[] = []

  constructor(peer: Peer, server: MeasuredServer, seconds: number) {
    this.#peer = peer
    this.#server = server
    this.#seconds = seconds
    this.#rooms = Array.from({ length: ROOMS }, () => roomName(peer))
    this.#authors = this.#rooms.map(() => new Writer(peer))
  }

  async begin(): Promise<void> {
    this.#writers = await openAll(this.#peer, this.#server.port, this.#rooms)
    this.#readers = await openAll(this.#peer, this.#server.port, this.#rooms)
  }

  /** One stretch. @param act done at its beginning */
  async goOn(act: () => void): Promise<Measured> {
    const journey = new Journey(ROOMS * this.#seconds, 0)
    for (const reader of this.#readers) reader.onFrame = frame => journey.heard(frame)
    await this.#server.longestStalls()
    const before = { resident: this.#server.residentKb(), cpu: this.#server.cpuSeconds() }
    let most = before.resident
    const looking = setInterval(() => { most = Math.max(most, this.#server.residentKb()) }, LOOK_MS)
    act()
    let next = 0
    await pace(ROOMS, this.#seconds, count => {
      for (let i = 0; i < count; i++, next++) {
        const room = next % ROOMS
        const frame = syncFrame(this.#peer, this.#rooms[room]!, 'update', this.#authors[room]!.say([next], SMALL_BYTES))
        journey.sent(next)
        this.#writers[room]!.send(frame)
      }
    })
    await until('every message has arrived', () => journey.arrived === next)
    clearInterval(looking)
    const { delayMs, workMs } = await this.#server.longestStalls()
    return {
      'p50 ms': percentile(journey.latencies, 0.5),
      'p99 ms': percentile(journey.latencies, 0.99),
      'most ms': Math.max(...journey.latencies),
      'stall ms': delayMs,
      'work ms': workMs,
      'CPU s': this.#server.cpuSeconds() - before.cpu,
      'MB': (most - before.resident) / 1024,
    }
  }

  end(): void {
    closeAll([...this.#writers, ...this.#readers])
  }
}

/** Opens a document as who has nothing of it, and only counts its bytes: to look into them would hold up the other clients. */
class Reader {
  /** Milliseconds until so many bytes were there. */
  took = NaN
  #client: Client | null = null
  #looking: NodeJS.Timeout | undefined

  open(peer: Peer, server: MeasuredServer, room: string, bytes: number): void {
    const from = performance.now()
    const client = this.#client = new Client(peer, server.port, room, () => client.drain())
    this.#looking = setInterval(() => {
      if (client.received >= bytes && Number.isNaN(this.took)) this.took = performance.now() - from
    }, LOOK_MS)
  }

  close(): void {
    clearInterval(this.#looking)
    this.#client?.close()
  }
}
