/** Many rooms with a little going on in each: the everyday load. */
import { openAll, syncFrame } from '../load/client.ts'
import { Journey, Writer, roomName } from '../load/messages.ts'
import { percentile } from '../measure/numbers.ts'
import { pace, until } from '../measure/wait.ts'
import { closeAll, everybody } from './workload.ts'
import type { Workload } from './workload.ts'

const ROOMS = 500
const PER_SECOND = 500
const SECONDS = 30
/** Not measured: the server's code warms up. */
const WARM_UP_SECONDS = 5
const TEXT_BYTES = 100

export const rooms: Workload = {
  title: '500 rooms × 2 clients, 500 messages/s',
  about: 'CPU of the server over 30 s after 5 s of warming up; latency from one client to the other of its room.',
  takes: everybody,
  async run({ peer, start, scale }) {
    const server = await start()
    const seconds = Math.ceil(SECONDS * scale)
    const warmUp = Math.ceil(WARM_UP_SECONDS * scale)
    const names = Array.from({ length: ROOMS }, () => roomName(peer))
    const authors = names.map(() => new Writer(peer))
    const frames = Array.from({ length: PER_SECOND * (seconds + warmUp) }, (_, number) =>
      syncFrame(peer, names[number % ROOMS]!, 'update', authors[number % ROOMS]!.say([number], TEXT_BYTES)))
    const [writers, readers] = [await openAll(peer, server.port, names), await openAll(peer, server.port, names)]
    const journey = new Journey(frames.length, PER_SECOND * warmUp)
    for (const reader of readers) reader.onFrame = frame => journey.heard(frame)
    let next = 0
    const send = (count: number): void => {
      for (let i = 0; i < count; i++, next++) {
        journey.sent(next)
        writers[next % ROOMS]!.send(frames[next]!)
      }
    }
    await pace(PER_SECOND, warmUp, send)
    const before = server.cpuSeconds()
    await pace(PER_SECOND, seconds, send)
    await until('every message has arrived', () => journey.arrived === next).catch(() => {})
    const cpu = server.cpuSeconds() - before
    closeAll([...writers, ...readers])
    await server.stop()
    return {
      'CPU s': cpu,
      'CPU ms/message': cpu * 1000 / (PER_SECOND * seconds),
      'p50 ms': percentile(journey.latencies, 0.5),
      'p99 ms': percentile(journey.latencies, 0.99),
      'not arrived': next - journey.arrived,
    }
  },
}
