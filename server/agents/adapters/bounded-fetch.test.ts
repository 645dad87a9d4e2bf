/** What the server of a model may do to us, over real HTTP. */
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { SkeinError } from '../../../shared/errors.ts'
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
    const url = await serve(async (_, response) => {
      // Each write ends between the two halves of what ends an event.
      const event = `data: ${'x'.repeat(64 * 1024)}`
      const half = end.length / 2
      for (let n = 0; n < 2 * fetchLimits.event / event.length; n++) await send(response, `${n === 0 ? '' : end.slice(half)}${event}${end.slice(0, half)}`)
      response.end(end.slice(half))
    })
    expect((await (await post(url)).bytes()).length).toBeGreaterThan(1.9 * fetchLimits.event)
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
