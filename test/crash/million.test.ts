/**
 * Very many updates in many documents, while the server is killed at random moments. After every restart, before any device may bring back
 * what it holds, a fresh reader fetches each document: all that was acknowledged and all that any other device had seen must be in it.
 */
import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import type * as Y from 'yjs'
import { openRoots } from '../../shared/conversation/document.ts'
import { proposeSend, putRequest } from '../../shared/conversation/write.ts'
import { newConversationId, newRequestId } from '../rig/conversation.ts'
import { LightDevice } from '../rig/light-device.ts'
import { runSeed, seededRandom, times, withReplay } from '../rig/seed.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const UPDATES = times(1_000_000, 8_000)
const KILLS = times(100, 4)
/** After so many updates of each device a document is complete and another takes its place, so that documents stay of bounded size. */
const UPDATES_PER_DEVICE = times(2_000, 400)
const DEVICES = 2
const [ARTIFACTS, CONVERSATIONS] = [9, 3]
/** Updates of one device that wait for their acknowledgement. */
const IN_FLIGHT = 64
/** Every update reaches each of its document's devices and is acknowledged to one. */
const FRAMES_PER_UPDATE = DEVICES + 1

interface Kind {
  newName(): string
  /** Makes one update. @returns the key that {@link read} will show for it */
  write(doc: Y.Doc, device: number, count: number): string
  /** What a person would see: keys, each with what must not change about it. */
  read(doc: Y.Doc): Map<string, string>
}

const artifact: Kind = {
  newName: () => `artifact/${newConversationId()}`,
  write(doc, device, count) {
    const key = `${device}:${count}`
    doc.getArray<string>('entries').push([key])
    return key
  },
  read: doc => distinct(doc.getArray<string>('entries').map(key => [key, key])),
}

const conversation: Kind = {
  newName: () => `conversation/${newConversationId()}`,
  write(doc, device, count) {
    const { messages } = openRoots(doc)
    const parentId = messages.length > 0 ? messages.get(messages.length - 1).id : null
    const id = newRequestId()
    putRequest(doc, id, proposeSend({ parts: [{ type: 'text', text: `${device}:${count}` }], parentId, to: [] }, Date.now()))
    return id
  },
  // A message keeps its place for ever.
  read: doc => distinct(openRoots(doc).messages.map((message, place) => [message.id, `${place} ${JSON.stringify(message)}`])),
}

const distinct = (entries: [string, string][]): Map<string, string> => {
  const map = new Map(entries)
  if (map.size !== entries.length) throw new Error(`${entries.length - map.size} updates stand twice in the document`)
  return map
}

/** A document in work, with its devices and the keys that each has written. */
interface Shared {
  kind: Kind
  name: string
  devices: { device: LightDevice, keys: string[] }[]
}

/** A complete document: all its devices saw the same, which is kept as a digest. */
interface Complete {
  kind: Kind
  name: string
  digest: string
}

const digestOf = (content: Map<string, string>): string => createHash('sha256').update([...content.values()].join('\n')).digest('hex')

const TITLE = `${UPDATES} acknowledged updates under ${KILLS} kill -9: nothing acknowledged is missing, nothing seen is lost`

