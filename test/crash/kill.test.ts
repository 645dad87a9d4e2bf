/** A server killed again and again while people write and agents answer: nothing that anybody was told is missing afterwards. */
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { readDrafts, readMessages, readRuns, textOf } from '../../shared/conversation/read.ts'
import type { RequestId } from '../../shared/ids.ts'
import { newConversationId, say } from '../rig/conversation.ts'
import { Peer } from '../rig/peer.ts'
import { runSeed, seededRandom, times, withReplay } from '../rig/seed.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const KILLS = times(20, 5)
const WRITERS = 4

/** A device: its document outlives connections, as IndexedDB would keep it, and it remembers what the server acknowledged. */
interface Device {
  doc: Y.Doc
  peer: Peer
  sent: { id: RequestId, frame: number }[]
  acknowledged: Set<RequestId>
  /** Asked the agent. */
  asked: Set<string>
}

/** What any screen has ever shown. */
class Witness {
  readonly messages = new Map<string, string>()
  readonly drafts = new Map<string, string>()

  watch(doc: Y.Doc): void {
    doc.on('afterTransaction', () => {
      for (const message of readMessages(doc)) this.messages.set(message.id, JSON.stringify(message))
      for (const { head, parts } of readDrafts(doc)) if (head.kind === 'agent') this.drafts.set(head.replyId, textOf(parts))
    })
  }
}

it(`loses nothing seen and nothing acknowledged under ${KILLS} kill -9, and every message gets one reply`, { timeout: 600_000 }, async () => {
  const seed = runSeed()
  await withReplay(seed, 'test/crash/kill.test.ts', async () => {
    const random = seededRandom(seed)
    const folder = await temporaryFolder()
    const name = `conversation/${newConversationId()}`
    const witness = new Witness()
    const devices: Device[] = []
    let server: ServerProcess = await startServer(folder.path, { SKEIN_OFFLINE_PACE: '3' })
    let spoken = 0

    const connect = async (device: Device): Promise<void> => {
      device.peer = await Peer.join(server.syncUrl, name, { doc: device.doc })
    }
    const speak = (device: Device): void => {
      const toAgent = random() < 0.25
      const id = say(device.doc, toAgent ? `/long ${20 + Math.floor(random() * 60)}` : `message ${++spoken}`, toAgent ? {} : { to: [] })
      device.sent.push({ id, frame: device.peer.sent })
      if (toAgent) device.asked.add(id)
    }
    const note = (device: Device): void => {
      for (const { id, frame } of device.sent) if (device.peer.saved >= frame) device.acknowledged.add(id)
      device.sent = device.sent.filter(({ id }) => !device.acknowledged.has(id))
    }

    for (let i = 0; i < WRITERS; i++) {
      const doc = new Y.Doc()
      witness.watch(doc)
      const peer = await Peer.join(server.syncUrl, name, { doc })
      devices.push({ doc, peer, sent: [], acknowledged: new Set(), asked: new Set() })
    }

    for (let round = 0; round < KILLS; round++) {
      // A moment in the traffic, counted in what happened, not in milliseconds.
      const moment = 10 + Math.floor(random() * 60)
      let turns = 0
      await until('the moment to kill has come', () => {
        for (const device of devices) {
          note(device)
          if (device.sent.length < 3 && random() < 0.7) speak(device)
        }
        return ++turns >= moment
      })
      await server.stop('SIGKILL')
      for (const device of devices) {
        await device.peer.closed()
        note(device)
        device.sent = []
        device.peer.close()
      }

      server = await startServer(folder.path, { SKEIN_OFFLINE_PACE: '3' })
      const fresh = await Peer.join(server.syncUrl, name)
      const there = new Map(readMessages(fresh.doc).map(message => [message.id as string, JSON.stringify(message)]))
      for (const { acknowledged } of devices) for (const id of acknowledged) expect(there.has(id), `acknowledged ${id} is missing`).toBe(true)
      for (const [id, json] of witness.messages) expect(there.get(id), `seen ${id} is missing or changed`).toBe(json)
      expectSeenTextKept(fresh.doc, witness)
      fresh.close()
      for (const device of devices) await connect(device)
    }

    // Everything asked is answered, once; everything ever sent has arrived, once.
    const asked = devices.flatMap(device => [...device.asked])
    const end = devices[0]!.doc
    await until('all runs have ended and all messages are sealed', () =>
      asked.every(id => readMessages(end).some(({ role, metadata }) => role === 'assistant' && metadata.parentId === id)) &&
      readRuns(end).every(({ state }) => state === 'completed' || state === 'error') &&
      devices.every(({ doc }) => doc.getMap('requests').size === 0), 120_000)
    for (const id of asked) {
      const replies = readMessages(end).filter(({ role, metadata }) => role === 'assistant' && metadata.parentId === id)
      expect(replies.map(({ metadata }) => metadata.status), `replies to ${id}`).toEqual(['complete'])
    }
    const ids = readMessages(end).map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expectSeenTextKept(end, witness)
    await until('every device holds the same', () => devices.every(({ doc }) => JSON.stringify(readMessages(doc)) === JSON.stringify(readMessages(end))))
    expect(ids.length).toBeGreaterThan(KILLS * 10)
    console.log(`${KILLS} kills, ${ids.length} messages, ${asked.length} agent replies, ${devices.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)} acknowledged before a kill, 0 missing (seed ${seed})`)

    for (const { peer } of devices) peer.close()
    await server.stop()
    await folder.remove()
  })
})

/** A reply that was on a screen is now sealed or still a draft, and begins with what was on the screen. */
const expectSeenTextKept = (doc: Y.Doc, witness: Witness): void => {
  const drafts = new Map(readDrafts(doc).flatMap(({ head, parts }) => head.kind === 'agent' ? [[head.replyId as string, textOf(parts)]] : []))
  for (const [replyId, seen] of witness.drafts) {
    const sealed = readMessages(doc).find(({ id }) => id === replyId)
    const now = sealed ? textOf(sealed.parts) : drafts.get(replyId)
    expect(now?.startsWith(seen), `text of reply ${replyId} that was seen is gone`).toBe(true)
  }
}
