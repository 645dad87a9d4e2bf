/** The virtual network: connections that keep their order, delay, and may be cut with what is under way. */
import type { Socket } from '../../server/connection/socket.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { Role } from '../../shared/wire/frame.ts'
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'
import type { Person } from './people.ts'

/** Who calls, and what its socket is told. */
export interface Caller {
  readonly person: Person
  readonly name: DocumentName
  readonly speaksSkein: boolean
  readonly isReachable: () => boolean
  opened(): void
  /** A room of this epoch let the connection in, in this role; nothing that a real caller would hear. */
  admitted(epoch: string, role: Role): void
  received(bytes: Uint8Array): void
  closed(code: number, reason: string): void
}

/** The server's end of a connection. */
export interface Accepted {
  received(bytes: Uint8Array): void
  closed(): void
}

export interface Listener {
  accept(caller: Caller, socket: Socket): Accepted
}

/** A close that no end asked for. */
const LOST = 1006
/** A virtual socket's backlog counts this much for each byte, so that a few frames fill it. */
const HEAVY = 500

export class Network {
  readonly clock: Clock
  readonly chance: Chance
  /** The process that listens; null while the server is down. */
  listener: Listener | null = null
  /** Longest usual delay (milliseconds). */
  pace = 40
  readonly #links = new Set<Link>()

  constructor(clock: Clock, chance: Chance) {
    this.clock = clock
    this.chance = chance
  }

  get links(): readonly Link[] {
    return [...this.#links]
  }

  delay(): number {
    return this.chance.delay(this.pace, this.pace * 10)
  }

  /** A handshake: the caller hears later whether somebody listens. */
  dial(caller: Caller): Link {
    const link = new Link(this, caller)
    this.clock.after(this.delay(), () => {
      if (this.listener && caller.isReachable() && !link.over) {
        this.#links.add(link)
        link.begin(this.listener)
      } else link.lose(0, 0)
    })
    return link
  }

  forget(link: Link): void {
    this.#links.delete(link)
  }

  /** The process is gone: the machine it ran on tells its callers, after what was sent before or instead of it. */
  dropAll(): void {
    for (const link of this.links) {
      if (this.chance.of(0.5)) link.serverDied()
      else link.lose(this.delay(), 0)
    }
  }
}

/** One direction of a connection. */
class Lane {
  readonly #network: Network
  #last = 0
  #cut = false
  inFlight = 0

  constructor(network: Network) {
    this.#network = network
  }

  carry(deliver: () => void): void {
    const { clock } = this.#network
    this.#last = Math.max(this.#last, clock.now() + this.#network.delay())
    this.inFlight++
    clock.after(this.#last - clock.now(), () => {
      this.inFlight--
      if (!this.#cut) deliver()
    })
  }

  cut(): void {
    this.#cut = true
  }
}

export class Link {
  readonly caller: Caller
  readonly #network: Network
  readonly #up: Lane
  readonly #down: Lane
  #server: Accepted | null = null
  #serverClosed = false
  /** What the client's end does not take for now, and who waits for that it does; null: it takes everything. */
  #stalled: { frames: Uint8Array[], drained: (() => void)[] } | null = null
  over = false

  constructor(network: Network, caller: Caller) {
    this.#network = network
    this.caller = caller
    this.#up = new Lane(network)
    this.#down = new Lane(network)
  }

  /** Also counts what the client's end does not take for now, and who waits for that. */
  get inFlight(): number {
    const { frames, drained } = this.#stalled ?? { frames: [], drained: [] }
    return this.over ? 0 : this.#up.inFlight + this.#down.inFlight + frames.length + drained.length
  }

  begin(listener: Listener): void {
    this.#down.carry(() => this.caller.opened())
    const { clock, chance } = this.#network
    if (chance.of(0.2)) clock.after(chance.between(0, 3000), () => this.#stall())
    this.#server = listener.accept(this.caller, {
      send: turn => {
        if (this.#serverClosed) return
        for (const copy of turn.flatMap(({ frames }) => frames.map(frame => frame.slice()))) {
          if (this.#stalled) this.#stalled.frames.push(copy)
          else this.#deliver(copy)
        }
      },
      close: (code, reason) => this.#closeFromServer(code, reason),
      backlog: () => HEAVY * (this.#stalled?.frames.reduce((sum, { length }) => sum + length, 0) ?? 0),
      whenDrained: run => {
        if (this.#stalled) this.#stalled.drained.push(run)
        else run()
      },
      pause: () => {},
      resume: () => {}
    })
  }

  #deliver(frame: Uint8Array): void {
    this.#down.carry(() => this.caller.received(frame))
  }

  /** A client that does not read for a while. */
  #stall(): void {
    const { clock, chance } = this.#network
    this.#stalled ??= { frames: [], drained: [] }
    clock.after(chance.between(50, 4000), () => this.#unstall())
  }

  #unstall(): void {
    const stalled = this.#stalled
    this.#stalled = null
    for (const frame of stalled?.frames ?? []) this.#deliver(frame)
    for (const run of stalled?.drained ?? []) run()
  }

  send(bytes: Uint8Array): void {
    const copy = bytes.slice()
    this.#up.carry(() => this.#server?.received(copy))
  }

  closeFromClient(): void {
    this.#up.carry(() => this.#end())
  }

  /** Everything under way is lost. The ends hear of it later, each by itself. */
  lose(clientHearsAfter: number, serverHearsAfter: number): void {
    this.#up.cut()
    this.#down.cut()
    this.over = true
    const { clock } = this.#network
    clock.after(clientHearsAfter, () => this.caller.closed(LOST, ''))
    clock.after(serverHearsAfter, () => this.#end())
  }

  /** What the process had sent arrives, and nothing after it. */
  serverDied(): void {
    this.#up.cut()
    this.#server = null
    this.#unstall()
    this.#network.forget(this)
    this.#down.carry(() => this.caller.closed(LOST, ''))
  }

  #closeFromServer(code: number, reason: string): void {
    if (this.#serverClosed) return
    this.#serverClosed = true
    this.#unstall()
    this.#down.carry(() => {
      this.caller.closed(code, reason)
      this.#end()
    })
  }

  #end(): void {
    this.over = true
    const server = this.#server
    this.#server = null
    this.#network.forget(this)
    server?.closed()
  }
}
