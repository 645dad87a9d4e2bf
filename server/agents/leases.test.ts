/** No two processes ask a model for one reply: who holds the lease of a run works on it. */
import { describe, expect, it } from 'vitest'
import { openRoots } from '../../shared/conversation/document.ts'
import { SkeinError } from '../../shared/errors.ts'
import type { RunId } from '../../shared/ids.ts'
import { AgentWorld, textOfParts } from '../../test/rig/agent-world.ts'
import { LeaseService } from '../../test/rig/lease-service.ts'
import { settle } from '../../test/rig/manual-time.ts'
import { ScriptedAgent } from '../../test/rig/scripted-agent.ts'
import { runSeed, times } from '../../test/rig/seed.ts'
import { tryLives } from '../../test/sim/two-processes.ts'
import { RECOVER_EVERY_MS } from './driver.ts'
import { createProcessLeases } from './leases.ts'
import type { RunLeases } from './leases.ts'

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

  it('comes again when the log could not be asked', async () => {
    const agent = new ScriptedAgent()
    const world = await AgentWorld.start([agent])
    await world.driver.start()
    const { openRuns } = world.log
    world.log.openRuns = () => Promise.reject(new Error('not now'))
    await world.time.advance(2 * RECOVER_EVERY_MS)
    expect(world.lines.map(({ level }) => level)).toEqual(['warn', 'warn'])
    world.log.openRuns = openRuns
    world.log.disk = 'lie'
    await world.say('Tell me').catch(() => null)
    world.log.disk = 'auto'
    await world.time.advance(RECOVER_EVERY_MS)
    expect(agent.replies).toHaveLength(1)
    await world.driver.close()
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
    // From now on it is looked after like any other: when another process has begun it and is gone, it is found.
    await world.write('server', writer => writer.setRun({ ...openRoots(writer.doc).runs.get(openRuns[0]!.runId)!, attempt: 5 }))
    agent.reply1.say('Too late')
    await settle()
    await world.time.advance(RECOVER_EVERY_MS)
    expect(agent.replies).toHaveLength(2)
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

describe('any life of two processes, of which at most one has the lease of a run', () => {
  it.each(['continue', 'seal'] as const)('ends each run once, with all that was seen and no word of an attempt that is over (%s)', async onInterruption => {
    await tryLives(onInterruption, { numRuns: times(2000, 100), seed: runSeed() })
  }, 300_000)
})
