/**
 * The server killed at every step of a run: one sealed reply comes out, with all that was seen of it, and nothing is left in progress.
 *
 * To start a server costs most. So one is killed with several conversations at the same step, each of a seed of its own, and the next one,
 * which goes on with them, is killed with the next ones.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { openRoots } from '../../shared/conversation/document.ts'
import { isFinished, readDrafts, readMessages, readRuns, textOf } from '../../shared/conversation/read.ts'
import { proposeStop, putRequest } from '../../shared/conversation/write.ts'
import { messageIdOf } from '../../shared/ids.ts'
import type { RequestId } from '../../shared/ids.ts'
import { newConversationId, newRequestId, say } from '../rig/conversation.ts'
import { startModelServer } from '../rig/model-server.ts'
import type { ModelServer } from '../rig/model-server.ts'
import { Peer } from '../rig/peer.ts'
import { runSeed, seededRandom, times, withReplay } from '../rig/seed.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const FILE = 'test/crash/run-matrix.test.ts'
const SEEDS = times(20, 1)
/** Conversations that one server dies with. */
const AT_ONCE = 5
const HOLD_AT = new URL('../rig/hold-at.ts', import.meta.url).pathname
const WORDS = Array.from({ length: 60 }, (_, i) => `word${i} `)
/** More than the model reads at once that reads little (a thousand tokens, of three bytes each): it is summarised in two pieces. */
const LONG_AGO = ['old '.repeat(300), 'older '.repeat(200), 'so old '.repeat(170)]
const SUMMARIES = 2
/** However busy the machine is. */
const PATIENCE_MS = 120_000

const agents = ['an agent that goes on', 'a model', 'a model that reads little'] as const
type AgentName = typeof agents[number]
const places = [
  'created before', 'created after', 'begun before', 'begun after', 'summarised before', 'summarised after', 'bundle before', 'bundle after',
  'ended before', 'ended after'
] as const
type Place = typeof places[number]
const endings = ['finished', 'stopped'] as const
type Ending = typeof endings[number]
const cases = agents.flatMap(agent => places.filter(place => place.startsWith('summarised') === (agent === 'a model that reads little'))
  .flatMap(place => endings.filter(ending => ending === 'finished' || place.startsWith('ended')).map(ending => [agent, place, ending] as const)))

type Folder = Awaited<ReturnType<typeof temporaryFolder>>

/** One folder whose servers are killed one after the other; the next one finds what the one before left. */
class Servers {
  readonly model: ModelServer
  readonly #folder: Folder
  readonly #environment: Record<string, string>
  #server: ServerProcess | null = null

  private constructor(model: ModelServer, folder: Folder, environment: Record<string, string>) {
    this.model = model
    this.#folder = folder
    this.#environment = environment
  }

  static async of(agent: AgentName): Promise<Servers> {
    const [model, folder] = [await startModelServer(), await temporaryFolder()]
    return new Servers(model, folder, { SKEIN_OFFLINE_PACE: '4', ...await given(agent, model, folder.path) })
  }

  get syncUrl(): string {
    return this.#server!.syncUrl
  }

  /** In the place of the one before, which is killed. @param holdAt where conversations stand still, by name */
  async next(holdAt: Record<string, string> = {}): Promise<void> {
    await this.#server?.stop('SIGKILL')
    const holding = { NODE_OPTIONS: `--import ${HOLD_AT}`, SKEIN_TEST_HOLD_AT: JSON.stringify(holdAt) }
    this.#server = await startServer(this.#folder.path, { ...this.#environment, ...holding })
  }

  isHeld(name: string): boolean {
    return this.#server!.log.some(({ msg, document }) => msg === 'held' && document === name)
  }

  async close(): Promise<void> {
    await this.#server?.stop()
    await this.model.close()
    await this.#folder.remove()
  }
}

