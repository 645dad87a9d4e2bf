/** One simulation: a server on a virtual disk, several devices on a virtual network, and a seed that decides what happens. */
import { inhabit } from './surroundings.ts'
import { readMessages } from '../../shared/conversation/read.ts'
import { squashLimits } from '../../server/room/squash.ts'
import type { SquashLimits } from '../../server/room/squash.ts'
import { createUuidV7 } from '../../shared/ids.ts'
import type { DocumentName, RequestId } from '../../shared/ids.ts'
import type { RequestOutcome } from '../../shared/wire/frame.ts'
import { Attacker } from './attacker.ts'
import { Chance } from './chance.ts'
import { checkEnd, whatIsNotAtRest } from './checks.ts'
import { Clock } from './clock.ts'
import { DataFolder } from './data-folder.ts'
import type { Device, DevicePorts } from './device.ts'
import { TALK } from './names.ts'
import { Network } from './network.ts'
import { ada, bob, cleo, everybody, vera } from './people.ts'
import type { Person } from './people.ts'
import { acts } from './script.ts'
import { SdkDevice } from './sdk-device.ts'
import { ServerProcess } from './server-process.ts'
import { StockDevice } from './stock-device.ts'
import { Witness } from './witness.ts'

/** How long it may take until all is at rest after the last act (virtual milliseconds). */
const REST_WITHIN = 600_000

/** The usual sizes, and some that a simulated life reaches. */
const SQUASH_AT: readonly SquashLimits[] = [
  squashLimits,
  { clients: 6, clientsFree: 12, tombstones: 40, tombstonesFree: 400 },
  { clients: 3, clientsFree: 5, tombstones: 15, tombstonesFree: 200 }
]

export interface Summary {
  seed: number
  acts: number
  crashes: number
  sockets: number
  frames: number
  requests: number
  messages: number
  squashes: number
  losses: number
  deletions: number
  virtualMs: number
}

export class World {
  readonly clock = new Clock()
  readonly chance: Chance
  readonly data = new DataFolder(everybody)
  readonly weather = { pace: 10, failures: 0.01, lies: false }
  readonly witness = new Witness()
  readonly network: Network
  readonly attacker: Attacker
  readonly devices: Device[]
  readonly newId: () => string
  readonly squashAt: SquashLimits
  server: ServerProcess
  crashes = 0
  #texts = 0
  #restores = false

  constructor(seed: number, diskLies: boolean) {
    this.weather.lies = diskLies
    this.witness.forgives = diskLies
    this.chance = new Chance(seed)
    const { chance, clock, witness } = this
    this.newId = createUuidV7(clock.now, chance.fill)
    this.network = new Network(clock, chance.stream())
    this.network.pace = chance.pick([5, 40, 200])
    this.weather.pace = chance.pick([2, 10, 60])
    this.weather.failures = chance.pick([0, 0.005, 0.03])
    this.squashAt = chance.pick(SQUASH_AT)
    this.server = this.#startServer()
    if (chance.of(0.5)) this.backUp()
    this.attacker = new Attacker(clock, chance.stream(), this.network, witness)
    this.devices = chosenDevices(chance).map(([Kind, person], i) => {
      const label = `device ${i} (${person.principal.id}, ${Kind === SdkDevice ? 'SDK' : 'stock'})`
      const { data, network, outcomeOf, epochOf } = this
      const ports = { person, clock, chance: chance.stream(), data, network, witness, outcomeOf, epochOf }
      return new Kind({ ...ports, label, text: () => this.text() })
    })
  }

  /** A text that nothing else holds. */
  text(): string {
    return `«${++this.#texts}»`
  }

  /** The same; equal letters of a draft and of a message would not tell which of them was said. */
  letter(): string {
    return String.fromCharCode(0xe000 + ++this.#texts)
  }

  crash(): void {
    this.server.crash()
  }

  /** The server dies so many steps from now. */
  lightFuse(steps: number): void {
    this.server.light(steps)
  }

  restart(): void {
    if (this.server.isAlive) void this.server.close()
  }

  /** The room is given up, as after a transaction that threw, and loaded anew: under another epoch when it has grown enough. */
  loseRoom(): void {
    const { server } = this
    server.rooms.acquire(TALK).then(({ room, release }) => {
      room.discard(new Error('made to be given up'))
      release()
    }, () => null)
  }

  backUp(): void {
    this.data.backUp()
  }

  /** The operator puts the copy in place of what there is, and says so. */
  restore(): void {
    if (!this.server.isAlive || !this.data.hasBackup) return
    this.#restores = true
    this.crash()
  }

  #putBackupInPlace(): void {
    this.#restores = false
    const before = this.data.putBackupInPlace(this.chance.uint32())
    this.witness.lost(before, this.data.log.documents)
  }

  /** The owner deletes the conversation, by the API. */
  remove(): void {
    const { server } = this
    this.clock.after(this.network.delay(), () => { server.remove(TALK, ada.principal).catch(() => null) })
  }

