/** Opening a long conversation that nobody has open, from the disk of a server that was just started. */
import { Client, openAll, syncFrame } from '../load/client.ts'
import { Journey, Writer, markOf, roomName } from '../load/messages.ts'
import { median } from '../measure/numbers.ts'
import type { MeasuredServer } from '../measure/server.ts'
import { pace, sleep, until } from '../measure/wait.ts'
import { withStore } from './workload.ts'
import type { Workload } from './workload.ts'

const MESSAGES = 10_000
/** Makes 2.9 MB of them. */
const TEXT_BYTES = 170
const OPENS = 3
const WRITTEN_PER_SECOND = 1500

export const coldOpen: Workload = {
  title: `cold open of ${MESSAGES.toLocaleString('en')} messages`,
  about: `Written one by one, server restarted, then one client opens it: the first time, and the median of ${OPENS} more restarts. ` +
    'Content is there when the last message has arrived; memory is what the server has grown by, as it is.',
  takes: withStore,
  async run({ peer, start, scale }) {
    const messages = Math.ceil(MESSAGES * scale)
    const name = roomName(peer)
    let server = await start()
    const author = new Writer(peer)
    const frames = Array.from({ length: messages }, (_, number) => syncFrame(peer, name, 'update', author.say([number], TEXT_BYTES)))
    const [writer, reader] = await openAll(peer, server.port, [name, name]) as [Client, Client]
    const journey = new Journey(messages, 0)
    reader.onFrame = frame => journey.heard(frame)
    let next = 0
    await pace(WRITTEN_PER_SECOND, messages / WRITTEN_PER_SECOND, count => {
      for (let i = 0; i < count; i++, next++) writer.send(frames[next]!)
    })
    await until('everything is written', () => journey.arrived === messages)
    writer.close()
    reader.close()
    // Peers that store late do so a while after the last one has left.
    await sleep(5000)
    await server.stop()

    const opens: { ms: number, cpu: number, grown: number, bytes: number, early: boolean }[] = []
    for (let i = 0; i <= OPENS; i++) {
      server = await start()
      opens.push(await open(server))
      await server.stop()
    }
    const later = opens.slice(1)
    return {
      'ms to content': median(later.map(({ ms }) => ms)),
      'first time': opens[0]!.ms,
      'server CPU ms': median(later.map(({ cpu }) => cpu)) * 1000,
      'grown by MB': median(later.map(({ grown }) => grown)) / 1024,
      'MB sent': median(later.map(({ bytes }) => bytes)) / 1e6,
      'synced too early': opens.filter(({ early }) => early).length,
    }

    async function open(server: MeasuredServer): Promise<typeof opens[number]> {
      // Started is not yet settled: what it does in its first moments is not part of opening.
      await sleep(500)
      const [cpu, resident, from] = [server.cpuSeconds(), server.residentKb(), performance.now()]
      let at = 0
      const client = new Client(peer, server.port, name)
      let early = false
      client.onFrame = frame => {
        const now = performance.now()
        if (at === 0 && frame.includes(markOf(messages - 1))) at = now
        else if (at === 0 && client.synced !== null) early = true
      }
      await until('the content is there', () => at > 0)
      await sleep(200)
      const result = { ms: at - from, cpu: server.cpuSeconds() - cpu, grown: server.residentKb() - resident, bytes: client.received, early }
      client.close()
      return result
    }
  },
}
