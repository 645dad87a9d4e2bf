/** People who talk in rooms of their own, to see what they notice of what else a server does. */
import { openAll, syncFrame } from '../load/client.ts'
import type { Client } from '../load/client.ts'
import { Journey, Writer, roomName } from '../load/messages.ts'
import { percentile } from '../measure/numbers.ts'
import type { MeasuredServer } from '../measure/server.ts'
import { pace, until } from '../measure/wait.ts'
import type { Peer } from '../servers/peers.ts'
import { closeAll } from './workload.ts'
import type { Measured } from './workload.ts'

export const ROOMS = 20
/** How often memory is looked at (milliseconds). */
export const LOOK_MS = 20
/** Messages that a stretch may have: in ten minutes. */
const MOST = ROOMS * 600
const SMALL_BYTES = 100

/** What {@link Talk.goOn} measures, for who reads the table. */
export const TALK = 'Times are from one client to the other of its room, a stall is the longest delay of the event loop, work is the most CPU time that ' +
  'its thread took without a pause, memory is how far the resident set grew at most.'

/** Two in each room; one of them says something every second. */
export class Talk {
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

  /** One stretch. @param act done at its beginning @param isOver false: it goes on longer than it has to */
  async goOn(act: () => void, isOver = (): boolean => true): Promise<Measured> {
    const journey = new Journey(MOST, 0)
    for (const reader of this.#readers) reader.onFrame = frame => journey.heard(frame)
    await this.#server.longestStalls()
    const before = { resident: this.#server.residentKb(), cpu: this.#server.cpuSeconds() }
    let most = before.resident
    const looking = setInterval(() => { most = Math.max(most, this.#server.residentKb()) }, LOOK_MS)
    act()
    let next = 0
    const say = (count: number): void => {
      for (let i = 0; i < count && next < MOST; i++, next++) {
        const room = next % ROOMS
        const frame = syncFrame(this.#peer, this.#rooms[room]!, 'update', this.#authors[room]!.say([next], SMALL_BYTES))
        journey.sent(next)
        this.#writers[room]!.send(frame)
      }
    }
    await pace(ROOMS, this.#seconds, say)
    while (!isOver()) await pace(ROOMS, 1, say)
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

export const named = (stretch: string, measured: Measured): Measured =>
  Object.fromEntries(Object.entries(measured).map(([what, value]) => [`${stretch}: ${what}`, value]))
