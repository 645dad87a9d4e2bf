/**
 * One life of the server: the real rooms, connections, presence and driver over the virtual log and network. It ends by a
 * crash at any step (everything in memory is gone, nothing more leaves it) or in good order.
 */
import { createDriver } from '../../server/agents/driver.ts'
import { createProcessLeases } from '../../server/agents/leases.ts'
import type { Driver } from '../../server/agents/driver.ts'
import { createGatekeeper } from '../../server/api/access.ts'
import { createAgentRegistry } from '../../server/agents/registry.ts'
import { closeReason } from '../../server/connection/close-reason.ts'
import { Connection } from '../../server/connection/connection.ts'
import type { Socket } from '../../server/connection/socket.ts'
import { Presence } from '../../server/connection/presence.ts'
import { workPaces } from '../../server/connection/work-paces.ts'
import type { Directory } from '../../server/directory/port.ts'
import { createErasure } from '../../server/erasure.ts'
import type { Erasure } from '../../server/erasure.ts'
import { enrolment, roleIn } from '../../server/room/access.ts'
import type { EventListener } from '../../server/room/port.ts'
import { RoomRegistry } from '../../server/room/rooms.ts'
import type { SquashLimits } from '../../server/room/squash.ts'
import { serverLimits } from '../../shared/limits.ts'
import { errorTable, SkeinError } from '../../shared/errors.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import { createTalker, forgetful, talker } from './agent.ts'
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'
import type { DataFolder } from './data-folder.ts'
import type { Accepted, Caller, Listener } from './network.ts'
import { virtualDirectory } from './virtual-directory.ts'
import { VirtualLog } from './virtual-log.ts'
import type { DiskWeather, PlatterWatch } from './virtual-log.ts'

export interface ServerPorts {
  clock: Clock
  chance: Chance
  data: DataFolder
  weather: DiskWeather
  watch: PlatterWatch
  /** The size at which documents are begun anew. */
  squashAt: SquashLimits
  /** Events of durable records: what agents, feeds and readers hear. */
  onEvents: EventListener
  /** Told once, when the process died by its fuse. */
  onDeath: () => void
}

export class ServerProcess implements Listener {
  readonly log: VirtualLog
  readonly rooms: RoomRegistry
  readonly #ports: ServerPorts
  readonly #driver: Driver
  readonly #directory: Directory
  readonly #erasure: Erasure
  readonly #started: Promise<void>
  readonly #presence = new Map<DocumentName, Presence>()
  readonly #sockets = new Set<Socket>()
  /** Steps (calls of a port) until it dies; -1: it is not to die. */
  #fuse = -1
  #alive = true
  readonly #died = Promise.withResolvers<void>()