const given = async (agent: AgentName, { baseURL }: ModelServer, folder: string): Promise<Record<string, string>> => {
  switch (agent) {
    case 'an agent that goes on':
      return {}
    case 'a model':
      return { OPENAI_BASE_URL: baseURL, SKEIN_MODEL: 'tiny' }
    case 'a model that reads little': {
      const models = join(folder, 'models.json')
      await writeFile(models, JSON.stringify([
        { id: 'tiny', name: 'Tiny', provider: 'openai-compatible', model: 'tiny', baseUrl: baseURL, contextTokens: 1000 }
      ]))
      return { SKEIN_MODELS: models }
    }
  }
}

/** A question whose answer stands still when the server is killed. */
interface Story {
  seed: number
  random: () => number
  name: string
  agent: AgentName
  ending: Ending
  holdAt: string
  /** Where it stands still once more when whoever takes it up is killed, if it gets there. */
  holdAgainAt: string | null
  device: Device
}

const storyOf = (agent: AgentName, place: Place, ending: Ending, seed: number): Story => {
  const random = seededRandom(seed)
  const holdAt = `${place} ${1 + Math.floor(random() * timesOf(place))}`
  const holdAgainAt = random() < 0.25 ? `${place} 1` : null
  return { seed, random, name: `conversation/${newConversationId()}`, agent, ending, holdAt, holdAgainAt, device: new Device() }
}

/** How often an answer gets there, at the least. */
const timesOf = (place: Place): number => place.startsWith('bundle') ? 4 : place.startsWith('summarised') ? SUMMARIES : 1

/** What one device knows of it: its document outlives connections, as IndexedDB would keep it. */
class Device {
  readonly doc = new Y.Doc()
  /** The longest text of the reply that it has shown. */
  seen = ''
  asked: RequestId | null = null

  constructor() {
    this.doc.on('afterTransaction', () => {
      for (const { head, parts } of readDrafts(this.doc)) {
        if (head.kind === 'agent' && textOf(parts).length > this.seen.length) this.seen = textOf(parts)
      }
    })
  }

  get replies() {
    return readMessages(this.doc).filter(({ metadata }) => metadata.parentId === messageIdOf(this.asked!) && metadata.agentId)
  }

  get isSealed(): boolean {
    return this.replies.length > 0 && readDrafts(this.doc).length === 0
  }
}

it.concurrent.each(cases)('%s, killed at "%s" of a reply that is %s', { timeout: 600_000 }, async (agent, place, ending) => {
  const first = runSeed()
  const stories = Array.from({ length: SEEDS }, (_, i) => storyOf(agent, place, ending, first + i))
  const servers = await Servers.of(agent)
  const since = performance.now()
  try {
    await tell(servers, stories)
  } finally {
    await servers.close()
  }
  if (SEEDS > 1) console.log(`${agent}, ${place}, ${ending}: ${SEEDS} seeds from ${first}, ${Math.round((performance.now() - since) / 1000)} s`)
})

const tell = async (servers: Servers, stories: readonly Story[]): Promise<void> => {
  /** All messages by document, as they were when the reply was sealed: nobody goes on with it in any later life. */
  const sealed = new Map<string, string>()
  const batches = Array.from({ length: Math.ceil(stories.length / AT_ONCE) }, (_, i) => stories.slice(i * AT_ONCE, (i + 1) * AT_ONCE))
  await servers.next(holds(batches[0]!, 'holdAt'))
  for (const [i, batch] of batches.entries()) {
    answer(servers.model, batch)
    await each(batch, story => ask(servers, story))
    if (batch.some(({ holdAgainAt }) => holdAgainAt !== null)) {
      await servers.next(holds(batch, 'holdAgainAt'))
      await each(batch, story => goOn(servers, story))
    }
    await servers.next(holds(batches[i + 1] ?? [], 'holdAt'))
    await each(batch, async story => void sealed.set(story.name, await expectOneReply(servers, story)))
    await each(batches[i - 1] ?? [], story => expectUnchanged(servers, sealed, story))
  }
  if (stories.length === 1) return
  await servers.next()
  await each(stories, story => expectUnchanged(servers, sealed, story))
}

const holds = (stories: readonly Story[], which: 'holdAt' | 'holdAgainAt'): Record<string, string> =>
  Object.fromEntries(stories.map(story => [story.name, story[which] ?? '']))

