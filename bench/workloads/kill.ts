/** A server killed in the middle of a burst: is what a reader saw still there? */
import { Client, openAll, syncFrame } from '../load/client.ts'
import { Journey, Writer, numbersIn, roomName } from '../load/messages.ts'
import { sleep, until } from '../measure/wait.ts'
import { withStore } from './workload.ts'
import type { Workload } from './workload.ts'

const BURST = 1000
/** The server is killed when a reader has seen so many. */
const SEEN = 500
const TEXT_BYTES = 60

export const kill: Workload = {
  title: `kill -9 in a burst of ${BURST}`,
  about: `A reader has seen about ${SEEN} messages of a burst when the server is killed; after a restart another client reads the room. ` +
    'Lost are messages that were on the reader\'s screen and are not in what it gets.',
  takes: withStore,
  async run({ peer, start }) {
    let server = await start()
    const name = roomName(peer)
    const author = new Writer(peer)
    const frames = Array.from({ length: BURST }, (_, number) => syncFrame(peer, name, 'update', author.say([number], TEXT_BYTES)))
    const [writer, reader] = await openAll(peer, server.port, [name, name]) as [Client, Client]
    const journey = new Journey(BURST, 0)
    const kill: { done: Promise<void> | null } = { done: null }
    reader.onFrame = frame => {
      journey.heard(frame)
      if (journey.arrived >= SEEN) kill.done ??= server.stop('SIGKILL')
    }
    for (const frame of frames) writer.send(frame)
    await until('the server is killed and its last frames are read', () => kill.done !== null && reader.closed)
    await kill.done

    server = await start()
    const there = new Set<number>()
    const later = new Client(peer, server.port, name, frame => { for (const number of numbersIn(frame)) there.add(number) })
    await until('the client is synced', () => later.synced !== null)
    // Some say "synced" before the content is there.
    await sleep(3000)
    later.close()
    await server.stop()
    return { seen: journey.arrived, 'seen, then lost': journey.seen().filter(number => !there.has(number)).length }
  },
}