  /** What became of a request, by the API. */
  readonly outcomeOf = async (id: RequestId): Promise<RequestOutcome | null> => {
    const { clock, network, server } = this
    await clock.wait(network.delay())
    const taken = (await server.whileAlive(() => server.log.ledger(TALK, [id]))).get(id)
    await clock.wait(network.delay())
    return taken?.outcome ?? null
  }

  readonly epochOf = (name: DocumentName): string | undefined => this.data.log.documents.get(name)?.lineage?.epoch

  /** Somebody reads by the API. */
  readByApi(): void {
    const { server } = this
    if (!server.isAlive) return
    server.rooms.use(TALK, room => room.read(doc => readMessages(doc))).then(messages => {
      if (server.isAlive) for (const message of messages) this.witness.messages.set(message.id, message)
    }, () => null)
  }

  /** Everything is mended and everybody online. */
  mend(): void {
    this.weather.failures = 0
    this.network.pace = 5
    this.server.light(-1)
    this.data.makeEditorsAgain(everybody)
    for (const device of this.devices) {
      // In the role that its person has now.
      device.line.cut()
      device.connect()
    }
  }

  /** Who holds what the disk lost is refused, and begins anew. */
  async replaceStuckPages(): Promise<void> {
    await this.clock.advance(20_000)
    for (const device of this.devices) if (device.unrest) device.vanish()
  }

  #startServer(): ServerProcess {
    const server: ServerProcess = new ServerProcess({
      clock: this.clock,
      chance: this.chance.stream(),
      data: this.data,
      weather: this.weather,
      watch: this.witness,
      squashAt: this.squashAt,
      onEvents: () => {},
      onDeath: () => {
        this.crashes++
        this.network.listener = null
        this.network.dropAll()
        this.clock.after(this.chance.between(0, 3000), () => {
          if (this.#restores) this.#putBackupInPlace()
          this.server = this.#startServer()
        })
      }
    })
    this.network.listener = server
    return server
  }
}

/** An owner's device, and some of the others. */
const chosenDevices = (chance: Chance): [new (ports: DevicePorts) => Device, Person][] => [
  [SdkDevice, ada],
  ...([
    [SdkDevice, ada], [SdkDevice, bob], [SdkDevice, vera],
    [StockDevice, ada], [StockDevice, bob], [StockDevice, cleo], [StockDevice, vera]
  ] as const).filter(() => chance.of(0.45)).map(([Kind, person]): [new (ports: DevicePorts) => Device, Person] => [Kind, person])
]

/**
 * @param diskLies what was acknowledged may be gone after a crash; then it is still asked that in the end all hold the same
 * @throws with everything that was found wrong
 */
export const simulate = async (seed: number, diskLies = false): Promise<Summary> => {
  const clockless = new Chance(seed ^ 0x5bd1e995)
  let clock: Clock | null = null
  return inhabit({
    now: () => clock?.now() ?? 0,
    after: (ms, run) => clock?.after(ms, run) ?? (() => {}),
    fill: clockless.fill
  }, async () => {
    const world = new World(seed, diskLies)
    clock = world.clock
    try {
      return await live(world, seed)
    } finally {
      for (const device of world.devices) device.close()
    }
  })
}

const live = async (world: World, seed: number): Promise<Summary> => {
  const { chance, clock, witness } = world
  const start = clock.now()
  const count = chance.between(15, 70)
  const hurry = chance.pick([50, 300, 1000])
  const weights = acts.flatMap(([weight], i) => Array<number>(weight).fill(i))
  await clock.advance(chance.between(0, 500))
  for (let i = 0; i < count; i++) {
    acts[chance.pick(weights)]![1](world, chance.pick(world.devices))
    await clock.advance(chance.between(0, hurry))
    throwIf(witness.violations)
  }
  await clock.advance(20_000)
  world.mend()
  if (world.weather.lies) await world.replaceStuckPages()
  await rest(world)
  throwIf(witness.violations)
  await checkEnd(world)
  throwIf(witness.violations)
  return {
    seed,
    acts: count,
    crashes: world.crashes,
    sockets: witness.sockets,
    frames: witness.frames,
    requests: witness.asked.size,
    messages: witness.messages.size,
    squashes: witness.lineages.squashes,
    losses: witness.lineages.losses,
    deletions: witness.deletions,
    virtualMs: clock.now() - start
  }
}

const rest = async (world: World): Promise<void> => {
  let calm = 0
  for (let waited = 0; waited < REST_WITHIN && calm < 3; waited += 1000) {
    await world.clock.advance(1000)
    calm = whatIsNotAtRest(world) === null ? calm + 1 : 0
  }
  const unrest = whatIsNotAtRest(world)
  if (unrest) world.witness.violation(`No rest within ${REST_WITHIN / 1000} s: ${unrest}`)
}

const throwIf = (violations: readonly string[]): void => {
  if (violations.length > 0) throw new Error(violations.slice(0, 12).join('\n'))
}