const each = async (stories: readonly Story[], work: (story: Story) => Promise<void>): Promise<void> => {
  await Promise.all(stories.map(story => withReplay(story.seed, FILE, () => work(story))))
}

/** What is asked: words of the offline agent; a model knows by it which story it tells. */
const questionOf = ({ agent, seed }: Story): string => agent === 'an agent that goes on' ? '/long 200' : `Story ${seed}`

/**
 * Some words at once, some alone. Now and then the model waits until what it said is on disk and seen, so that there are as many bundles as
 * {@link timesOf} says, however slow the server is.
 */
const answer = (model: ModelServer, stories: readonly Story[]): void => model.answerWith(async exchange => {
  const story = stories.find(each => exchange.body.messages.at(-1)?.content === questionOf(each))
  for (const [i, word] of WORDS.entries()) {
    await exchange.token(word)
    if (story && i % (WORDS.length / 4) === 0) {
      await until('it is seen', () => story.device.seen.includes(word) || exchange.abortedAt !== null, PATIENCE_MS)
    } else if ((story?.random() ?? 1) < 0.5) await new Promise(resolve => setTimeout(resolve, 3))
  }
  await exchange.finish()
})

/** Ends when it stands still. */
const ask = async (servers: Servers, story: Story): Promise<void> => {
  const { name, agent, ending, device } = story
  const peer = await Peer.join(servers.syncUrl, name, { doc: device.doc })
  if (agent === 'a model that reads little') {
    for (const text of LONG_AGO) say(device.doc, text, { to: [] })
    await until('what was said long ago is sealed', () => readMessages(device.doc).length === LONG_AGO.length, PATIENCE_MS)
  }
  device.asked = say(device.doc, questionOf(story))
  if (ending === 'stopped') {
    await until('a word is seen, or it stands still', () => device.seen !== '' || servers.isHeld(name), PATIENCE_MS)
    const run = readRuns(device.doc)[0]
    if (run) putRequest(device.doc, newRequestId(), proposeStop(run.id, Date.now()))
  }
  await until('it stands still', () => servers.isHeld(name), PATIENCE_MS)
  peer.close()
}

/** Ends when it stands still once more, or does not get there. */
const goOn = async (servers: Servers, { name, device }: Story): Promise<void> => {
  const peer = await Peer.open(servers.syncUrl, name, { doc: device.doc })
  // One that stands still already answers nobody.
  peer.send({ type: 'sync-step-1', stateVector: Y.encodeStateVector(device.doc) })
  await until('it is sealed, or stands still', () => device.isSealed || servers.isHeld(name), PATIENCE_MS)
  peer.close()
}

/** @returns all messages, as they are from here on */
const expectOneReply = async (servers: Servers, { name, agent, ending, device }: Story): Promise<string> => {
  const { doc, seen } = device
  const peer = await Peer.join(servers.syncUrl, name, { doc })
  await until('the reply is sealed', () => device.isSealed, PATIENCE_MS)
  await until('all has been taken', () => openRoots(doc).requests.size === 0, PATIENCE_MS)
  expect(device.replies).toHaveLength(1)
  const { parts, metadata: { status } } = device.replies[0]!
  expect(textOf(parts).startsWith(seen)).toBe(true)
  expect(readRuns(doc).every(isFinished)).toBe(true)
  if (status === 'complete' && agent !== 'an agent that goes on') expect(textOf(parts)).toBe(WORDS.join(''))
  if (ending === 'finished' && agent !== 'a model') expect(status).toBe('complete')
  if (status !== 'complete') expect(['incomplete', 'cancelled']).toContain(status)
  if (agent === 'a model that reads little') expect(openRoots(doc).summaries.size).toBe(SUMMARIES)
  peer.close()
  return JSON.stringify(readMessages(doc))
}

const expectUnchanged = async (servers: Servers, sealed: ReadonlyMap<string, string>, { name }: Story): Promise<void> => {
  const peer = await Peer.join(servers.syncUrl, name)
  expect(JSON.stringify(readMessages(peer.doc))).toBe(sealed.get(name))
  peer.close()
}
