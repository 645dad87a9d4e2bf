/** No two processes ask a model for one reply: who holds the lease of a run works on it. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFinished } from '../../shared/conversation/read.ts'
import { SkeinError } from '../../shared/errors.ts'
import type { MessageId, RunId } from '../../shared/ids.ts'
import { AgentWorld, textOfParts } from '../../test/rig/agent-world.ts'
import { settle } from '../../test/rig/manual-time.ts'
import { ScriptedAgent } from '../../test/rig/scripted-agent.ts'
import type { Reply } from '../../test/rig/scripted-agent.ts'
import { runSeed, times } from '../../test/rig/seed.ts'
import { RECOVER_EVERY_MS } from './driver.ts'
import { createProcessLeases } from './leases.ts'
import type { RunLeases } from './leases.ts'

/** One service for several processes; a lease passes on when the test says so, and its holder may or may not notice. */
class LeaseService {
  readonly #holders = new Map<RunId, { lost: AbortController }>()

  /** What one process sees of it. */
  client(): RunLeases {
    return {
      acquire: async runId => {
        if (this.#holders.has(runId)) return null
        const holder = { lost: new AbortController() }
        this.#holders.set(runId, holder)
        return { lost: holder.lost.signal, release: () => { if (this.#holders.get(runId) === holder) this.#holders.delete(runId) } }
      }
    }
  }

  expire(noticed: boolean): void {
    for (const { lost } of this.#holders.values()) if (noticed) lost.abort()
    this.#holders.clear()
  }
}

describe('a lease', () => {
  it('of one process is one at a time, and free again when it is released', async () => {
    const leases = createProcessLeases()
    const [a, b] = ['a', 'b'] as RunId[]
    const first = await leases.acquire(a!)
    expect(await leases.acquire(a!)).toBeNull()
    expect(await leases.acquire(b!)).not.toBeNull()
    first!.release()
    expect(await leases.acquire(a!)).not.toBeNull()
  })

  /** The first one has begun to reply. */
  const twoProcesses = async () => {
    const service = new LeaseService()
    const agent = new ScriptedAgent('continue')
    const world = await AgentWorld.start([agent], { leases: service.client() })
    const other = world.addDriver(service.client())
    await other.start()
    await world.say('Tell me')
    agent.reply1.say('One')
    return { service, agent, world, other }
  }

  it('keeps a second process from a run, until the first one is gone', async () => {
    const { agent, world, other } = await twoProcesses()
    await world.time.advance(3 * RECOVER_EVERY_MS)
    expect(agent.replies).toHaveLength(1)
    await world.driver.close()
    await world.time.advance(RECOVER_EVERY_MS)
    expect(agent.replies).toHaveLength(2)
    expect(world.run).toMatchObject({ state: 'processing', attempt: 2 })
    agent.replies[1]!.finish()
    await settle()
    expect(world.replies.map(({ parts }) => textOfParts(parts))).toEqual(['One'])
    await other.close()
  })

  it('that nobody can give out is asked for again at the next look, and the process goes on', async () => {
    const [agent, leases] = [new ScriptedAgent('continue'), createProcessLeases()]
    let isAway = true
    const acquire: RunLeases['acquire'] = async runId => {
      if (isAway) throw new Error('the service of leases is away')
      return leases.acquire(runId)
    }
    const world = await AgentWorld.start([agent], { leases: { acquire } })
    await world.driver.start()
    await world.say('Tell me')
    await settle()
    expect(agent.replies).toHaveLength(0)
    expect(world.lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
    isAway = false
    await world.time.advance(RECOVER_EVERY_MS)
    expect(agent.replies).toHaveLength(1)
    await world.driver.close()
  })

  it('that is lost ends what its holder asked the model for', async () => {
    const service = new LeaseService()
    const agent = new ScriptedAgent('continue')
    const world = await AgentWorld.start([agent], { leases: service.client() })
    await world.say('Tell me')
    expect(agent.reply1.signal.aborted).toBe(false)
    service.expire(true)
    expect(agent.reply1.signal.aborted).toBe(true)
    await world.driver.close()
  })

  it('that passed on without its holder noticing lets the holder seal nothing', async () => {
    const { service, agent, world, other } = await twoProcesses()
    await settle()
    service.expire(false)
    await world.time.advance(RECOVER_EVERY_MS)
    agent.reply1.say(' stale')
    agent.reply1.finish()
    await settle()
    expect(world.replies).toEqual([])
    agent.replies[1]!.say(' two')
    agent.replies[1]!.finish()
    await settle()
    expect(world.replies.map(({ parts }) => textOfParts(parts))).toEqual(['One two'])
    await other.close()
  })
})

describe('the look for open runs', () => {
  it('finds one that nobody was told of', async () => {
    const agent = new ScriptedAgent()
    const world = await AgentWorld.start([agent])
    await world.driver.close()
    await world.say('Tell me')
    expect(agent.replies).toHaveLength(0)
    const other = world.addDriver(createProcessLeases())
    await other.start()
    await settle()
    expect(agent.replies).toHaveLength(1)
    await other.close()
    expect(world.time.pending).toBe(0)
  })

  it('leaves alone what cannot be written, until the conversation is loaded', async () => {
    const agent = new ScriptedAgent()
    const before = await AgentWorld.start([agent])
    await before.driver.close()
    await before.say('Tell me')
    const log = before.log.afterCrash()
    log.damage = new SkeinError('log-damaged')
    const openRuns = await log.openRuns()
    const world = await AgentWorld.start([agent], { log: withoutFirstRead(log) })
    await world.driver.start()
    await world.time.advance(20 * RECOVER_EVERY_MS)
    const errors = (): number => world.lines.filter(({ level }) => level === 'error').length
    expect(errors()).toBe(1)
    log.damage = null
    world.driver.recover(openRuns)
    await settle()
    expect(agent.replies).toHaveLength(1)
    await world.driver.close()
  })
})

/** The reader of the world looks into the log before anything else does, which is not what is tried here. */
const withoutFirstRead = (log: AgentWorld['log']): AgentWorld['log'] => {
  const read = log.read.bind(log)
  let reads = 0
  log.read = async name => reads++ === 0 ? null : read(name)
  return log
}

/** What may happen to a conversation whose runs two processes work on. */
type Happening = 'say' | 'word' | 'finish' | 'fail' | 'stop' | 'take over, noticed' | 'take over, unnoticed' | 'crash'
const happening = fc.constantFrom<Happening>(
  'say', 'word', 'word', 'word', 'finish', 'fail', 'stop', 'take over, noticed', 'take over, unnoticed', 'take over, unnoticed', 'crash'
)

describe('any life of two processes, of which at most one has the lease of a run', () => {
  it.each(['continue', 'seal'] as const)('ends each run once, with all that was seen and no word of an attempt that is over (%s)', async onInterruption => {
    const seed = runSeed()
    const stories = fc.array(happening, { minLength: 15, maxLength: 40 })
    await fc.assert(fc.asyncProperty(stories, fc.infiniteStream(fc.nat()), async (story, chance) => {
      const pick = <T>(from: readonly T[]): T | undefined => from[chance.next().value! % Math.max(1, from.length)]
      let service = new LeaseService()
      let agent = new ScriptedAgent(onInterruption)
      let world = await AgentWorld.start([agent], { leases: service.client() })
      let other = world.addDriver(service.client())
      await Promise.all([world.driver.start(), other.start()])
      /** The longest text of each reply that a reader has seen in progress. */
      const seen = new Map<string, string>()
      const look = (): void => {
        for (const run of world.runs) if (!isFinished(run)) seen.set(run.replyId, world.draftTextOf(run) ?? seen.get(run.replyId) ?? '')
      }
      const questionOf = ({ context }: Reply): MessageId => context.messages.at(-1)!.id
      /** Another attempt of its run has begun since. */
      const isOver = (reply: Reply): boolean => agent.replies.findLast(each => questionOf(each) === questionOf(reply)) !== reply
      /** Requests to the agent that nobody has ended: one for each run, and one more each time that its lease passed on unnoticed. */
      let unnoticed = 0
      const expectOneAtATime = (): void => {
        const live = agent.replies.filter(({ signal }) => !signal.aborted).map(questionOf)
        for (const question of live) expect(live.filter(each => each === question).length).toBeLessThanOrEqual(1 + unnoticed)
      }
      const openRuns = (): RunId[] => world.runs.filter(run => !isFinished(run)).map(({ id }) => id)
      let words = 0
      /** Said by an attempt when another one had taken over. */
      const late: string[] = []
      for (const what of story) {
        switch (what) {
          case 'say': await world.say('Tell me'); break
          case 'word': {
            const reply = pick(agent.replies)
            if (!reply) break
            const word = `<${++words}>`
            if (isOver(reply)) late.push(word)
            reply.say(word)
            break
          }
          case 'finish':
          case 'fail': {
            const reply = pick(agent.replies)
            if (!reply) break
            const before = openRuns()
            if (what === 'finish') reply.finish()
            else reply.fail(new SkeinError('agent-failed'))
            await settle()
            if (isOver(reply)) expect(openRuns()).toEqual(before)
            break
          }
          case 'stop': await world.stop(pick(openRuns()) ?? '' as RunId); break
          case 'take over, noticed':
          case 'take over, unnoticed':
            service.expire(what === 'take over, noticed')
            if (what === 'take over, unnoticed') unnoticed++
            await world.time.advance(RECOVER_EVERY_MS)
            break
          case 'crash': {
            agent = new ScriptedAgent(onInterruption)
            service = new LeaseService()
            unnoticed = 0
            world = await world.crash([agent], undefined, service.client())
            other = world.addDriver(service.client())
            await Promise.all([world.driver.start(), other.start()])
          }
        }
        await world.time.advance(50)
        look()
        expectOneAtATime()
      }
      // Every attempt that still lives comes to its end.
      for (let round = 0; world.runs.some(run => !isFinished(run)) && round < 10; round++) {
        for (const reply of agent.replies) {
          reply.say('.')
          reply.finish()
        }
        await world.time.advance(RECOVER_EVERY_MS)
        look()
      }
      expect(world.runs.every(isFinished)).toBe(true)
      const replies = world.replies
      const questions = world.messages.filter(({ role }) => role === 'user').map(({ id }) => id)
      expect(replies.map(({ metadata }) => metadata.parentId).sort()).toEqual(questions.sort())
      for (const { id, parts } of replies) expect(textOfParts(parts).startsWith(seen.get(id) ?? '')).toBe(true)
      for (const { parts } of replies) for (const word of late) expect(textOfParts(parts)).not.toContain(word)
      expect(world.draftTexts).toEqual([])
      await Promise.all([world.driver.close(), other.close()])
    }), { numRuns: times(2000, 100), seed })
  }, 300_000)
})
