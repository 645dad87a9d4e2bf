/** Runs that a crash left open, after the next start. */
import { describe, expect, it } from 'vitest'
import { SkeinError } from '../../shared/errors.ts'
import { limits } from '../../shared/limits.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { AgentWorld, textOfParts } from '../../test/rig/agent-world.ts'
import { ManualTime, settle } from '../../test/rig/manual-time.ts'
import { ScriptedAgent } from '../../test/rig/scripted-agent.ts'
import { createOfflineAgent } from './adapters/offline.ts'
import { draftIdOf } from './draft-id.ts'
import { composeReply } from './adapters/offline-rules.ts'

const crashedAfter = async (onInterruption: 'continue' | 'seal', words: readonly string[]) => {
  const before = await AgentWorld.start([new ScriptedAgent(onInterruption)])
  const { runIds } = await before.say('Tell me')
  const [reply] = (before.agents[0] as ScriptedAgent).replies
  for (const word of words) {
    reply!.say(word)
    await before.time.advance(50)
  }
  const agent = new ScriptedAgent(onInterruption)
  const world = await before.crash([agent])
  await settle()
  return { world, agent, before, runId: runIds[0]! }
}

describe('recovery after a crash', () => {
  it('begins a run that nobody had begun', async () => {
    const before = await AgentWorld.start([new ScriptedAgent()])
    await before.driver.close()
    await before.say('Tell me')
    const agent = new ScriptedAgent()
    const world = await before.crash([agent])
    await settle()
    expect(world.run).toMatchObject({ state: 'processing', attempt: 1 })
    agent.reply1.say('Yes')
    agent.reply1.finish()
    await settle()
    expect(world.replies).toHaveLength(1)
  })

  it.each(['continue', 'seal'] as const)('starts over when no reader had seen a word (%s)', async onInterruption => {
    const { world, agent } = await crashedAfter(onInterruption, [])
    expect(world.run).toMatchObject({ state: 'processing', attempt: 2, draftId: draftIdOf(world.run.id, 2) })
    expect(world.draftTexts).toEqual([''])
    expect(agent.reply1.context.already).toBe('')
  })

  it('goes on after what readers had seen, in a new draft that begins with it', async () => {
    const { world, agent } = await crashedAfter('continue', ['One', ' two'])
    expect(agent.reply1.context.already).toBe('One two')
    expect(world.draftTexts).toEqual(['One two'])
    agent.reply1.say(' three')
    agent.reply1.finish()
    await settle()
    expect(world.replies).toHaveLength(1)
    expect(world.replies[0]).toMatchObject({ parts: [{ type: 'text', text: 'One two three' }], metadata: { status: 'complete' } })
    expect(world.run).toMatchObject({ state: 'completed', attempt: 2 })
  })

  it('seals what readers had seen as interrupted when the agent cannot go on', async () => {
    const { world, agent } = await crashedAfter('seal', ['One', ' two'])
    expect(agent.replies).toHaveLength(0)
    expect(world.draftTexts).toEqual([])
    expect(world.run).toMatchObject({ state: 'error', error: { code: 'interrupted' } })
    expect(world.replies).toHaveLength(1)
    expect(world.replies[0]).toMatchObject({ parts: [{ text: 'One two' }], metadata: { status: 'incomplete', error: { code: 'interrupted' }, authorName: 'Scripted' } })
  })

  it.each(['finished', 'stopped'] as const)('says of a reply that is %s when its first attempt began, however many there were', async how => {
    const waiting = await AgentWorld.start([new ScriptedAgent('continue')])
    await waiting.driver.close()
    const { runIds: [runId] } = await waiting.say('Tell me')
    await waiting.time.advance(5000)
    const agent = new ScriptedAgent('continue')
    const first = await waiting.crash([agent])
    const began = first.time.now()
    agent.reply1.say('One')
    await first.time.advance(5000)
    const next = new ScriptedAgent('continue')
    const world = await first.crash([next])
    await world.time.advance(5000)
    if (how === 'stopped') await world.stop(runId!)
    else next.reply1.finish()
    await settle()
    expect(world.replies).toMatchObject([{ metadata: { createdAt: began, acceptedAt: began + 10_000 } }])
    if (how === 'finished') expect(world.replies[0]!.metadata.timing).toEqual({ totalMs: 10_000 })
  })

  it('leaves finished runs alone, and works once on a run that it is told of twice', async () => {
    const { world, agent, runId } = await crashedAfter('continue', ['One'])
    world.driver.recover([{ name: world.name, runId }])
    await settle()
    expect(agent.replies).toHaveLength(1)
    agent.reply1.finish()
    await settle()
    const { writes } = world
    world.driver.recover([{ name: world.name, runId }])
    await settle()
    expect(world.writes).toBe(writes)
  })

  it('loses no word that a reader has seen and gives one reply, wherever the crash comes', async () => {
    for (let crash = 1; crash < 400; crash += 7) {
      const clock = new ManualTime()
      const before = await AgentWorld.start([createOfflineAgent({ timers: clock })], { time: clock })
      await before.say('help me')
      await clock.advance(crash * 5)
      const seen = before.seen.at(-1) ?? ''

      const time = new ManualTime(clock.now())
      const world = await before.crash([createOfflineAgent({ timers: time })], time)
      await settle()
      const shown = world.draftTexts[0] ?? textOfParts(world.replies[0]!.parts)
      expect(shown.startsWith(seen)).toBe(true)
      await time.advance(60_000)
      expect(world.replies).toHaveLength(1)
      expect(world.replies[0]!.metadata.status).toBe('complete')
      expect(textOfParts(world.replies[0]!.parts)).toBe(composeReply(before.messages.slice(0, 1)).text)
    }
  })
})

