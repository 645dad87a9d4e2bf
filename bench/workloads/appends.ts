/** A long answer, token by token: what an append costs, and what is left of it on disk. */
import { Client, openAll, syncFrame } from '../load/client.ts'
import { Journey, Writer, markOf, roomName } from '../load/messages.ts'
import { folderBytes } from '../measure/folder.ts'
import { pace, sleep, until } from '../measure/wait.ts'
import { withStore } from './workload.ts'
import type { Workload } from './workload.ts'

const TOKENS = 20_000
const PER_SECOND = 1000
const TOKEN = 'word '

export const appends: Workload = {
  title: `${TOKENS.toLocaleString('en')} appends of one token`,
  about: 'One client appends to one text, another reads along; then the server is restarted and the text opened. Disk is the data folder after that.',
  takes: peer => withStore(peer) && !peer.conversations,
  async run({ peer, start, scale, folder }) {
    const tokens = Math.ceil(TOKENS * scale)
    const name = roomName(peer)
    const author = new Writer(peer)
    const frames = Array.from({ length: tokens }, () => syncFrame(peer, name, 'update', author.append(TOKEN)))
    const end = syncFrame(peer, name, 'update', author.append(markOf(0)))
    let server = await start()
    const [writer, reader] = await openAll(peer, server.port, [name, name]) as [Client, Client]
    const journey = new Journey(1, 0)
    reader.onFrame = frame => journey.heard(frame)
    const before = server.cpuSeconds()
    let next = 0
    await pace(PER_SECOND, tokens / PER_SECOND, count => {
      for (let i = 0; i < count; i++, next++) writer.send(frames[next]!)
    })
    writer.send(end)
    await until('the last token has arrived', () => journey.arrived === 1)
    const cpu = server.cpuSeconds() - before
    writer.close()
    reader.close()
    await sleep(5000)
    await server.stop()

    server = await start()
    await sleep(500)
    const [opening, from] = [server.cpuSeconds(), performance.now()]
    let at = 0
    const late = new Client(peer, server.port, name)
    late.onFrame = frame => {
      if (frame.includes(markOf(0))) at = performance.now()
    }
    await until('the text is there', () => at > 0)
    const opened = server.cpuSeconds() - opening
    late.close()
    await sleep(5000)
    await server.stop()
    const text = tokens * TOKEN.length
    return {
      'CPU µs/append': cpu * 1e6 / tokens,
      'ms to open': at - from,
      'CPU ms to open': opened * 1000,
      'disk kB': folderBytes(folder) / 1000,
      'disk : text': folderBytes(folder) / text,
    }
  },
}
