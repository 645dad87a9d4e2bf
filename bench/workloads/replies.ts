/** Replies of a model: how soon readers see them, what it costs that they are on disk first, and many at once. */
import { join } from 'node:path'
import { openAll, syncFrame } from '../load/client.ts'
import type { Client } from '../load/client.ts'
import { Journey, Writer, roomName } from '../load/messages.ts'
import { speak, startModel } from '../load/model.ts'
import type { Model } from '../load/model.ts'
import { percentile } from '../measure/numbers.ts'
import { storedRecords } from '../measure/records.ts'
import type { MeasuredServer } from '../measure/server.ts'
import { sleep, until } from '../measure/wait.ts'
import type { Peer } from '../servers/peers.ts'
import { closeAll } from './workload.ts'
import type { Workload } from './workload.ts'

const REPLIES = 16
const TOKENS = 300
const PER_SECOND = 200
const READERS = 100
/** Readers that are looked at; the others only read. */
const OBSERVED = 10
/** Models think for a while before their first word. */
const THINKS_MS = 200

/** A conversation with its readers, on a server of its own. */
interface Audience {
  server: MeasuredServer
  name: string
  asker: Client
  author: Writer
  readers: Client[]
  first: number[]
  each: number[]
}

const gather = async (peer: Peer, server: MeasuredServer): Promise<Audience> => {
  const name = roomName(peer)
  const [asker] = await openAll(peer, server.port, [name]) as [Client]
  const readers = await openAll(peer, server.port, Array.from({ length: READERS }, () => name))
  for (const reader of readers.slice(OBSERVED)) reader.drain()
  return { server, name, asker, author: new Writer(peer), readers, first: [], each: [] }
}

/** One reply, from the first token at the model to the last at the readers. */
const reply = async (
  model: Model, peer: Peer, { name, asker, author, readers, first, each }: Audience, measured: boolean,
): Promise<void> => {
  asker.send(syncFrame(peer, name, 'update', author.ask('Go on')))
  const exchange = await model.server.next()
  await sleep(THINKS_MS)
  const journeys = readers.slice(0, OBSERVED).map(reader => {
    const journey = new Journey(TOKENS, 0)
    reader.onFrame = frame => journey.heard(frame)
    return journey
  })
  await speak(exchange, 0, TOKENS, PER_SECOND, number => { for (const journey of journeys) journey.sent(number) })
  await until('the reply has arrived', () => journeys.every(({ arrived }) => arrived === TOKENS))
  await sleep(100)
  if (!measured) return
  // In the order of arrival: tokens come in order.
  for (const { latencies } of journeys) {
    first.push(latencies[0]!)
    each.push(...latencies)
  }
}

export const replies: Workload = {
  title: `${PER_SECOND} tokens/s of a model to ${READERS} readers`,
  about: `${REPLIES} replies of ${TOKENS} tokens, from the moment at which the model (over HTTP) says a token to that at which one of ${OBSERVED} readers has it; ` +
    'the model thinks for 200 ms before, and tokens but the first wait up to 40 ms to be written together. In turn with a server that waits for the write and not for the disk ' +
    '(`SKEIN_DURABILITY=os`): what the disk adds is the difference of the medians. Records are all that the replies left, counted in LevelDB after SIGKILL.',
  takes: peer => peer.conversations === true,
  async run({ peer, start, scale, folder }) {
    const model = await startModel()
    const [onDisk, inMemory] = await Promise.all((['fsync', 'os'] as const).map(async durability => {
      const environment = { ...model.environment, SKEIN_DURABILITY: durability }
      return gather(peer, await start({ beside: durability, environment }))
    })) as [Audience, Audience]
    const both = [onDisk, inMemory]
    for (const audience of both) await reply(model, peer, audience, false)
    const count = Math.ceil(REPLIES * scale)
    const before = onDisk.server.cpuSeconds()
    for (let n = 0; n < count; n++) {
      for (const audience of n % 2 ? both : both.toReversed()) await reply(model, peer, audience, true)
    }
    const cpu = onDisk.server.cpuSeconds() - before
    for (const { asker, readers, server } of both) {
      closeAll([asker, ...readers])
      await server.stop('SIGKILL')
    }
    await model.server.close()
    const records = await storedRecords(join(folder, 'fsync'), onDisk.name) - (count + 1)
    const [firstHere, firstThere] = both.map(({ first }) => percentile(first, 0.5)) as [number, number]
    const [eachHere, eachThere] = both.map(({ each }) => percentile(each, 0.5)) as [number, number]
    return {
      'first token p50 ms': firstHere,
      'first token max ms': Math.max(...onDisk.first),
      'the disk adds to it p50 ms': firstHere - firstThere,
      'token p50 ms': eachHere,
      'token p99 ms': percentile(onDisk.each, 0.99),
      'the disk adds p50 ms': eachHere - eachThere,
      'tokens a record': (count + 1) * TOKENS / records,
      'CPU ms a reply': cpu * 1000 / count,
    }
  },
}