describe('a reply that brings the server down each time', () => {
  it.each(['continue', 'seal'] as const)('is asked for so often and no more (%s)', async onInterruption => {
    let world = await AgentWorld.start([new ScriptedAgent(onInterruption)])
    await world.say('Tell me')
    for (let crash = 1; crash < limits.attemptsPerReply; crash++) world = await world.crash([new ScriptedAgent(onInterruption)])
    expect(world.run).toMatchObject({ state: 'processing', attempt: limits.attemptsPerReply })
    const last = new ScriptedAgent(onInterruption)
    world = await world.crash([last])
    expect(last.replies).toHaveLength(0)
    expect(world.run).toMatchObject({ state: 'error', error: { code: 'interrupted' } })
    expect(world.replies.map(({ metadata }) => metadata.status)).toEqual(['incomplete'])
  })
})

describe('recovery after a disk failure', () => {
  it('takes the run up again after a while, with what readers had seen', async () => {
    const { world, agent } = await crashedAfter('continue', ['One'])
    world.log.disk = 'fail'
    agent.reply1.say(' lost')
    await world.time.advance(50)
    expect(agent.reply1.signal.aborted).toBe(true)
    expect(world.draftTexts).toEqual(['One'])
    world.log.disk = 'auto'
    await world.time.advance(300)
    const [, second] = agent.replies
    expect(second!.context.already).toBe('One')
    second!.say(' two')
    second!.finish()
    await settle()
    expect(world.replies.map(({ parts }) => textOfParts(parts))).toEqual(['One two'])
  })

  it('seals once when a write was stored although it was reported as failed', async () => {
    const { world, agent } = await crashedAfter('continue', ['One'])
    world.log.disk = 'lie'
    agent.reply1.finish()
    await settle()
    world.log.disk = 'auto'
    await world.time.advance(10_000)
    expect(world.replies).toHaveLength(1)
    expect(agent.replies).toHaveLength(1)
  })

  it('goes on when the disk works again after a long time, and asks the model for nothing meanwhile', async () => {
    const { world } = await crashedAfter('continue', ['One'])
    world.log.disk = 'fail'
    ;(world.agents[0] as ScriptedAgent).reply1.say(' two')
    await world.time.advance(600_000)
    const { replies } = world.agents[0] as ScriptedAgent
    expect(replies).toHaveLength(1)
    const waits = world.lines.flatMap(({ fields: { retryMs } }) => retryMs === undefined ? [] : [Number(retryMs)])
    expect(waits).toEqual(waits.toSorted((a, b) => a - b))
    expect([waits[0], waits.at(-1)]).toEqual([250, 60_000])
    world.log.disk = 'auto'
    await world.time.advance(60_000)
    expect(replies).toHaveLength(2)
    expect(replies[1]!.context.already).toBe('One')
    replies[1]!.finish()
    await settle()
    expect(world.replies.map(({ parts }) => textOfParts(parts))).toEqual(['One'])
  })

  it('begins a run whose record was stored although it was reported as failed, as soon as its conversation is loaded', async () => {
    const agent = new ScriptedAgent()
    const world = await AgentWorld.start([agent])
    world.log.disk = 'lie'
    await expect(world.say('Hello')).rejects.toMatchObject({ code: 'not-saved' })
    world.log.disk = 'auto'
    await world.time.advance(60_000)
    expect(agent.replies).toHaveLength(0)
    await world.write('ann', writer => writer.setMeta('title', 'Loaded anew'))
    agent.reply1.say('Hello')
    agent.reply1.finish()
    await settle()
    expect(world.replies.map(({ parts }) => textOfParts(parts))).toEqual(['Hello'])
  })

  it('tries again what nobody foresaw', async () => {
    const { world, agent } = await crashedAfter('continue', ['One'])
    world.log.disk = 'fail'
    agent.reply1.say(' lost')
    await world.time.advance(50)
    world.log.damage = new TypeError('out of luck')
    await world.time.advance(5000)
    world.log.damage = null
    world.log.disk = 'auto'
    await world.time.advance(60_000)
    expect(agent.replies).toHaveLength(2)
    expect(agent.replies[1]!.context.already).toBe('One')
    await world.driver.close()
  })

  it.each([['log-damaged', ['error']], ['gone', []]] as const)('does not try again what no try can mend (%s)', async (code, levels) => {
    const world = await AgentWorld.start([new ScriptedAgent()])
    world.log.damage = new SkeinError(code)
    world.driver.recover([{ name: world.name, runId: '01890a5d-ac96-874b-bcce-b302099a8000' as never }])
    await world.time.advance(60_000)
    expect(world.lines.map(({ level }) => level)).toEqual(levels)
  })
})

describe('the fence', () => {
  it('lets an attempt end quietly when another has taken over', async () => {
    const { world, agent } = await crashedAfter('continue', ['One'])
    await world.write('server', writer => {
      const run = openRoots(writer.doc).runs.get(world.run.id)!
      writer.setRun({ ...run, attempt: run.attempt + 1 })
    })
    agent.reply1.say(' stale')
    await world.time.advance(100)
    expect(agent.reply1.signal.aborted).toBe(true)
    expect(world.draftTexts).toEqual(['One'])
    expect(world.replies).toHaveLength(0)
  })
})

describe('closing the driver', () => {
  it('aborts all requests, waits for what is being written and leaves the runs open', async () => {
    const { world, agent } = await crashedAfter('continue', ['One'])
    agent.reply1.say(' two')
    await world.driver.close()
    expect(agent.reply1.signal.aborted).toBe(true)
    expect(world.run.state).toBe('processing')
    expect(world.time.pending).toBe(0)
    await world.say('More')
    expect(agent.replies).toHaveLength(1)
  })
})
