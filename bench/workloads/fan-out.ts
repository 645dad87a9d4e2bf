/** One writer and many readers of one room: a long answer that everybody watches. */
import { Client, openAll, syncFrame } from '../load/client.ts'
import { Journey, Writer, roomName } from '../load/messages.ts'
import { percentile } from '../measure/numbers.ts'
import { pace, sleep, until } from '../measure/wait.ts'
import { closeAll, everybody } from './workload.ts'
import type { Workload } from './workload.ts'

const UPDATES = 2000
const TEXT_BYTES = 60
/** Readers that are looked at; the others only read, which costs their process less than what is measured. */
const OBSERVED = 10

/** @param perSecond updates of the writer; @param updates how many are measured, after a tenth of them for warming up */
const fanOut = (readers: number, perSecond: number, updates: number): Workload => ({
  title: `${perSecond} updates/s to ${readers} readers`,
  about: `CPU of the server for ${updates} updates after ${updates / 10} for warming up; latency to one of the readers.`,
  takes: everybody,
  async run({ peer, start, scale }) {
    const server = await start()
    const measured = Math.ceil(updates * scale)
    const warmUp = Math.ceil(measured / 10)
    const name = roomName(peer)
    const author = new Writer(peer)
    const frames = Array.from({ length: measured + warmUp }, (_, number) => syncFrame(peer, name, 'update', author.say([number], TEXT_BYTES)))
    const audience = await openAll(peer, server.port, Array.from({ length: readers }, () => name))
    const [writer] = await openAll(peer, server.port, [name]) as [Client]
    const journey = new Journey(frames.length, warmUp)
    audience[0]!.onFrame = frame => journey.heard(frame)
    for (const reader of audience.slice(OBSERVED)) reader.drain()
    let next = 0
    const send = (count: number): void => {
      for (let i = 0; i < count; i++, next++) {
        journey.sent(next)
        writer.send(frames[next]!)
      }
    }
    const everythingIsRead = async (): Promise<void> => {
      await until('every update has arrived', () => journey.arrived === next).catch(() => {})
      const total = (): number => audience.reduce((sum, { received }) => sum + received, 0)
      for (let before = -1; before !== total();) {
        before = total()
        await sleep(100)
      }
    }
    await pace(perSecond, warmUp / perSecond, send)
    await everythingIsRead()
    const before = server.cpuSeconds()
    await pace(perSecond, measured / perSecond, send)
    await everythingIsRead()
    const cpu = server.cpuSeconds() - before
    closeAll([writer, ...audience])
    await server.stop()
    return {
      'CPU s': cpu,
      'CPU µs/frame out': cpu * 1e6 / (measured * readers),
      'p50 ms': percentile(journey.latencies, 0.5),
      'p99 ms': percentile(journey.latencies, 0.99),
      'not arrived': next - journey.arrived,
    }
  },
})

export const fanOut100 = fanOut(100, 200, UPDATES)
export const fanOut500 = fanOut(500, 200, UPDATES)
export const fanOutSlow = fanOut(100, 20, UPDATES / 5)
