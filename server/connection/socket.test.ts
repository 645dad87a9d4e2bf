/** Bytes that go past `ws` keep their order with what it writes itself, and who wants to receive nothing for a while receives nothing. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import WebSocket, { WebSocketServer } from 'ws'
import { until } from '../../test/rig/until.ts'
import { Outgoing } from '../room/outgoing.ts'
import { StreamSocket } from './socket.ts'

const frame = (text: string): Outgoing => new Outgoing(Buffer.from(text))

const http = createServer()
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
let client: WebSocket
let peer: WebSocket
let stream: Duplex
let socket: StreamSocket
let seen: string[]

beforeEach(async () => {
  seen = []
  http.removeAllListeners('upgrade')
  const accepted = new Promise<void>(resolve => http.on('upgrade', (request, raw, head) => sockets.handleUpgrade(request, raw, head, webSocket => {
    peer = webSocket
    stream = raw
    socket = new StreamSocket(webSocket, raw)
    resolve()
  })))
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`)
  client.on('message', (data, isBinary) => seen.push(isBinary ? String(data) : 'text'))
  client.on('ping', data => seen.push(`ping ${data.toString()}`))
  client.on('close', (code, reason) => seen.push(`close ${code} ${reason.toString()}`))
  await Promise.all([accepted, new Promise(resolve => client.once('open', resolve))])
})

afterEach(async () => {
  client.terminate()
  await new Promise(resolve => http.close(resolve))
})

describe('ready-made bytes beside the frames that ws makes itself', () => {
  it('keep their order with pings and the close frame, after which nothing is sent', async () => {
    socket.send([frame('one')])
    peer.ping('a')
    socket.send([frame('two'), new Outgoing(Buffer.from('three'), Buffer.from('four'))])
    peer.ping('b')
    socket.send([frame('five')])
    socket.close(4400, 'done')
    socket.send([frame('too late')])
    await until('it is closed', () => client.readyState === client.CLOSED)
    expect(seen).toEqual(['one', 'ping a', 'two', 'three', 'four', 'ping b', 'five', 'close 4400 done'])
    socket.send([frame('far too late')])
  })

  it('keep their order behind what the stream could not take yet', async () => {
    client.pause()
    const large = Buffer.alloc(1 << 20, 'x')
    do {
      socket.send([new Outgoing(large)])
      await new Promise(resolve => setImmediate(resolve))
    } while (socket.backlog() === 0)
    peer.ping('a')
    socket.send([frame('after')])
    socket.close(4400, 'done')
    expect(socket.backlog()).toBeGreaterThan(0)
    client.resume()
    await until('it is closed', () => client.readyState === client.CLOSED)
    expect(seen.slice(-3)).toEqual(['ping a', 'after', 'close 4400 done'])
    expect(seen.slice(0, -3).every(text => text.length === large.length)).toBe(true)
  })

  it('tell when nothing waits any more', async () => {
    let drained = 0
    socket.whenDrained(() => { drained++ })
    expect(drained).toBe(1)
    client.pause()
    const large = new Outgoing(Buffer.alloc(1 << 20))
    do {
      socket.send([large])
      await new Promise(resolve => setImmediate(resolve))
    } while (socket.backlog() === 0)
    socket.whenDrained(() => { drained++ })
    expect(drained).toBe(1)
    client.resume()
    await until('it is drained', () => drained === 2)
    expect([socket.backlog(), stream.writableLength]).toEqual([0, 0])
  })

  it('tell so too when it is little that waits', async () => {
    client.pause()
    const fill = new Outgoing(Buffer.alloc(4000))
    do socket.send([fill])
    while (socket.backlog() === 0)
    let drained = false
    socket.whenDrained(() => { drained = true })
    expect(stream.writableNeedDrain).toBe(false)
    client.resume()
    await until('it is drained', () => drained)
    expect(socket.backlog()).toBe(0)
  })
})

describe('who has paused it', () => {
  it('receives nothing until it goes on, nor of what has been read already, and hears of its end after the last of that', async () => {
    const received: string[] = []
    const sent = Array.from({ length: 1000 }, (_, n) => String(n))
    socket.whenClosed(() => received.push('closed'))
    socket.listen(bytes => {
      received.push(Buffer.from(bytes).toString())
      socket.pause()
      socket.resume()
      if (received.length % 10 === 0) socket.pause()
    })
    for (const each of sent) client.send(Buffer.from(each))
    client.close()
    for (let round = 1; round <= 100; round++) {
      await until('ten more have come', () => received.length >= 10 * round)
      expect(received.length).toBe(10 * round)
      socket.resume()
    }
    await until('it is closed', () => received.includes('closed'))
    expect(received).toEqual([...sent, 'closed'])
  })
})
