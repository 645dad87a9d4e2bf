/** Everybody comes back at once to a server that was just restarted. */
import { Client, openAll, syncFrame } from '../load/client.ts'
import { Journey, Writer, markOf, roomName } from '../load/messages.ts'
import { percentile } from '../measure/numbers.ts'
import { pace, sleep, until } from '../measure/wait.ts'
import { closeAll, withDocuments } from './workload.ts'
import type { Workload } from './workload.ts'

const ROOMS = 100
const MESSAGES_PER_ROOM = 100
const CLIENTS = 1000
const TEXT_BYTES = 170
const WRITTEN_PER_SECOND = 1000

export const storm: Workload = {
  title: `${CLIENTS.toLocaleString('en')} clients reconnect in 1 s and in 100 ms`,
  about: `${ROOMS} rooms of ${MESSAGES_PER_ROOM} messages, ${CLIENTS / ROOMS} clients a room, each time a freshly started server ` +
    '(who keeps nothing goes on, with all rooms in memory); from the attempt to connect until the last message is there. Too early: told "synced" before that.',
  takes: withDocuments,
  async run({ peer, start, scale }) {
    const names = Array.from({ length: ROOMS }, () => roomName(peer))
    const authors = names.map(() => new Writer(peer))
    const total = ROOMS * Math.ceil(MESSAGES_PER_ROOM * scale)
    const frames = Array.from({ length: total }, (_, number) =>
      syncFrame(peer, names[number % ROOMS]!, 'update', authors[number % ROOMS]!.say([number], TEXT_BYTES)))
    const first = await start()
    const [writers, readers] = [await openAll(peer, first.port, names), await openAll(peer, first.port, names)]
    const journey = new Journey(total, 0)
    for (const reader of readers) reader.onFrame = frame => journey.heard(frame)
    let next = 0
    await pace(WRITTEN_PER_SECOND, total / WRITTEN_PER_SECOND, count => {
      for (let i = 0; i < count; i++, next++) writers[next % ROOMS]!.send(frames[next]!)
    })
    await until('everything is written', () => journey.arrived === total)
    closeAll([...writers, ...readers])
    await sleep(5000)
    if (peer.persists) await first.stop()
    const lastOf = (room: number): string => markOf(total - ROOMS + room)

    const comeBack = async (seconds: number): Promise<{ times: number[], early: number, missing: number, cpu: number }> => {
      const server = peer.persists ? await start() : first
      await sleep(500)
      const before = server.cpuSeconds()
      const clients: Client[] = []
      const times: number[] = []
      let early = 0
      await pace(CLIENTS / seconds, seconds, count => {
        for (let i = 0; i < count; i++) {
          const room = clients.length % ROOMS
          const from = performance.now()
          const client = new Client(peer, server.port, names[room]!)
          let [there, told] = [false, false]
          client.onFrame = frame => {
            if (there) return
            if (frame.includes(lastOf(room))) {
              there = true
              times.push(performance.now() - from)
            } else if (client.synced !== null && !told) {
              told = true
              early++
            }
          }
          clients.push(client)
        }
      })
      await until('everybody has the content', () => times.length === CLIENTS, 30_000).catch(() => {})
      const result = { times, early, missing: CLIENTS - times.length, cpu: server.cpuSeconds() - before }
      closeAll(clients)
      if (peer.persists) await server.stop('SIGKILL')
      return result
    }

    const slow = await comeBack(1)
    const fast = await comeBack(0.1)
    return {
      'p99 ms (1 s)': percentile(slow.times, 0.99),
      'p99 ms (100 ms)': percentile(fast.times, 0.99),
      'CPU s (100 ms)': fast.cpu,
      'synced too early': slow.early + fast.early,
      'without content after 30 s': slow.missing + fast.missing,
    }
  },
}
