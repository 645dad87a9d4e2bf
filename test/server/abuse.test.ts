/** Clients that mean no good, against the real server process: honest people go on, and its memory stays within bounds. */
import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { encodeFrame } from '../../shared/wire/codec.ts'
import { newConversationId } from '../rig/conversation.ts'
import { Peer } from '../rig/peer.ts'
import { clientFrame, openRaw, openRawWebSocket } from '../rig/raw-socket.ts'
import type { RawSocket } from '../rig/raw-socket.ts'
import { times } from '../rig/seed.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const NAME = 'artifact/attacked'
const MEGABYTE = 1024 * 1024
const ATTACKERS = times(1000, 100)

let server: ServerProcess
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let ada: Peer
let bob: Peer
const attackers: RawSocket[] = []

beforeEach(async () => {
  folder = await temporaryFolder()
  server = await startServer(folder.path, { SKEIN_MAX_UPDATES_PER_SECOND: '200' })
  ada = await Peer.join(server.syncUrl, NAME)
  bob = await Peer.join(server.syncUrl, NAME)
})

afterEach(async () => {
  for (const { socket } of attackers.splice(0)) socket.destroy()
  for (const peer of [ada, bob]) peer.close()
  await server.stop()
  await folder.remove()
})

/** Bytes that the server's process occupies. */
const memory = async (): Promise<number> => {
  const status = await readFile(`/proc/${server.pid}/status`, 'latin1')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024
}

/** Both write, both see it, both are told that it is saved. */
const honestPeopleGoOn = async (): Promise<void> => {
  const [a, b] = [newConversationId(), newConversationId()]
  ada.doc.getMap('words').set(a, true)
  bob.doc.getMap('words').set(b, true)
  await until('both see both', () => [ada, bob].every(({ doc }) => doc.getMap('words').has(a) && doc.getMap('words').has(b)))
  await Promise.all([ada.allSaved(), bob.allSaved()])
}

const attack = async (count: number, open: (port: number) => Promise<RawSocket>): Promise<void> => {
  for (let i = 0; i < count; i += 50) {
    attackers.push(...await Promise.all(Array.from({ length: Math.min(50, count - i) }, () => open(server.port))))
  }
}

const step1 = clientFrame(encodeFrame({ type: 'sync-step-1', stateVector: Y.encodeStateVector(new Y.Doc()) }))

describe(`${ATTACKERS} sockets`, () => {
  it('that join and never read cost the server little, and the people in the room nothing', async () => {
    const before = await memory()
    await attack(ATTACKERS, async port => {
      const raw = await openRawWebSocket(port, NAME)
      raw.socket.pause()
      raw.socket.write(step1)
      return raw
    })
    const rounds = times(600, 300)
    for (let n = 0; n < rounds; n++) {
      ada.doc.getMap('state').set('value', `${n} ${'x'.repeat(24 * 1024)}`)
      if (n % 20 === 0) await ada.allSaved()
    }
    await until('the honest reader has it all', () => String(bob.doc.getMap('state').get('value')).startsWith(`${rounds - 1} `))
    await honestPeopleGoOn()
    expect(await memory() - before).toBeLessThan(200 * MEGABYTE)
  }, 120_000)

  it('that never finish their upgrade keep nobody out', async () => {
    await attack(ATTACKERS, async port => {
      const raw = await openRaw(port)
      raw.socket.write(`GET /sync/${NAME} HTTP/1.1\r\nHost: 127`)
      return raw
    })
    await honestPeopleGoOn()
    const newcomer = await Peer.join(server.syncUrl, NAME)
    expect(newcomer.doc.getMap('words').size).toBe(2)
    newcomer.close()
  })

  it('that are opened and cut at once leave nothing behind', async () => {
    await attack(ATTACKERS, async port => {
      const raw = await openRawWebSocket(port, `artifact/${newConversationId()}`)
      raw.socket.write(step1)
      raw.socket.resetAndDestroy()
      return raw
    })
    await honestPeopleGoOn()
  })
})

describe('a flood', () => {
  const flood = (raw: RawSocket, frame: (n: number) => Uint8Array, count: number): void => {
    for (let n = 0; n < count; n++) raw.socket.write(clientFrame(frame(n)))
  }

  it('of updates is read at the pace of the limit, and takes nothing from others', async () => {
    const before = await memory()
    await attack(5, port => openRawWebSocket(port, NAME))
    for (const raw of attackers) {
      raw.socket.write(step1)
      const doc = new Y.Doc()
      let update: Uint8Array | null = null
      doc.on('update', (made: Uint8Array) => { update = made })
      flood(raw, n => {
        doc.getText('flood').insert(0, `${n} ${'x'.repeat(500)}`)
        return encodeFrame({ type: 'update', update: update! })
      }, 3000)
    }
    await honestPeopleGoOn()
    expect(await memory() - before).toBeLessThan(200 * MEGABYTE)
  }, 120_000)

  it('of presence is bounded, and takes nothing from others', async () => {
    const before = await memory()
    await attack(5, port => openRawWebSocket(port, NAME))
    const update = new Uint8Array([1, 1, 1, 2, 0x7b, 0x7d])
    for (const raw of attackers) flood(raw, () => encodeFrame({ type: 'awareness', update }), 20_000)
    await honestPeopleGoOn()
    expect(await memory() - before).toBeLessThan(200 * MEGABYTE)
  }, 120_000)

  it('of questions for the whole document, by somebody who reads no answer, is not answered for ever', async () => {
    ada.doc.getText('body').insert(0, 'x'.repeat(MEGABYTE))
    await ada.allSaved()
    const before = await memory()
    await attack(5, port => openRawWebSocket(port, NAME))
    for (const raw of attackers) {
      raw.socket.pause()
      for (let n = 0; n < 500; n++) raw.socket.write(step1)
    }
    await honestPeopleGoOn()
    expect(await memory() - before).toBeLessThan(200 * MEGABYTE)
  }, 120_000)
})
