/** A server that is asked to stop: what it has is on disk and said to be, everybody is told when to come back, and it ends in time. */
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { readDrafts, readMessages, textOf } from '../../shared/conversation/read.ts'
import { messageIdOf } from '../../shared/ids.ts'
import { newConversationId, say } from '../rig/conversation.ts'
import { Peer } from '../rig/peer.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const NAME = 'artifact/drained'
const running: ServerProcess[] = []
const folders: { remove: () => Promise<void> }[] = []
const peers: Peer[] = []

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close()
  await Promise.all(running.splice(0).map(server => server.stop('SIGKILL')))
  await Promise.all(folders.splice(0).map(({ remove }) => remove()))
})

const start = async (data?: string): Promise<{ server: ServerProcess, data: string }> => {
  let path = data
  if (path === undefined) {
    const folder = await temporaryFolder()
    folders.push(folder)
    path = folder.path
  }
  const server = await startServer(path)
  running.push(server)
  return { server, data: path }
}

const join = async (server: ServerProcess, name = NAME, skein = true): Promise<Peer> => {
  const peer = await Peer.join(server.syncUrl, name, { skein })
  peers.push(peer)
  return peer
}

describe('a server that is asked to stop', () => {
  it('tells everybody when to come back, then closes with "try again later"', async () => {
    const { server } = await start()
    const [ours, stock] = [await join(server), await join(server, NAME, false)]
    expect(await server.stop()).toBe(0)
    expect((await ours.closed()).code).toBe(1012)
    expect((await stock.closed()).code).toBe(1012)
    expect(ours.controls.at(-1)).toMatchObject({ kind: 'draining' })
    expect(stock.controls).toEqual([])
  })

  it('has on disk all that it said was saved, in the middle of a burst', async () => {
    const { server, data } = await start()
    const writer = await join(server)
    const written: Uint8Array[] = []
    writer.doc.on('update', (update: Uint8Array) => written.push(update))
    for (let n = 0; n < 200; n++) writer.doc.getText('body').insert(n, 'x')
    await until('some of it has arrived', () => writer.saved > 1)
    expect(await server.stop()).toBe(0)
    await writer.closed()
    const promised = new Y.Doc()
    // The first counted frame is the step 2.
    for (const update of written.slice(0, writer.saved - 1)) Y.applyUpdate(promised, update)
    const { server: next } = await start(data)
    const reader = await join(next)
    expect(reader.doc.getText('body').length).toBeGreaterThanOrEqual(promised.getText('body').length)
    expect(promised.getText('body').length).toBe(writer.saved - 1)
  })

  it('leaves a reply in the middle, and the next start goes on with it from what was seen', async () => {
    const { server, data } = await start()
    const name = `conversation/${newConversationId()}`
    const reader = await join(server, name)
    const seen = (): string => readDrafts(reader.doc).map(({ parts }) => textOf(parts)).join('')
    const asked = say(reader.doc, '/long 1000')
    await until('some of it is seen', () => seen().length > 200)
    expect(await server.stop()).toBe(0)
    expect(readMessages(reader.doc)).toHaveLength(1)
    const before = seen()
    const { server: next } = await start(data)
    const again = await join(next, name)
    const reply = await until('it is sealed', () => readMessages(again.doc).find(({ metadata }) => metadata.parentId === messageIdOf(asked) && metadata.agentId))
    expect(reply.metadata.status).toBe('complete')
    expect(textOf(reply.parts).startsWith(before)).toBe(true)
    expect(readMessages(again.doc)).toHaveLength(2)
  })

  it('lets nobody in any more', async () => {
    const { server } = await start()
    await join(server)
    const stopping = server.stop()
    await until('it does not accept', async () => Peer.open(server.syncUrl, NAME).then(peer => {
      peers.push(peer)
      return peer.closed().then(({ code }) => code === 1012)
    }, () => true))
    expect(await stopping).toBe(0)
  })

  it('ends although somebody answers nothing and reads nothing', async () => {
    const { server } = await start()
    const deaf = await join(server, `conversation/${newConversationId()}`)
    deaf.socket.pause()
    const silent = connect(server.port, '127.0.0.1')
    silent.on('error', () => {})
    await new Promise(resolve => silent.once('connect', resolve))
    silent.write('GET / HTTP/1.1\r\n')
    expect(await server.stop()).toBe(0)
    silent.destroy()
  })
})
