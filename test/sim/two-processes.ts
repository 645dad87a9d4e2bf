/**
 * Any life of two processes that work on the runs of one conversation, of which at most one has the lease of each: people ask and stop, the
 * agent speaks, ends and fails, leases pass on, the disk fails, both processes die. Whatever the order, each run ends once, with all that
 * was seen and no word of an attempt that is over, and nobody asks the agent for what is over.
 */
import fc from 'fast-check'
import { expect } from 'vitest'
import { RECOVER_EVERY_MS } from '../../server/agents/driver.ts'
import type { Driver } from '../../server/agents/driver.ts'
import type { Agent } from '../../server/agents/port.ts'
import { isFinished } from '../../shared/conversation/read.ts'
import type { Run } from '../../shared/conversation/schema.ts'
import { SkeinError } from '../../shared/errors.ts'
import type { MessageId, RunId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { AgentWorld, textOfParts } from '../rig/agent-world.ts'
import { LeaseService } from '../rig/lease-service.ts'
import { settle } from '../rig/manual-time.ts'
import { ScriptedAgent } from '../rig/scripted-agent.ts'
import type { Reply } from '../rig/scripted-agent.ts'

const happenings = [
  'say', 'word', 'word', 'word', 'finish', 'fail', 'stop', 'take over, noticed', 'take over, unnoticed', 'take over, unnoticed', 'disk fails', 'crash'
] as const
type Happening = typeof happenings[number]
const stories = fc.array(fc.constantFrom(...happenings), { minLength: 15, maxLength: 40 })

/** @throws with the first life, and its replay, in which something is wrong */
export const tryLives = (
  onInterruption: Agent['onInterruption'], parameters: { numRuns: number, seed: number, endOnFailure?: boolean },
): Promise<void> => fc.assert(fc.asyncProperty(stories, fc.infiniteStream(fc.nat()), async (story, chance) => {
  const life = await Life.begin(onInterruption, chance)
  for (const what of story) await life.live(what)
  await life.end()
}), parameters)

class Life {
  readonly #onInterruption: Agent['onInterruption']
  readonly #chance: Iterator<number>
  #service: LeaseService
  #agent: ScriptedAgent
  #world: AgentWorld
  #other: Driver
  /** The text of each reply in progress that readers have seen last, which is the longest. */
  readonly #seen = new Map<string, string>()
  /** Requests to the agent that may go on beside another of their run, or after its end, until they want to write. */
  #unnoticed = 0
  #words = 0
  /** Said by an attempt when another one had taken over. */
  readonly #late: string[] = []

  private constructor(onInterruption: Agent['onInterruption'], chance: Iterator<number>, service: LeaseService, agent: ScriptedAgent, world: AgentWorld) {
    this.#onInterruption = onInterruption
    this.#chance = chance
    this.#service = service
    this.#agent = agent
    this.#world = world
    this.#other = world.addDriver(service.client())
  }

  static async begin(onInterruption: Agent['onInterruption'], chance: Iterator<number>): Promise<Life> {
    const [service, agent] = [new LeaseService(), new ScriptedAgent(onInterruption)]
    const life = new Life(onInterruption, chance, service, agent, await AgentWorld.start([agent], { leases: service.client() }))
    await life.#start()
    return life
  }

  async live(what: Happening): Promise<void> {
    await this.#happen(what)
    await this.#world.time.advance(50)
    this.#look()
  }

  /** Every attempt that still lives comes to its end. */
  async end(): Promise<void> {
    const world = this.#world
    for (let round = 0; world.runs.some(run => !isFinished(run)) && round < 10; round++) {
      for (const reply of this.#agent.replies) {
        reply.say('.')
        reply.finish()
      }
      await world.time.advance(RECOVER_EVERY_MS)
      this.#look()
    }
    expect(world.runs.every(isFinished)).toBe(true)
    const questions = world.messages.filter(({ role }) => role === 'user').map(({ id }) => id)
    expect(world.replies.map(({ metadata }) => metadata.parentId).sort()).toEqual(questions.sort())
    for (const { id, parts } of world.replies) {
      expect(textOfParts(parts).startsWith(this.#seen.get(id) ?? '')).toBe(true)
      for (const word of this.#late) expect(textOfParts(parts)).not.toContain(word)
    }
    expect(world.draftTexts).toEqual([])
    await Promise.all([world.driver.close(), this.#other.close()])
    expect(world.time.pending).toBe(0)
  }

  #start(): Promise<unknown> {
    return Promise.all([this.#world.driver.start(), this.#other.start()])
  }

  async #happen(what: Happening): Promise<void> {
    const world = this.#world
    switch (what) {
      case 'say':
        await world.say('Tell me')
        return
      case 'word':
        return this.#speak()
      case 'finish':
      case 'fail':
        return this.#finish(what)
      case 'stop': {
        const run = this.#pick(world.runs)
        if (run) await world.stop(run.id)
        return
      }
      case 'take over, noticed':
      case 'take over, unnoticed':
        this.#service.expire(what === 'take over, noticed')
        if (what === 'take over, unnoticed') this.#unnoticed++
        return world.time.advance(RECOVER_EVERY_MS)
      case 'disk fails':
        world.log.disk = 'fail'
        this.#speak()
        await world.time.advance(50)
        world.log.disk = 'auto'
        return world.time.advance(RECOVER_EVERY_MS)
      case 'crash':
        this.#agent = new ScriptedAgent(this.#onInterruption)
        this.#service = new LeaseService()
        this.#unnoticed = 0
        this.#world = await world.crash([this.#agent], undefined, this.#service.client())
        this.#other = this.#world.addDriver(this.#service.client())
        await this.#start()
    }
  }

  #speak(): void {
    const reply = this.#pick(this.#agent.replies)
    if (!reply) return
    const word = `<${++this.#words}>`
    if (this.#isOver(reply)) this.#late.push(word)
    reply.say(word)
  }

  async #finish(how: 'finish' | 'fail'): Promise<void> {
    const reply = this.#pick(this.#agent.replies)
    if (!reply) return
    const before = this.#openRuns()
    if (how === 'finish') reply.finish()
    else reply.fail(new SkeinError('agent-failed'))
    await settle()
    if (this.#isOver(reply)) expect(this.#openRuns()).toEqual(before)
  }

  #look(): void {
    const { runs } = this.#world
    for (const run of runs) {
      expect(run.attempt).toBeLessThanOrEqual(limits.attemptsPerReply)
      if (!isFinished(run)) this.#see(run)
    }
    const open = new Set(runs.filter(run => !isFinished(run)).map(({ messageId }) => messageId))
    const asked = Map.groupBy(this.#agent.replies.filter(({ signal }) => !signal.aborted), questionOf)
    for (const [question, replies] of asked) expect(replies.length).toBeLessThanOrEqual((open.has(question) ? 1 : 0) + this.#unnoticed)
  }

  /** What stands in front of a reader only grows, whoever goes on with it. */
  #see(run: Run): void {
    const [text, before] = [this.#world.draftTextOf(run), this.#seen.get(run.replyId) ?? '']
    if (text === undefined) return
    expect(text.startsWith(before), `“${before}” was seen, and now stands “${text}”`).toBe(true)
    this.#seen.set(run.replyId, text)
  }

  #openRuns(): RunId[] {
    return this.#world.runs.filter(run => !isFinished(run)).map(({ id }) => id)
  }

  /** Another attempt of its run has begun since. */
  #isOver(reply: Reply): boolean {
    return this.#agent.replies.findLast(each => questionOf(each) === questionOf(reply)) !== reply
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[this.#chance.next().value as number % Math.max(1, from.length)]
  }
}

const questionOf = ({ context }: Reply): MessageId => context.messages.at(-1)!.id
