/** Asking a server over real HTTP what became of a request. */
import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { ASK_TIMEOUT_MS, askServer } from './outcome.ts'
import { conversationName } from '../../shared/ids.ts'
import { newConversationId } from '../../test/rig/conversation.ts'
import { ManualTime } from '../../test/rig/manual-time.ts'

let server: Server
const time = new ManualTime()

afterEach(() => {
  server.closeAllConnections()
  server.close()
})

/** Asks a server that answers like this. */
const ask = async (answer: RequestListener) => {
  server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return askServer({ name: conversationName(newConversationId())!, url: `ws://127.0.0.1:${port}/sync` }, time.after)(newConversationId() as never)
}

it('says what the server noted', async () => {
  expect(await ask((_request, response) => response.end('{"requestId":"r","outcome":{"status":"accepted"},"at":1}'))).toEqual({ status: 'accepted' })
})

it('says nothing where the server knows nothing', async () => {
  expect(await ask((_request, response) => response.writeHead(404).end('{}'))).toBeNull()
})

it.each([401, 429, 500, 503])('is to be asked again after a %i', async status => {
  await expect(ask((_request, response) => response.writeHead(status).end())).rejects.toMatchObject({ code: 'unavailable' })
})

it('is to be asked again after an answer that is cut off', async () => {
  await expect(ask((_request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('{"out')
    response.socket!.end()
  })).rejects.toMatchObject({ code: 'unavailable' })
})

it('gives up on a server that never answers, so that it can be asked again', async () => {
  const asked = Promise.withResolvers<null>()
  const answer = ask(() => asked.resolve(null))
  const outcome = expect(answer).rejects.toMatchObject({ code: 'unavailable' })
  await asked.promise
  await time.advance(ASK_TIMEOUT_MS)
  await outcome
  expect(time.pending).toBe(0)
})