  constructor(ports: ServerPorts) {
    const { clock, chance, data, weather, watch, squashAt } = ports
    this.#ports = ports
    this.log = new VirtualLog(data, clock, chance.stream(), weather, watch)
    this.#directory = virtualDirectory(data.directory, clock, chance.stream(), weather.pace, () => this.#step())
    const agents = createAgentRegistry([
      createTalker(talker, 'continue', { after: this.#after }),
      createTalker(forgetful, 'seal', { after: this.#after })
    ])
    const compactAfter = chance.between(4, 40)
    this.rooms = new RoomRegistry({
      log: stepping(this.log, () => this.#step()),
      budgets: null,
      agents: { defaultAgent: null, nameOf: id => agents.find(id)?.name, all: agents.all },
      onEvents: (...released) => {
        if (!this.#step()) return
        ports.onEvents(...released)
        this.#driver.onEvents(...released)
      },
      onLoaded: (name, openRuns) => this.#driver.recover(openRuns.map(runId => ({ name, runId }))),
      now: clock.now,
      logger: silent,
      compactAfter,
      // Documents here are small: in every second life of a server they count as large.
      ...compactAfter % 2 === 0 && { answerSizes: { small: 300, stored: 1000 } },
      random: { uint32: chance.uint32, uuid: () => `epoch-${chance.uint32()}` },
      squashAt,
      graceMs: chance.between(500, 8000),
      after: this.#after,
      yieldToOthers: () => new Promise(resolve => this.#after(1, resolve)),
      enrolled: enrolment(this.#directory)
    })
    this.#driver = createDriver({
      rooms: this.rooms, agents, now: clock.now, timers: { after: this.#after }, log: silent,
      leases: createProcessLeases(), budget: null, openRuns: () => this.log.openRuns()
    })
    this.#erasure = createErasure({
      driver: this.#driver, rooms: this.rooms, directory: this.#directory, timers: { after: this.#after }, logger: silent
    })
    // One that cannot do this does not start.
    this.#started = this.#erasure.finish().catch(() => this.crash())
    void this.#started.then(() => this.log.openRuns()).then(runs => { if (this.#alive) this.#driver.recover(runs) }, () => null)
  }

  get isAlive(): boolean {
    return this.#alive
  }

  /** It dies at the so-manieth step from now. */
  light(steps: number): void {
    this.#fuse = steps
  }

  crash(): void {
    if (!this.#alive) return
    this.log.crash()
    this.#die()
  }

  /** Who asks the API and whose server dies meanwhile hears of that. */
  async whileAlive<T>(ask: () => Promise<T>): Promise<T> {
    const died = this.#died.promise.then(() => { throw new SkeinError('unavailable') })
    return Promise.race([died, this.#alive ? ask() : died])
  }

  /** As the API does it. */
  async remove(name: DocumentName, principal: Principal): Promise<void> {
    await this.#started
    const { role } = await createGatekeeper(this.#directory, false, this.#ports.clock.now).enterDocument(name, principal)
    if (role !== 'owner') throw new SkeinError('not-allowed')
    await this.#directory.remove(name, this.#ports.clock.now())
    await this.#erasure.erase(name)
  }

  #die(): void {
    this.#alive = false
    this.#died.resolve()
    this.#ports.onDeath()
  }

  /** Ends in good order: what was issued is on disk, the next life goes on in the same generation. */
  async close(): Promise<void> {
    const { close, message } = errorTable.unavailable
    for (const socket of this.#sockets) socket.close(close, closeReason('unavailable', message))
    this.#erasure.close()
    await this.#driver.close()
    await this.rooms.close()
    await this.log.close()
    if (this.#alive) this.#die()
  }

  accept(caller: Caller, wire: Socket): Accepted {
    const waiting: Uint8Array[] = []
    let connection: Connection | null = null
    let leave: (() => void) | null = null
    let closed = false
    const socket: Socket = {
      send: turn => { for (const outgoing of turn) if (this.#step()) wire.send([outgoing]) },
      close: (code, reason) => { if (this.#step()) wire.close(code, reason) },
      backlog: () => wire.backlog(),
      whenDrained: run => wire.whenDrained(run),
      pause: () => wire.pause(),
      resume: () => wire.resume()
    }
    const admit = async (): Promise<void> => {
      await this.#started
      const { principal } = caller.person
      const role = await roleIn({ directory: this.#directory, now: this.#ports.clock.now, openToAll: false }, caller.name, principal)
      if (!role) throw new SkeinError('not-found')
      const { room, release } = await this.rooms.acquire(caller.name)
      if (!this.#alive) return
      const { now } = this.#ports.clock
      const pacing = { limits: serverLimits, now, after: this.#after, work: workPaces(serverLimits, now).ofOne() }
      const presence = this.#presence.get(caller.name) ?? new Presence(this.#after)
      this.#presence.set(caller.name, presence)
      this.#sockets.add(socket)
      caller.admitted(room.lineage.epoch, role)
      connection = new Connection(socket, room, presence, principal, role, caller.speaksSkein, pacing)
      leave = () => {
        this.#sockets.delete(socket)
        connection?.closed()
        release()
      }
      if (closed) return leave()
      for (const bytes of waiting) connection.receive(bytes)
    }
    admit().catch((error: unknown) => {
      const code = error instanceof SkeinError ? error.code : 'internal'
      socket.close(errorTable[code].close, closeReason(code, errorTable[code].message))
    })
    return {
      received: bytes => {
        if (!this.#alive) return
        if (connection) connection.receive(bytes)
        else waiting.push(bytes)
      },
      closed: () => {
        closed = true
        if (this.#alive) leave?.()
      }
    }
  }

  /** @returns whether the step happens: a dead process does nothing */
  readonly #step = (): boolean => {
    if (this.#alive && this.#fuse >= 0 && this.#fuse-- === 0) this.crash()
    return this.#alive
  }

  readonly #after = (ms: number, run: () => void): (() => void) =>
    this.#ports.clock.after(ms, () => { if (this.#alive) run() })
}

/** Writes are steps of the process. */
const stepping = (log: VirtualLog, step: () => boolean): VirtualLog => new Proxy(log, {
  get: (target, key) => {
    const value: unknown = Reflect.get(target, key, target)
    if (typeof value !== 'function') return value
    return (...args: unknown[]): unknown => step() ? Reflect.apply(value, target, args) : new Promise(() => {})
  }
})

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