const RUNS = 100
const RUN_TOKENS = 400
const RUN_PER_SECOND = 30
/** What stays of the first alone is a plateau, what each of them adds is lost. */
const WAVES = 3
/** Longer than a room is kept that nobody uses. */
const GRACE_MS = 70_000

/** All of them at once, each in its own conversation, with a reader; then everybody leaves. */
const runAll = async (model: Model, peer: Peer, server: MeasuredServer, tokens: number): Promise<number[]> => {
  const names = Array.from({ length: RUNS }, () => roomName(peer))
  const clients = await openAll(peer, server.port, names)
  const journey = new Journey(RUNS * tokens, 0)
  for (const client of clients) {
    client.onFrame = frame => journey.heard(frame)
    client.send(syncFrame(peer, client.room, 'update', new Writer(peer).ask('Go on')))
  }
  await Promise.all(clients.map(async (_, n) =>
    speak(await model.server.next(), n * tokens, tokens, RUN_PER_SECOND, number => journey.sent(number))))
  await until('all replies have arrived', () => journey.arrived === RUNS * tokens)
  closeAll(clients)
  return journey.latencies
}

export const runs: Workload = {
  title: `${RUNS} replies at once`,
  about: `Each of ${RUN_TOKENS} tokens at ${RUN_PER_SECOND} a second, in its own conversation with a reader; ${WAVES} such waves, after one for warming up. The event ` +
    `loop is looked at every 2 ms, which its delays include; memory before, and ${GRACE_MS / 1000} s after all of a wave have left, after garbage collection.`,
  takes: peer => peer.conversations === true,
  async run({ peer, start, scale }) {
    const model = await startModel()
    const server = await start({ environment: model.environment })
    const tokens = Math.ceil(RUN_TOKENS * scale)
    const wave = async () => {
      await server.longestStalls()
      const before = server.cpuSeconds()
      const latencies = await runAll(model, peer, server, tokens)
      const [cpu, stalls] = [server.cpuSeconds() - before, await server.longestStalls()]
      await sleep(GRACE_MS * scale)
      const { residentKb, heapKb } = await server.collected()
      return { latencies, cpu, ...stalls, residentMb: residentKb / 1024, heapMb: heapKb / 1024 }
    }
    const warm = await wave()
    const waves = []
    for (let n = 0; n < WAVES; n++) waves.push(await wave())
    await server.stop()
    await model.server.close()
    const [first, last] = [waves[0]!, waves.at(-1)!]
    const latencies = waves.flatMap(each => each.latencies)
    return {
      'event loop p99 ms': Math.max(...waves.map(({ p99Ms }) => p99Ms)),
      'longest delay ms': Math.max(...waves.map(({ delayMs }) => delayMs)),
      'longest work ms': Math.max(...waves.map(({ workMs }) => workMs)),
      'token p50 ms': percentile(latencies, 0.5),
      'token p99 ms': percentile(latencies, 0.99),
      'CPU µs a token': waves.reduce((sum, { cpu }) => sum + cpu, 0) * 1e6 / (WAVES * RUNS * tokens),
      'MB before': warm.residentMb,
      'grown by the first wave MB': first.residentMb - warm.residentMb,
      'grown by all waves MB': last.residentMb - warm.residentMb,
      'heap grown by the first wave MB': first.heapMb - warm.heapMb,
      'heap grown by all waves MB': last.heapMb - warm.heapMb,
    }
  },
}
