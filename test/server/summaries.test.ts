/** A conversation that is longer than its model reads, on a real server that is killed: summarised once, over real HTTP. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readMessages, readSummaries } from '../../shared/conversation/read.ts'
import { newConversationId, say, textOfMessage } from '../rig/conversation.ts'
import { startModelServer } from '../rig/model-server.ts'
import type { Exchange, ModelServer } from '../rig/model-server.ts'
import { Peer } from '../rig/peer.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let model: ModelServer
let server: ServerProcess
const id = newConversationId()

const start = (): Promise<ServerProcess> => startServer(folder.path, { SKEIN_MODELS: join(folder.path, 'models.json') })
const joined = (): Promise<Peer> => Peer.join(server.syncUrl, `conversation/${id}`)
const systemOf = ({ body }: Exchange): string => String(body.messages.find(({ role }) => role === 'system')?.content ?? '')
const textsOf = ({ body }: Exchange): string => JSON.stringify(body.messages)

beforeEach(async () => {
  folder = await temporaryFolder()
  model = await startModelServer()
  const setup = { id: 'small', name: 'Small', provider: 'openai-compatible', model: 'small-1', baseUrl: model.baseURL, contextTokens: 2000 }
  await writeFile(join(folder.path, 'models.json'), JSON.stringify([setup]))
  server = await start()
})
afterEach(async () => {
  await server.stop()
  await model.close()
  await folder.remove()
})

it('a summary outlives the server that is killed before the reply, is used by the next one, and by replies after that', async () => {
  let peer = await joined()
  for (let n = 0; n < 14; n++) {
    say(peer.doc, `Number ${n}. `.padEnd(400, '.'), { to: [] })
    await peer.allSaved()
    await until('it is sealed', () => readMessages(peer.doc).length === n + 1)
  }
  say(peer.doc, 'What was it about?')
  const summarising = await model.next()
  expect(systemOf(summarising)).toContain('You write the summary')
  expect(textsOf(summarising)).toContain('Number 0.')
  await summarising.token('They counted.')
  await summarising.finish({ usage: { input: 1000, output: 4 } })

  const lost = await model.next()
  expect(readSummaries(peer.doc)).toMatchObject([{ text: 'They counted.', agentId: 'small', model: 'small-1', usage: { inputTokens: 1000, outputTokens: 4 } }])
  expect(textsOf(lost)).toContain('They counted.')
  expect(textsOf(lost)).not.toContain('Number 0.')
  peer.close()
  await server.stop('SIGKILL')

  server = await start()
  const again = await model.next()
  expect(textsOf(again)).toContain('They counted.')
  expect(systemOf(again)).not.toContain('You write the summary')
  await again.token('About numbers.')
  await again.finish()
  peer = await joined()
  await until('the reply is sealed', () => readMessages(peer.doc).some(message => textOfMessage(message) === 'About numbers.'))

  say(peer.doc, 'And now?')
  const next = await model.next()
  expect(textsOf(next)).toContain('They counted.')
  expect(textsOf(next)).toContain('About numbers.')
  await next.finish()
  expect(readSummaries(peer.doc)).toHaveLength(1)
  expect(model.exchanges).toHaveLength(4)
  peer.close()
})
