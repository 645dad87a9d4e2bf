/** Whatever goes wrong at a model becomes the right state, the right reason and the right buttons, whichever protocol it speaks. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { replyEnding } from '../../client/app/state/reply-ending.ts'
import { createAiSdkAgent } from '../../server/agents/adapters/ai-sdk.ts'
import { providers } from '../../server/agents/models.ts'
import { AgentWorld, textOfParts } from '../rig/agent-world.ts'
import { startModelServer } from '../rig/model-server.ts'
import type { Exchange, ModelServer } from '../rig/model-server.ts'
import { until } from '../rig/until.ts'

const KEY = 'sk-key-of-the-operator'
/** Longer than a server may be silent. */
const FOREVER_MS = 300_000

describe.each(providers)('a model of %s', provider => {
  let server: ModelServer
  let world: AgentWorld
  beforeEach(async () => {
    server = await startModelServer(provider)
    const setup = { id: 'tiny', name: 'Tiny', provider, model: 'tiny-1', baseUrl: server.baseURL, apiKey: KEY }
    world = await AgentWorld.start([createAiSdkAgent(setup, { maxRetries: 0 })])
  })
  afterEach(async () => {
    await world.driver.close()
    await server.close()
  })

  const sealed = async () => {
    const reply = await until('the reply is sealed', () => world.replies[0])
    expect(world.replies).toHaveLength(1)
    expect(world.draftTexts).toEqual([])
    return { state: world.run.state, status: reply.metadata.status, text: textOfParts(reply.parts), ending: replyEnding(reply) }
  }
  const seen = (text: string): Promise<unknown> => until(`${text} is seen`, () => world.draftTexts[0] === text)

  const before: [string, (exchange: Exchange) => unknown, RegExp][] = [
    ['refuses the key', exchange => exchange.fail(401, `No, ${KEY} is wrong.`), /status 401: No, \[secret\] is wrong\./],
    ['knows no such model', exchange => exchange.fail(404, 'No such model.'), /status 404: No such model\./],
    ['asks for patience', exchange => exchange.fail(429, 'Too many requests.'), /status 429: Too many requests\./],
    ['is overloaded', exchange => exchange.fail(529, 'Overloaded.'), /status 529: Overloaded\./],
    ['breaks', exchange => exchange.fail(500, 'Oh no.'), /status 500: Oh no\./],
    ['hangs up', exchange => exchange.cut(), /could not be reached|ended the reply before/],
    ['says nothing', exchange => exchange.finish(), /without a word/],
    ['stalls', () => world.time.advance(FOREVER_MS), /sent nothing for 240 seconds/],
    ['reports an error', exchange => exchange.failInStream({ message: 'Out of steam.' }), /(reported an error|answered with status 500): Out of steam\./],
  ]
  it.each(before)('that %s before its first word leaves an empty reply that can be asked for again', async (_, happen, reason) => {
    await world.say('Tell me')
    await happen(await server.next())
    expect(await sealed()).toEqual({
      state: 'error', status: 'error', text: '', ending: { tone: 'failed', reason: expect.stringMatching(reason) as string, waysOn: ['retry'] },
    })
  })

  const midway: [string, (exchange: Exchange) => unknown, RegExp][] = [
    ['hangs up', exchange => exchange.cut(), /ended the reply before it was finished.*What had arrived is kept/],
    ['ends', exchange => exchange.endEarly(), /ended the reply before it was finished|reply ended before/],
    ['stalls', () => world.time.advance(FOREVER_MS), /sent nothing for 240 seconds/],
    ['reports an error', exchange => exchange.failInStream({ message: 'Out of steam.' }), /reported an error: Out of steam\./],
    ['lets nothing more pass', exchange => exchange.finish({ reason: 'filtered' }), /did not let it \(finish reason: content-filter\)\. What had arrived is kept/],
  ]
  it.each(midway)('that %s in the middle leaves what was said, to be continued or asked for again', async (_, happen, reason) => {
    await world.say('Tell me')
    const exchange = await server.next()
    await exchange.token('Half of it')
    await seen('Half of it')
    await happen(exchange)
    expect(await sealed()).toEqual({
      state: 'error', status: 'error', text: 'Half of it',
      ending: { tone: 'failed', reason: expect.stringMatching(reason) as string, waysOn: ['continue', 'retry'] },
    })
  })

  it('that comes to the end of what it may say leaves a reply that can be continued', async () => {
    await world.say('Tell me')
    const exchange = await server.next()
    await exchange.token('So much')
    await exchange.finish({ reason: 'length' })
    expect(await sealed()).toMatchObject({ state: 'completed', status: 'complete', text: 'So much', ending: { tone: 'cut', waysOn: ['continue'] } })
  })

  it('that is stopped is let go, and what was seen can be continued or asked for again', async () => {
    const { runIds: [runId] } = await world.say('Tell me')
    const exchange = await server.next()
    await exchange.token('Half of it')
    await seen('Half of it')
    await world.stop(runId!)
    expect(await exchange.aborted).toBeGreaterThan(0)
    expect(await sealed()).toMatchObject({
      state: 'cancelled', status: 'cancelled', text: 'Half of it', ending: { tone: 'stopped', waysOn: ['continue', 'retry'] },
    })
  })
})

describe.each(providers)('a model of %s that says when to come again', provider => {
  afterEach(() => vi.restoreAllMocks())

  it.each([
    ['in seconds', { 'retry-after': '7' }, [7000]],
    ['in milliseconds', { 'retry-after-ms': '1234' }, [1234]],
    ['not at all', {}, [2000, 4000]],
    ['in an hour, which nobody waits for', { 'retry-after': '3600' }, [2000, 4000]],
  ] as const)('is asked again then (%s)', async (_, headers, expected) => {
    const server = await startModelServer(provider)
    // Long waits are noted and not waited for; the sockets' own timers go on as they are.
    const waits: number[] = []
    const { setTimeout: real } = globalThis
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(((work: () => void, ms = 0, ...rest: []) => {
      const isBackOff = [1234, 2000, 4000, 7000, 3_600_000].includes(ms)
      if (isBackOff) waits.push(ms)
      return real(work, isBackOff ? 0 : ms, ...rest)
    }) as typeof setTimeout)
    const setup = { id: 'tiny', name: 'Tiny', provider, model: 'tiny-1', baseUrl: server.baseURL, apiKey: KEY }
    const world = await AgentWorld.start([createAiSdkAgent(setup)])
    await world.say('Tell me')
    for (const _wait of expected) await (await server.next()).fail(429, 'Not now.', headers)
    const exchange = await server.next()
    await exchange.token('Here')
    await exchange.finish()
    await until('the reply is sealed', () => world.replies[0])
    expect(world.run.state).toBe('completed')
    expect(waits).toEqual(expected)
    await world.driver.close()
    await server.close()
  })
})
