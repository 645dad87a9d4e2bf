/** A large document is compacted, and opened by somebody, while people talk in other rooms. */
import { Client, openAll } from '../load/client.ts'
import { Journey, largeFrames, roomName } from '../load/messages.ts'
import type { MeasuredServer } from '../measure/server.ts'
import { pace, until } from '../measure/wait.ts'
import type { Peer } from '../servers/peers.ts'
import { LOOK_MS, ROOMS, TALK, Talk, named } from './talk.ts'
import { closeAll, withStore } from './workload.ts'
import type { Workload } from './workload.ts'

const MESSAGES = 45_000
/** Makes 50 MB of them. */
const LARGE_BYTES = 1000
/** Skein folds the document with the 500th. */
const RECORDS = 499
const RECORDS_PER_SECOND = 50
const SECONDS = 12

export const compaction: Workload = {
  title: `a document of 50 MB beside ${ROOMS} rooms`,
  about: `${ROOMS} rooms × 2 clients, one message a second in each, in three stretches of ${SECONDS} s: with nothing else; from the record on that has ` +
    `Skein compact the document; from when somebody opens it. ${TALK}`,
  takes: withStore,
  async run({ peer, start, scale }) {
    const server = await start()
    const large = roomName(peer)
    const perRecord = Math.ceil(MESSAGES * scale / RECORDS)
    const frames = largeFrames(peer, large, RECORDS + 1, perRecord, LARGE_BYTES)
    const [writer, listener] = await openAll(peer, server.port, [large, large]) as [Client, Client]
    const arrived = new Journey((RECORDS + 1) * perRecord, 0)
    listener.onFrame = frame => arrived.heard(frame)
    let record = 0
    const write = (): void => writer.send(frames[record++]!)
    await pace(RECORDS_PER_SECOND, RECORDS / RECORDS_PER_SECOND, count => { for (let i = 0; i < count; i++) write() })
    await until('the large document is written', () => arrived.arrived === record * perRecord, 300_000)

    const talk = new Talk(peer, server, Math.ceil(SECONDS * scale))
    await talk.begin()
    await talk.goOn(() => {})
    const quiet = await talk.goOn(() => {})
    const compacted = await talk.goOn(write)
    const reader = new Reader()
    const opened = await talk.goOn(() => reader.open(peer, server, large, record * perRecord * LARGE_BYTES))
    closeAll([writer, listener])
    reader.close()
    talk.end()
    await server.stop()
    return { ...named('quiet', quiet), ...named('compaction', compacted), ...named('opening', opened), 'opening: ms to content': reader.took }
  },
}

/** Opens a document as who has nothing of it, and only counts its bytes: to look into them would hold up the other clients. */
class Reader {
  /** Milliseconds until so many bytes were there. */
  took = NaN
  #client: Client | null = null
  #looking: NodeJS.Timeout | undefined

  open(peer: Peer, server: MeasuredServer, room: string, bytes: number): void {
    const from = performance.now()
    const client = this.#client = new Client(peer, server.port, room, () => client.drain())
    this.#looking = setInterval(() => {
      if (client.received >= bytes && Number.isNaN(this.took)) this.took = performance.now() - from
    }, LOOK_MS)
  }

  close(): void {
    clearInterval(this.#looking)
    this.#client?.close()
  }
}