it(TITLE, { timeout: times(3_600_000, 120_000) }, async () => {
  const seed = runSeed()
  await withReplay(seed, 'test/crash/million.test.ts', async () => {
    const random = seededRandom(seed)
    const folder = await temporaryFolder()
    const started = performance.now()
    const problems: string[] = []
    const complete: Complete[] = []
    const active = new Set<Shared>()
    const totals = { acknowledged: 0, seen: 0, inFlightAtKill: 0, missing: 0, seenThenLost: 0 }
    let server = await startServer(folder.path)
    let ending = false
    /** Frames until the next kill, and the end of the server that it brings. */
    const next: { left: number, killed: Promise<unknown> | null } = { left: Infinity, killed: null }

    const open = (kind: Kind): void => {
      const name = kind.newName()
      const shared: Shared = { kind, name, devices: [] }
      for (let index = 0; index < DEVICES; index++) {
        const keys: string[] = []
        const device = new LightDevice(name, {
          onFrame: () => {
            if (--next.left === 0) next.killed = server.stop('SIGKILL')
            while (!ending && device.ready && device.made - device.acknowledged < IN_FLIGHT && keys.length < UPDATES_PER_DEVICE) {
              keys.push(kind.write(device.doc, index, keys.length))
            }
            if (device.acknowledged === keys.length && isComplete(shared)) finish(shared)
          },
          onProblem: problem => problems.push(problem),
        })
        shared.devices.push({ device, keys })
        device.connect(server.syncUrl)
      }
      active.add(shared)
    }

    const isComplete = ({ kind, devices }: Shared): boolean => {
      if (devices.some(({ device, keys }) => device.acknowledged < (ending ? keys.length : UPDATES_PER_DEVICE))) return false
      const written = devices.reduce((sum, { keys }) => sum + keys.length, 0)
      return devices.every(({ device }) => kind.read(device.doc).size === written)
    }

    const finish = (shared: Shared): void => {
      if (!active.delete(shared)) return
      const digests = shared.devices.map(({ device }) => digestOf(shared.kind.read(device.doc)))
      if (new Set(digests).size > 1) problems.push(`${shared.name}: its devices hold different things`)
      for (const { device, keys } of shared.devices) {
        totals.acknowledged += keys.length
        totals.seen += keys.length * (DEVICES - 1)
        device.leave()
        device.doc.destroy()
      }
      complete.push({ kind: shared.kind, name: shared.name, digest: digests[0]! })
      if (!ending) open(shared.kind)
    }

    const reload = async (kind: Kind, name: string): Promise<Map<string, string>> => {
      const reader = new LightDevice(name, { onFrame: () => {}, onProblem: problem => problems.push(problem) })
      reader.connect(server.syncUrl)
      await until(`${name} is fetched`, () => reader.synced || problems.length > 0, 60_000)
      const content = kind.read(reader.doc)
      reader.leave()
      reader.doc.destroy()
      return content
    }

    const audit = async ({ kind, name, devices }: Shared): Promise<void> => {
      const there = await reload(kind, name)
      for (const { device, keys } of devices) {
        const [saved, unsaved] = [keys.slice(0, device.acknowledged), new Set(keys.slice(device.acknowledged))]
        totals.missing += saved.filter(key => !there.has(key)).length
        totals.inFlightAtKill += unsaved.size
        for (const [key, value] of kind.read(device.doc)) {
          if (!unsaved.has(key) && there.get(key) !== value) totals.seenThenLost++
        }
      }
    }

    const expectNothingLost = (after: string): void => {
      const { missing, seenThenLost } = totals
      expect({ missing, seenThenLost, problems }, after).toEqual({ missing: 0, seenThenLost: 0, problems: [] })
    }

    const devicesAtWork = (): LightDevice[] => [...active].flatMap(({ devices }) => devices.map(({ device }) => device))
    const acknowledged = (): number => devicesAtWork().reduce((sum, device) => sum + device.acknowledged, totals.acknowledged)
    const settled = (what: string, condition: () => boolean): Promise<boolean> =>
      until(what, () => problems.length > 0 || condition(), times(600_000, 60_000))

    try {
      for (let i = 0; i < ARTIFACTS; i++) open(artifact)
      for (let i = 0; i < CONVERSATIONS; i++) open(conversation)

      for (let kill = 1; kill <= KILLS; kill++) {
        Object.assign(next, { left: 1 + Math.floor(random() * 2 * FRAMES_PER_UPDATE * UPDATES / KILLS), killed: null })
        await settled('the moment to kill has come', () => next.killed !== null)
        await next.killed
        await settled('all devices have read what was sent to them', () => devicesAtWork().every(({ closed }) => closed))
        expectNothingLost(`before kill ${kill}`)
        server = await startServer(folder.path)
        await Promise.all([...active].map(audit))
        expectNothingLost(`after kill ${kill}`)
        for (const device of devicesAtWork()) device.connect(server.syncUrl)
      }

      await settled('enough is acknowledged', () => acknowledged() >= UPDATES)
      ending = true
      // Those that were complete but for this already have nobody to wake them.
      for (const shared of [...active]) if (isComplete(shared)) finish(shared)
      await settled('every device holds everything', () => active.size === 0)
      expectNothingLost('at the end')
      await server.stop('SIGKILL')
      server = await startServer(folder.path)
      for (const { kind, name, digest } of complete) {
        if (digestOf(await reload(kind, name)) !== digest) problems.push(`${name} is not as it was seen`)
      }
      expectNothingLost('after the last restart')

      const seconds = (performance.now() - started) / 1000
      expect(totals.acknowledged).toBeGreaterThanOrEqual(UPDATES)
      console.log(`${totals.acknowledged} updates acknowledged (${Math.round(totals.acknowledged / seconds)} a second), ${totals.seen} seen by another device, ` +
        `${complete.length} documents, ${KILLS} kills with ${totals.inFlightAtKill} updates in flight, ${Math.round(seconds)} s: ` +
        `${totals.missing} missing, ${totals.seenThenLost} seen, then lost (seed ${seed})`)
    } finally {
      for (const device of devicesAtWork()) device.leave()
      await server.stop('SIGKILL')
      await folder.remove()
    }
  })
})
