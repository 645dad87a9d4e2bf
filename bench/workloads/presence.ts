/** A crowd in one room, each of whom moves once a second. */
import { awarenessFrame, openAll } from '../load/client.ts'
import { Journey, markOf, roomName } from '../load/messages.ts'
import { percentile } from '../measure/numbers.ts'
import { pace, sleep, until } from '../measure/wait.ts'
import { closeAll, everybody } from './workload.ts'
import type { Workload } from './workload.ts'

const PEOPLE = 500
const SECONDS = 15
/** Any, as long as everybody has another one. */
const FIRST_CLIENT_ID = 1_000_000

export const presence: Workload = {
  title: `${PEOPLE} people in one room, presence at 1 Hz`,
  about: `CPU of the server for a second of it, over ${SECONDS} s; more than 1 is more than a core can do. Latency to one of them.`,
  takes: everybody,
  async run({ peer, start, scale }) {
    const server = await start()
    const seconds = Math.ceil(SECONDS * scale)
    const name = roomName(peer)
    const people = await openAll(peer, server.port, Array.from({ length: PEOPLE }, () => name))
    const frames = Array.from({ length: PEOPLE * (seconds + 1) }, (_, number) => {
      const [clientId, clock] = [FIRST_CLIENT_ID + number % PEOPLE, 1 + Math.floor(number / PEOPLE)]
      return awarenessFrame(peer, name, clientId, clock, { cursor: markOf(number), color: '#884422' })
    })
    const journey = new Journey(frames.length, PEOPLE)
    people[0]!.onFrame = frame => journey.heard(frame)
    for (const other of people.slice(1)) other.drain()
    let next = 0
    const send = (count: number): void => {
      for (let i = 0; i < count; i++, next++) {
        journey.sent(next)
        people[next % PEOPLE]!.send(frames[next]!)
      }
    }
    const read = (): number => people.reduce((sum, { received }) => sum + received, 0)
    const everythingIsRead = async (): Promise<void> => {
      await until('every movement was seen', () => journey.arrived === next).catch(() => {})
      for (let before = -1; before !== read();) {
        before = read()
        await sleep(100)
      }
    }
    await pace(PEOPLE, 1, send)
    await everythingIsRead()
    const [cpu, bytes] = [server.cpuSeconds(), read()]
    await pace(PEOPLE, seconds, send)
    await everythingIsRead()
    const share = (server.cpuSeconds() - cpu) / seconds
    const sent = read() - bytes
    closeAll(people)
    await server.stop()
    return { 'CPU s/s': share, 'p50 ms': percentile(journey.latencies, 0.5), 'MB/s out': sent / 1e6 / seconds, 'not seen': next - journey.arrived }
  },
}
