/** What one more message costs in a room that has very many, beside one that has few. */
import { limits } from '../../shared/limits.ts'
import { Client, openAll, syncFrame } from '../load/client.ts'
import { Journey, Writer, roomName } from '../load/messages.ts'
import { pace, until } from '../measure/wait.ts'
import type { MeasuredServer } from '../measure/server.ts'
import { withDocuments } from './workload.ts'
import type { Bench, Workload } from './workload.ts'

const [FEW, MANY] = [10, 100_000]
/** Messages in one update of those that stand there beforehand: as many as Skein takes. */
const BUNDLE = limits.requestsPerUpdate
/** Long enough that what the server does about so many once in a while is in it, such as writing a snapshot. */
const UPDATES = 10_000
const WARM_UP = 500
const PER_SECOND = 200
const TEXT_BYTES = 100

export const long: Workload = {
  title: `an update in a room of ${FEW} and of ${MANY.toLocaleString('en')} messages`,
  about: `CPU of the server for ${UPDATES} messages at ${PER_SECOND}/s with one reader, after ${WARM_UP} for warming up, in either room. ` +
    'Before those the server has come to rest: what it does about so many messages at once is not the cost of one more.',
  takes: withDocuments,
  async run({ peer, start, scale }) {
    const server = await start()
    await costIn(peer, server, FEW, scale)
    const few = await costIn(peer, server, FEW, scale)
    const many = await costIn(peer, server, Math.ceil(MANY * scale), scale)
    await server.stop()
    return { [`CPU ms at ${FEW}`]: few, [`CPU ms at ${MANY.toLocaleString('en')}`]: many, 'many : few': many / few }
  },
}

const costIn = async (peer: Bench['peer'], server: MeasuredServer, messages: number, scale: number): Promise<number> => {
  const name = roomName(peer)
  const author = new Writer(peer)
  const [measured, warmUp] = [Math.ceil(UPDATES * scale), Math.ceil(WARM_UP * scale)]
  const total = messages + warmUp + measured
  const [writer, reader] = await openAll(peer, server.port, [name, name]) as [Client, Client]
  const journey = new Journey(total, 0)
  reader.onFrame = frame => journey.heard(frame)
  let next = 0
  while (next < messages) {
    const numbers = Array.from({ length: Math.min(BUNDLE, messages - next) }, (_, i) => next + i)
    next += numbers.length
    writer.send(syncFrame(peer, name, 'update', author.say(numbers, TEXT_BYTES)))
    await until(`${next} messages are there`, () => journey.arrived === next)
  }
  await server.settled()
  const frames = Array.from({ length: warmUp + measured }, (_, i) => syncFrame(peer, name, 'update', author.say([messages + i], TEXT_BYTES)))
  const send = (count: number): void => {
    for (let i = 0; i < count; i++, next++) writer.send(frames[next - messages]!)
  }
  await pace(PER_SECOND, warmUp / PER_SECOND, send)
  await until('the room is warm', () => journey.arrived === next)
  const before = server.cpuSeconds()
  await pace(PER_SECOND, measured / PER_SECOND, send)
  await until('every message has arrived', () => journey.arrived === next)
  const cpu = server.cpuSeconds() - before
  writer.close()
  reader.close()
  return cpu * 1000 / measured
}
