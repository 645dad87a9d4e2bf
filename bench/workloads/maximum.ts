/** How much a server carries before it becomes slow: more and more messages a second, until they are late. */
import { openAll, syncFrame } from '../load/client.ts'
import { Journey, Writer, roomName } from '../load/messages.ts'
import { percentile } from '../measure/numbers.ts'
import { pace, until } from '../measure/wait.ts'
import { closeAll, everybody } from './workload.ts'
import type { Workload } from './workload.ts'

const ROOMS = 50
const RATES = [500, 1000, 1500, 2000, 3000, 4000, 5000, 6000, 8000, 10_000, 12_000, 15_000]
const STEP_SECONDS = 4
const LATE_MS = 250
const TEXT_BYTES = 100
/** A step that fails is tried once more: the machine may have been busy with something else. */
const TRIES = 2

export const maximum: Workload = {
  title: `most messages/s with p99 ≤ ${LATE_MS} ms`,
  about: `${ROOMS} rooms × 2 clients; steps of ${STEP_SECONDS} s at ${RATES[0]} to ${RATES.at(-1)} messages/s, up to the first that twice has ` +
    'a p99 over the limit. The clients are one process: the bare relay shows what they can do.',
  takes: everybody,
  async run({ peer, start, scale }) {
    const server = await start()
    const names = Array.from({ length: ROOMS }, () => roomName(peer))
    const authors = names.map(() => new Writer(peer))
    const [writers, readers] = [await openAll(peer, server.port, names), await openAll(peer, server.port, names)]
    let next = 0

    /** @returns p99, Infinity when not everything arrived within some seconds */
    const step = async (rate: number): Promise<{ p99: number, cpuShare: number }> => {
      const first = next
      const seconds = Math.max(1, STEP_SECONDS * scale)
      const frames = Array.from({ length: Math.round(rate * seconds) }, (_, i) =>
        syncFrame(peer, names[i % ROOMS]!, 'update', authors[i % ROOMS]!.say([first + i], TEXT_BYTES)))
      const journey = new Journey(first + frames.length, first)
      for (const reader of readers) reader.onFrame = frame => journey.heard(frame)
      const cpu = server.cpuSeconds()
      await pace(rate, seconds, count => {
        for (let i = 0; i < count; i++, next++) {
          journey.sent(next)
          writers[(next - first) % ROOMS]!.send(frames[next - first]!)
        }
      })
      const cpuShare = (server.cpuSeconds() - cpu) / seconds
      const everything = await until('every message has arrived', () => journey.latencies.length === frames.length, 10_000).then(() => true, () => false)
      return { p99: everything ? percentile(journey.latencies, 0.99) : Infinity, cpuShare }
    }

    await step(RATES[0]!)
    let best = { rate: 0, p99: NaN, cpuShare: NaN }
    for (const rate of RATES) {
      let passed = false
      for (let attempt = 0; attempt < TRIES && !passed; attempt++) {
        const measured = await step(rate)
        passed = measured.p99 <= LATE_MS
        if (passed) best = { rate, ...measured }
      }
      if (!passed) break
    }
    closeAll([...writers, ...readers])
    await server.stop()
    return { 'messages/s': best.rate, 'p99 ms there': best.p99, 'CPU share there': best.cpuShare }
  },
}
