/** Very many join one large document at the same moment, while people talk in other rooms. */
import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import { Client, openAll } from '../load/client.ts'
import { Joiners } from '../load/joiners.ts'
import { Journey, largeFrames, roomName } from '../load/messages.ts'
import { percentile } from '../measure/numbers.ts'
import { pace, sleep, until } from '../measure/wait.ts'
import type { Peer } from '../servers/peers.ts'
import { ROOMS, TALK, Talk, named } from './talk.ts'
import { closeAll, withDocuments } from './workload.ts'
import type { Measured, Workload } from './workload.ts'

const JOINS = 1000
const MESSAGES = 4_000
/** Makes 4 MB of them. */
const BYTES = 1000
const RECORDS = 400
const RECORDS_PER_SECOND = 100
const SECONDS = 8
const PATIENCE_MS = 300_000
const EMPTY = Y.encodeStateVector(new Map())

export const joins: Workload = {
  title: `${JOINS.toLocaleString('en')} joins of a document of 4 MB at once`,
  about: `Half of them have nothing of it, the others each another share; all are connected before and ask in one moment. ${ROOMS} rooms × 2 clients, one ` +
    'message a second in each, meanwhile. Live: while the document is in memory and somebody writes a message into it every second; stored: after a ' +
    `restart, nobody writes. ${TALK}`,
  takes: withDocuments,
  async run({ peer, start, scale }) {
    const large = roomName(peer)
    const perRecord = Math.ceil(MESSAGES * scale / RECORDS)
    let server = await start()
    const frames = largeFrames(peer, large, RECORDS + SECONDS * 20, perRecord, BYTES)
    const [writer, listener] = await openAll(peer, server.port, [large, large]) as [Client, Client]
    const arrived = new Journey((RECORDS + SECONDS * 20) * perRecord, 0)
    listener.onFrame = frame => arrived.heard(frame)
    let record = 0
    const write = (): void => { if (record < frames.length) writer.send(frames[record++]!) }
    await pace(RECORDS_PER_SECOND, RECORDS / RECORDS_PER_SECOND, count => { for (let i = 0; i < count; i++) write() })
    await until('the large document is written', () => arrived.arrived === record * perRecord, PATIENCE_MS)
    const whole = await stateOf(peer, server.port, large)
    const stateVectors = Array.from({ length: JOINS }, (_, n) => n % 2 === 0 ? EMPTY : share(whole, n / JOINS))

    const measured: Measured = {}
    const measure = async (what: string, act: () => void): Promise<void> => {
      const talk = new Talk(peer, server, Math.ceil(SECONDS * scale))
      await talk.begin()
      await talk.goOn(() => {})
      const joiners = await Joiners.open(peer, server.port, large, stateVectors)
      // Whatever connecting took is over.
      await sleep(2000)
      const during = await talk.goOn(() => {
        joiners.join()
        act()
      }, () => joiners.joined !== null)
      const { took, bytes } = joiners.joined!
      Object.assign(measured, named(what, { ...during, 'until half have it, s': percentile(took, 0.5) / 1000, 'all, s': Math.max(...took) / 1000, 'GB sent': bytes / 1e9 }))
      await joiners.close()
      talk.end()
    }
    let writing: NodeJS.Timeout | undefined
    await measure('live', () => { writing = setInterval(write, 1000) })
    clearInterval(writing)
    closeAll([writer, listener])
    if (!peer.persists) return measured
    // Peers that store late do so a while after the last one has left.
    await sleep(5000)
    await server.stop()
    server = await start()
    await measure('stored', () => {})
    await server.stop()
    return measured
  },
}

/** By client id, how much a document has of each. */
const stateOf = async (peer: Peer, port: number, room: string): Promise<Map<number, number>> => {
  const doc = new Y.Doc()
  const client = new Client(peer, port, room)
  client.onFrame = frame => {
    const input = decoding.createDecoder(frame)
    const [type, step] = [decoding.readVarUint(input), decoding.readVarUint(input)]
    if ((type === 0 || type === 4) && step > 0) Y.applyUpdate(doc, decoding.readVarUint8Array(input))
  }
  await until('the document is there', () => client.synced !== null)
  client.close()
  return Y.decodeStateVector(Y.encodeStateVector(doc))
}

const share = (whole: ReadonlyMap<number, number>, part: number): Uint8Array =>
  Y.encodeStateVector(new Map([...whole].map(([client, clock]) => [client, Math.ceil(clock * part)])))
