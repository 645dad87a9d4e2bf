/** The server killed at every step of a run: one sealed reply comes out, with all that was seen of it, and nothing is left in progress. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readDrafts, readMessages, readRuns, textOf } from '../../shared/conversation/read.ts'
import { proposeStop, putRequest } from '../../shared/conversation/write.ts'
import { messageIdOf } from '../../shared/ids.ts'
import { newConversationId, newRequestId, say } from '../rig/conversation.ts'
import { startModelServer } from '../rig/model-server.ts'
import type { ModelServer } from '../rig/model-server.ts'
import { Peer } from '../rig/peer.ts'
import { runSeed, seededRandom, times, withReplay } from '../rig/seed.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const SEEDS = times(20, 1)
const DIE_AT = new URL('../rig/die-at.ts', import.meta.url).pathname
const WORDS = Array.from({ length: 60 }, (_, i) => `word${i} `)

let model: ModelServer
beforeAll(async () => {
  model = await startModelServer()
})
afterAll(() => model.close())

const agents = {
  'an agent that goes on': {},
  'a model': () => ({ OPENAI_BASE_URL: model.baseURL, SKEIN_MODEL: 'tiny' }),
}
const places = [
  'created before', 'created after', 'begun before', 'begun after', 'bundle before', 'bundle after', 'ended before', 'ended after'
] as const
const endings = ['finished', 'stopped'] as const
const cases = (Object.keys(agents) as (keyof typeof agents)[]).flatMap(agent => places.flatMap(place =>
  endings.filter(ending => ending === 'finished' || place.startsWith('ended')).map(ending => [agent, place, ending] as const)))

it.each(cases)('%s, killed at "%s" of a reply that is %s', { timeout: 600_000 }, async (agent, place, ending) => {
  const first = runSeed()
  for (let seed = first; seed < first + SEEDS; seed++) {
    await withReplay(seed, 'test/crash/run-matrix.test.ts', () => live(agent, place, ending, seed))
  }
})

const live = async (...[agent, place, ending, seed]: [...typeof cases[number], number]): Promise<void> => {
  const random = seededRandom(seed)
  const folder = await temporaryFolder()
  const nth = place.startsWith('bundle') ? 1 + Math.floor(random() * 4) : 1
  const given = agents[agent]
  const environment = { SKEIN_OFFLINE_PACE: '4', ...typeof given === 'function' ? given() : given }
  // Some words at once, some alone, now and then a pause longer than a bundle.
  model.answerWith(async exchange => {
    for (const word of WORDS) {
      await exchange.token(word)
      if (random() < 0.5) await new Promise(resolve => setTimeout(resolve, random() < 0.4 ? 45 : 3))
    }
    await exchange.finish()
  })
  const dying = await startServer(folder.path, { ...environment, NODE_OPTIONS: `--import ${DIE_AT}`, SKEIN_TEST_DIE_AT: `${place} ${nth}` })
  const name = `conversation/${newConversationId()}`
  let seen = ''
  const device = await Peer.join(dying.syncUrl, name)
  device.doc.on('afterTransaction', () => {
    for (const { head, parts } of readDrafts(device.doc)) {
      if (head.kind === 'agent' && textOf(parts).length > seen.length) seen = textOf(parts)
    }
  })
  const asked = say(device.doc, '/long 100')
  if (ending === 'stopped') {
    await until('a word is seen or the server is gone', () => seen !== '' || device.closedBy !== null)
    const run = readRuns(device.doc)[0]
    if (run) putRequest(device.doc, newRequestId(), proposeStop(run.id, Date.now()))
  }
  await device.closed()
  await dying.stop('SIGKILL')

  const server = await startServer(folder.path, environment)
  const again = await Peer.join(server.syncUrl, name, { doc: device.doc })
  const replies = () => readMessages(again.doc).filter(({ metadata }) => metadata.parentId === messageIdOf(asked))
  await until('the reply is sealed', () => replies().length > 0 && readDrafts(again.doc).length === 0, 60_000)
  await until('all has been taken', () => again.doc.getMap('requests').size === 0)
  expect(replies()).toHaveLength(1)
  const { parts, metadata } = replies()[0]!
  expect(textOf(parts).startsWith(seen)).toBe(true)
  expect(readRuns(again.doc).every(({ state }) => state === 'completed' || state === 'error' || state === 'cancelled')).toBe(true)
  if (metadata.status === 'complete' && agent === 'a model') expect(textOf(parts)).toBe(WORDS.join(''))
  if (ending === 'finished' && agent === 'an agent that goes on') expect(metadata.status).toBe('complete')
  if (metadata.status !== 'complete') expect(['incomplete', 'cancelled']).toContain(metadata.status)
  // Nobody is left to go on with it after one more start.
  const sealed = JSON.stringify(readMessages(again.doc))
  again.close()
  await server.stop('SIGKILL')
  if (times(true, false)) {
    const later = await startServer(folder.path, environment)
    const reader = await Peer.join(later.syncUrl, name)
    expect(JSON.stringify(readMessages(reader.doc))).toBe(sealed)
    reader.close()
    await later.stop()
  }
  device.close()
  await folder.remove()
}
