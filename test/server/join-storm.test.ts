/** Many who join a large document at the same moment, beside people who talk in another room. */
import { readFile } from 'node:fs/promises'
import WebSocket from 'ws'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { limits } from '../../shared/limits.ts'
import { encodeFrame } from '../../shared/wire/codec.ts'
import { Peer } from '../rig/peer.ts'
import { times } from '../rig/seed.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const LARGE = 'artifact/large'
const JOINS = times(1000, 120)
const VALUES = 4000
const PER_UPDATE = 100
/** How many of those who come back hold what they are sent against the document. */
const LOOKED_AT = 5

const residentMb = async (pid: number): Promise<number> =>
  Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]) / 1024

/** Keeps nothing of what it is sent, only counts. */
class Joiner {
  readonly #socket: WebSocket
  bytes = 0
  isSynced = false
  closedBy: number | null = null

  constructor(url: string) {
    this.#socket = new WebSocket(url)
    this.#socket.on('message', (data: Buffer) => {
      this.bytes += data.length
      if (data[0] === 0 && data[1] === 1) this.isSynced = true
    })
    this.#socket.on('close', code => { this.closedBy = code })
    this.#socket.on('error', () => {})
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  join(stateVector: Uint8Array): void {
    this.#socket.send(encodeFrame({ type: 'sync-step-1', stateVector }))
  }

  close(): void {
    this.#socket.terminate()
  }
}

it(`${JOINS} joins, with nothing or with each another part of it: all get what they lack, and others talk meanwhile`, { timeout: 300_000 }, async () => {
  const folder = await temporaryFolder()
  const server = await startServer(folder.path, { SKEIN_AUTH: 'none' })
  const author = await Peer.join(server.syncUrl, LARGE)
  const ends: Y.Doc[] = []
  for (let n = 0; n < VALUES; n += PER_UPDATE) {
    author.doc.getArray('list').push(Array.from({ length: PER_UPDATE }, (_, i) => `${n + i} `.padEnd(1000, 'x')))
    if (ends.length < LOOKED_AT && n % 500 === 0) {
      const end = new Y.Doc()
      Y.applyUpdate(end, Y.encodeStateAsUpdate(author.doc))
      ends.push(end)
    }
  }
  await author.allSaved()
  const whole = [...Y.decodeStateVector(Y.encodeStateVector(author.doc))]
  const [says, hears] = [await Peer.join(server.syncUrl, 'artifact/talk'), await Peer.join(server.syncUrl, 'artifact/talk')]

  const joiners = Array.from({ length: JOINS }, () => new Joiner(`${server.syncUrl}/${LARGE}`))
  await until('all are connected', () => joiners.every(({ isOpen }) => isOpen))
  const before = await residentMb(server.pid)
  const from = performance.now()
  for (const [n, joiner] of joiners.entries()) {
    joiner.join(Y.encodeStateVector(new Map(n % 2 === 0 ? [] : whole.map(([client, clock]) => [client, Math.ceil(clock * n / JOINS)]))))
  }
  const back = ends.map(doc => Peer.join(server.syncUrl, LARGE, { doc }))
  const waited: number[] = []
  let [most, said] = [before, 0]
  while (!joiners.every(({ isSynced }) => isSynced)) {
    const at = performance.now()
    says.doc.getArray('talk').push([++said])
    await until('it is heard', () => hears.doc.getArray('talk').length === said)
    waited.push(performance.now() - at)
    most = Math.max(most, await residentMb(server.pid))
    expect(joiners.filter(({ closedBy }) => closedBy !== null), 'nobody is turned away').toEqual([])
  }
  const took = performance.now() - from
  for (const peer of await Promise.all(back)) {
    await until('who came back has it all', () => peer.doc.getArray('list').length === VALUES)
    expect(peer.doc.getArray('list').toJSON()).toEqual(author.doc.getArray('list').toJSON())
    peer.close()
  }
  const bytes = Y.encodeStateAsUpdate(author.doc).length
  for (const [n, joiner] of joiners.entries()) {
    expect(joiner.bytes).toBeGreaterThan(n % 2 === 0 ? bytes : bytes * (1 - (n + 1) / JOINS) - limits.updateBytes / 100)
    expect(joiner.bytes).toBeLessThan((n % 2 === 0 ? bytes : bytes * (1 - n / JOINS)) + 300_000)
    joiner.close()
  }
  waited.sort((a, b) => a - b)
  console.log(`${JOINS} joins of ${(bytes / 1e6).toFixed(1)} MB took ${(took / 1000).toFixed(1)} s; others waited ${waited[waited.length >> 1]!.toFixed(0)} ms ` +
    `(the longest of ${said}: ${waited.at(-1)!.toFixed(0)}); memory +${(most - before).toFixed(0)} MB`)
  for (const peer of [author, says, hears]) peer.close()
  await server.stop()
  await folder.remove()
})
