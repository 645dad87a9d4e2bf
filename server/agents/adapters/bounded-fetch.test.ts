/** What the server of a model may do to us, over real HTTP. */
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { SkeinError } from '../../../shared/errors.ts'
import { settle } from '../../../test/rig/manual-time.ts'
import { times } from '../../../test/rig/seed.ts'
import { boundedFetch, fetchLimits } from './bounded-fetch.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

const serve = async (answer: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<string> => {
  const server = createServer((request, response) => void answer(request, response))
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const send = (response: ServerResponse, bytes: string): Promise<boolean> =>
  new Promise(resolve => response.write(bytes, error => resolve(!error)))
const post = (url: string): Promise<Response> => boundedFetch(url, { method: 'POST', body: '{}', headers: { 'x-api-key': 'k' } })

describe('the server of a model', () => {
  it('sends nobody on to where it likes, with the key and what was said', async () => {
    let asked = 0
    const elsewhere = await serve((_, response) => {
      asked++
      response.end()
    })
    const url = await serve((_, response) => response.writeHead(307, { location: elsewhere }).end('over there'))
    const response = await post(url)
    expect([response.status, response.ok, await response.text()]).toEqual([307, false, 'over there'])
    expect(asked).toBe(0)
  })

  it.each(['\n\n', '\r\n\r\n', '\r\r'])('may send as many events as a reply takes, wherever they are cut (%j)', async end => {
    // Each piece ends between the two halves of what ends an event, and arrives by itself.
    const event = `data: ${'x'.repeat(64 * 1024)}`
    const half = end.length / 2
    const pieces = 2 * fetchLimits.event / event.length
    let sent = 0
    let arrived = Promise.withResolvers<void>()
    const url = await serve(async (_, response) => {
      for (let n = 0; n < pieces; n++) {
        const piece = `${n === 0 ? '' : end.slice(half)}${event}${end.slice(0, half)}`
        arrived = Promise.withResolvers()
        sent += piece.length
        await send(response, piece)
        await arrived.promise
      }
      response.end(end.slice(half))
    })
    let read = 0
    for await (const bytes of (await post(url)).body!) {
      read += bytes.length
      if (read === sent) arrived.resolve()
    }
    expect(read).toBeGreaterThan(1.9 * fetchLimits.event)
  })

  it.runIf(times(true, false))('may send no more than a reply takes, however short its events are', async () => {
    const events = 'data: x\n\n'.repeat(100_000)
    const url = await serve(async (_, response) => { while (await send(response, events)); })
    let read = 0
    const reading = async (): Promise<void> => { for await (const bytes of (await post(url)).body!) read += bytes.length }
    await expect(reading()).rejects.toThrow(SkeinError)
    expect(read).toBeGreaterThan(fetchLimits.reply - 1024 * 1024)
    expect(read).toBeLessThanOrEqual(fetchLimits.reply)
  })

  it('may send no event without an end', async () => {
    let sent = 0
    const url = await serve(async (_, response) => {
      while (await send(response, 'data: x\n'.repeat(8 * 1024))) sent += 64 * 1024
    })
    const response = await post(url)
    await expect(response.bytes()).rejects.toThrow(SkeinError)
    expect(sent).toBeLessThan(8 * fetchLimits.event)
  })

  it('is let go when nobody reads any further', async () => {
    const gone = Promise.withResolvers<void>()
    const url = await serve(async (_, response) => {
      response.on('close', gone.resolve)
      await send(response, 'data: x\n\n')
    })
    const reader = (await post(url)).body!.getReader()
    await reader.read()
    await reader.cancel()
    await gone.promise
  })

  it.each([
    ['keeps the connection open', async () => {}],
    ['goes on', async (response: ServerResponse) => { while (await send(response, ': still here\n\n'.repeat(1000))); }],
    ['cuts the connection', async (response: ServerResponse) => { response.destroy() }],
  ])('is not waited for when it has said that it is over and %s', async (_, then) => {
    const reply = 'data: {"text":"data: [DONE]"}\n\ndata: [DONE]\n\n'
    // However it is cut: in the middle of what says so, too.
    const url = await serve(async (_, response) => {
      for (const byte of reply) await send(response, byte)
      await then(response)
    })
    expect(await (await post(url)).text()).toMatch(/^data: \{"text":"data: \[DONE\]"\}\n\ndata: ?\[DONE\]/)
  })

  it('that ends right after it has said that it is over keeps its connection for the next one', async () => {
    const sockets = new Set<unknown>()
    const url = await serve(async (request, response) => {
      sockets.add(request.socket)
      await send(response, 'data: x\n\ndata: [DONE]\n\n')
      for (let turns = 0; turns < 500; turns++) await settle()
      response.end()
    })
    for (let n = 0; n < 5; n++) {
      await (await post(url)).text()
      await settle()
    }
    expect(sockets.size).toBeLessThan(5)
  })

  it('may say as much about an error as anybody reads', async () => {
    const gone = Promise.withResolvers<void>()
    const url = await serve(async (_, response) => {
      response.on('close', gone.resolve)
      response.writeHead(500)
      while (await send(response, 'x'.repeat(64 * 1024)));
    })
    expect((await (await post(url)).text()).length).toBe(fetchLimits.error)
    await gone.promise
  })
})
