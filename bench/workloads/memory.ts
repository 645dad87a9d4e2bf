/** Memory: of connections that do nothing, and what is left when everybody has gone. */
import { Client, openAll, syncFrame } from '../load/client.ts'
import { Journey, Writer, markOf, roomName } from '../load/messages.ts'
import type { MeasuredServer } from '../measure/server.ts'
import { pace, sleep, until } from '../measure/wait.ts'
import type { Peer } from '../servers/peers.ts'
import { closeAll, everybody, withDocuments } from './workload.ts'
import type { Workload } from './workload.ts'

const CONNECTIONS = 1000
const ROOMS_LEFT = 2000
const TEXT_BYTES = 100
/** Longer than any of the servers keeps a room that nobody uses. */
const GRACE_MS = 75_000

/** An hour at 20 tokens a second. */
const TOKENS = 72_000
const ANSWERS = 36
const TOKENS_PER_SECOND = 2000

/** Rooms come and go before anything is measured, so that code and buffers of the first ones do not count. */
const warmUp = async (peer: Peer, server: MeasuredServer): Promise<void> => {
  closeAll(await openAll(peer, server.port, Array.from({ length: 100 }, () => roomName(peer))))
  await sleep(1000)
}

export const idle: Workload = {
  title: `${CONNECTIONS.toLocaleString('en')} idle connections, each in its own room`,
  about: `Resident memory for each of the second ${CONNECTIONS.toLocaleString('en')}, as it is and after garbage collection (with the first ones the ` +
    `heap itself grows); what is not given back is measured ${GRACE_MS / 1000} s after all have closed, against before the first.`,
  takes: everybody,
  async run({ peer, start, scale }) {
    const server = await start()
    const open = (): Promise<Client[]> => openAll(peer, server.port, Array.from({ length: CONNECTIONS }, () => roomName(peer)))
    await warmUp(peer, server)
    const base = await server.collected()
    const first = await open()
    const [half, halfObserved] = [await server.collected(), server.residentKb()]
    const second = await open()
    const observed = server.residentKb()
    const all = await server.collected()
    closeAll([...first, ...second])
    await sleep(GRACE_MS * scale)
    const left = await server.collected()
    await server.stop()
    return {
      'kB observed': (observed - halfObserved) / CONNECTIONS,
      'kB after gc': (all.residentKb - half.residentKb) / CONNECTIONS,
      'kB heap after gc': (all.heapKb - half.heapKb) / CONNECTIONS,
      'kB of the first after gc': (half.residentKb - base.residentKb) / CONNECTIONS,
      'MB left': (left.residentKb - base.residentKb) / 1024,
      'MB heap left': (left.heapKb - base.heapKb) / 1024,
    }
  },
}

export const opened: Workload = {
  title: `${ROOMS_LEFT.toLocaleString('en')} rooms opened and left`,
  about: `One message is written into each; memory before, and ${GRACE_MS / 1000} s after the last one was left, after garbage collection; ` +
    'then once more, which tells what is kept for each room from what a server grows by when it is used at all.',
  takes: withDocuments,
  async run({ peer, start, scale }) {
    const server = await start()
    await warmUp(peer, server)
    const base = await server.collected()
    const openAndLeave = async (): Promise<{ residentKb: number, heapKb: number }> => {
      for (let from = 0; from < ROOMS_LEFT * scale; from += 100) {
        const clients = await openAll(peer, server.port, Array.from({ length: 100 }, () => roomName(peer)))
        let heard = 0
        for (const client of clients) {
          client.onFrame = frame => { if (frame.includes(markOf(0))) heard++ }
          client.send(syncFrame(peer, client.room, 'update', new Writer(peer).say([0], TEXT_BYTES)))
        }
        // The writer hears of its own message from some peers only.
        await until('the messages are there', () => heard >= clients.length, 2000).catch(() => {})
        closeAll(clients)
      }
      await sleep(GRACE_MS * scale)
      return server.collected()
    }
    const left = await openAndLeave()
    const again = await openAndLeave()
    await server.stop()
    return { ...grown(base, left), 'grown by MB more the second time': (again.residentKb - left.residentKb) / 1024 }
  },
}

export const hour: Workload = {
  title: 'an hour of streaming, compressed',
  about: `${TOKENS.toLocaleString('en')} tokens appended one by one in ${ANSWERS} rooms, one after the other, each with a reader; memory before, and ` +
    `${GRACE_MS / 1000} s after, after garbage collection. Skein's conversations let the built-in agent stream as many.`,
  takes: withDocuments,
  async run({ peer, start, scale }) {
    const server = await start()
    await warmUp(peer, server)
    const base = await server.collected()
    for (let answer = 0; answer < Math.ceil(ANSWERS * scale); answer++) {
      if (peer.conversations) await letAgentStream(peer, server, TOKENS / ANSWERS)
      else await appendTokens(peer, server, TOKENS / ANSWERS)
    }
    await sleep(GRACE_MS * scale)
    const left = await server.collected()
    await server.stop()
    return grown(base, left)
  },
}

const appendTokens = async (peer: Peer, server: MeasuredServer, tokens: number): Promise<void> => {
  const name = roomName(peer)
  const author = new Writer(peer)
  const frames = Array.from({ length: tokens }, () => syncFrame(peer, name, 'update', author.append('word ')))
  frames.push(syncFrame(peer, name, 'update', author.append(markOf(0))))
  const [writer, reader] = await openAll(peer, server.port, [name, name]) as [Client, Client]
  const journey = new Journey(1, 0)
  reader.onFrame = frame => journey.heard(frame)
  let next = 0
  await pace(TOKENS_PER_SECOND, frames.length / TOKENS_PER_SECOND, count => {
    for (let i = 0; i < count; i++, next++) writer.send(frames[next]!)
  })
  await until('the last token has arrived', () => journey.arrived === 1)
  closeAll([writer, reader])
}

/** A sealed reply carries its status in lib0's encoding of JSON: key, type 119 (a string), length, value. */
const COMPLETE = Buffer.from('status\x77\x08complete', 'latin1')

const letAgentStream = async (peer: Peer, server: MeasuredServer, tokens: number): Promise<void> => {
  const name = roomName(peer)
  const [reader, writer] = await openAll(peer, server.port, [name, name]) as [Client, Client]
  let done = false
  let asked = false
  reader.onFrame = frame => {
    if (asked && frame.includes(COMPLETE) && !frame.includes('/long')) done = true
  }
  asked = true
  writer.send(syncFrame(peer, name, 'update', new Writer(peer).ask(`/long ${tokens}`)))
  await until('the reply is sealed', () => done, 120_000)
  closeAll([writer, reader])
}

const grown = (base: { residentKb: number, heapKb: number }, left: { residentKb: number, heapKb: number }): Record<string, number> => ({
  'MB before': base.residentKb / 1024,
  'MB after': left.residentKb / 1024,
  'grown by MB': (left.residentKb - base.residentKb) / 1024,
  'heap MB before': base.heapKb / 1024,
  'heap MB after': left.heapKb / 1024,
  'heap grown by MB': (left.heapKb - base.heapKb) / 1024,
})
