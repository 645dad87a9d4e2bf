/** A run from its request to its sealed message, on a clock of our own: when it begins, and how what is said comes to the disk. */
import { describe, expect, it } from 'vitest'
import { readMessages } from '../../shared/conversation/read.ts'
import { conversationName } from '../../shared/ids.ts'
import { AgentWorld, asked, textOfParts } from '../../test/rig/agent-world.ts'
import { settle } from '../../test/rig/manual-time.ts'
import { ScriptedAgent } from '../../test/rig/scripted-agent.ts'
import { bundleLimits } from './bundle.ts'
import { draftIdOf } from './draft-id.ts'

describe('the driver', () => {
  it('begins a run when the record that created it is durable, not before', async () => {
    const agent = new ScriptedAgent()
    const world = await AgentWorld.start([agent])
    world.log.disk = 'hold'
    const said = world.say('Hello')
    await settle()
    expect(agent.replies).toHaveLength(0)
    world.log.disk = 'auto'
    await world.release()
    await said
    expect(agent.replies).toHaveLength(1)
    expect(world.run.state).toBe('processing')
    expect(world.run.draftId).toBe(draftIdOf(world.run.id, 1))
  })

  it('shows the first delta at once and the following ones after 40 ms', async () => {
    const { world, reply } = await asked()
    reply.say('One')
    await settle()
    expect(world.draftTexts).toEqual(['One'])
    reply.say(' two')
    await settle()
    expect(world.draftTexts).toEqual(['One'])
    await world.time.advance(20)
    reply.say(' three')
    await world.time.advance(19)
    expect(world.draftTexts).toEqual(['One'])
    await world.time.advance(1)
    expect(world.draftTexts).toEqual(['One two three'])
  })

  it('writes 20 deltas at once without waiting for the clock', async () => {
    const { world, reply } = await asked()
    reply.say('0')
    await settle()
    const before = world.writes
    for (let i = 1; i <= 20; i++) reply.say(` ${i}`)
    await settle()
    expect(world.draftTexts[0]).toMatch(/ 20$/)
    expect(world.writes).toBe(before + 1)
  })

  it('keeps a slow reply, whose every word is a write of its own, in one record per 60 words at most', async () => {
    const { world, reply } = await asked()
    const [{ records }, { writes }] = [world, world]
    for (let i = 0; i < 600; i++) {
      reply.say(` word${i}`)
      await world.time.advance(bundleLimits.ms)
    }
    expect(world.writes - writes).toBe(600)
    expect(world.records - records).toBeLessThanOrEqual(10)
  })

  it('has one bundle in flight at most: deltas gather while the disk is busy', async () => {
    const { world, reply } = await asked()
    world.log.disk = 'hold'
    reply.say('a')
    await settle()
    for (let i = 0; i < 50; i++) reply.say('b')
    await world.time.advance(500)
    expect(world.log.waiting).toBe(1)
    await world.release()
    expect(world.log.waiting).toBe(1)
    await world.release()
    expect(world.draftTexts).toEqual(['a' + 'b'.repeat(50)])
  })

  it('asks the agent for no more when the disk is far behind', async () => {
    const { world, reply } = await asked()
    world.log.disk = 'hold'
    for (let i = 0; i < 40; i++) reply.say('x'.repeat(4096))
    await settle()
    expect(reply.unread).toBeGreaterThan(10)
    world.log.disk = 'auto'
    await world.release()
    expect(reply.unread).toBe(0)
  })

  it('asks for no more either when what gathered is short, but came in very many deltas', async () => {
    const { world, reply } = await asked()
    world.log.disk = 'hold'
    for (let i = 0; i < 2 * bundleLimits.gatheredDeltas; i++) reply.say('x')
    await settle()
    expect(reply.unread).toBe(bundleLimits.gatheredDeltas - 1)
    world.log.disk = 'auto'
    await world.release()
    expect(reply.unread).toBe(0)
    await world.time.advance(bundleLimits.ms)
    expect(world.draftTexts[0]).toBe('x'.repeat(2 * bundleLimits.gatheredDeltas))
  })

  it('ends at once when it is told to while it waits for the disk', async () => {
    const { world, reply } = await asked()
    world.log.disk = 'hold'
    for (let i = 0; i < 20; i++) reply.say('x'.repeat(4096))
    await settle()
    expect(reply.unread).toBeGreaterThan(0)
    let isClosed = false
    const closed = world.driver.close().then(() => { isClosed = true })
    await settle()
    expect(reply.signal.aborted).toBe(true)
    // What is on its way to the disk has its time.
    expect(isClosed).toBe(false)
    world.log.disk = 'auto'
    await world.release()
    await closed
  })

  it('does not store halves of a character that the model cut in two', async () => {
    const { world, reply } = await asked()
    reply.say('a\uD83D')
    await settle()
    expect(world.draftTexts).toEqual(['a'])
    reply.say('\uDE00b\uD83D')
    reply.finish()
    await settle()
    expect(textOfParts(world.replies[0]!.parts)).toBe('a\u{1F600}b\uFFFD')
  })

  it('holds what it stores, also of half a character that never became whole', async () => {
    const { world, reply } = await asked()
    reply.say('a\uD83D')
    await world.time.advance(100)
    reply.think('\uDE00b')
    reply.source('https://example.org/\uD83D')
    reply.say('c\uD83D')
    reply.finish()
    await world.time.advance(100)
    let held: unknown
    await world.write('ann', writer => { held = readMessages(writer.doc).at(-1)!.parts })
    expect(held).toEqual(world.replies[0]!.parts)
    expect(textOfParts(world.replies[0]!.parts)).toBe('a\uFFFDc\uFFFD')
  })

  it('abandons what a deleted conversation asked for, and nothing of others', async () => {
    const { agent, world, reply } = await asked()
    world.name = conversationName('other')!
    await world.say('And here?')
    world.log.disk = 'hold'
    agent.replies[1]!.say('Half')
    await settle()
    let isAbandoned = false
    const abandoned = world.driver.abandon(world.name).then(() => { isAbandoned = true })
    await settle()
    expect([reply.signal.aborted, agent.replies[1]!.signal.aborted]).toEqual([false, true])
    // Only then is it erased: nothing may be written behind that.
    expect(isAbandoned).toBe(false)
    world.log.disk = 'auto'
    await world.release()
    await abandoned
    await world.driver.close()
  })

  it('ends with a reason when the agent is not there any more', async () => {
    const world = await AgentWorld.start([new ScriptedAgent()])
    await world.say('Hello', [new ScriptedAgent('seal', 'gone').id])
    expect(world.run).toMatchObject({ state: 'error', error: { code: 'agent-unknown' } })
    expect(world.replies).toHaveLength(1)
  })

  it('answers with several agents at once, each with a reply of its own', async () => {
    const [one, two] = [new ScriptedAgent('seal', 'one'), new ScriptedAgent('seal', 'two')]
    const world = await AgentWorld.start([one, two])
    await world.say('Hello', [one.id, two.id])
    one.reply1.say('I am one')
    two.reply1.say('I am two')
    await settle()
    expect(world.draftTexts.toSorted()).toEqual(['I am one', 'I am two'])
    two.reply1.finish()
    one.reply1.finish()
    await settle()
    expect(world.replies.map(({ parts }) => textOfParts(parts)).toSorted()).toEqual(['I am one', 'I am two'])
  })

  it('logs one line per transition, with the run and never with text', async () => {
    const { world, reply, runId } = await asked()
    reply.say('Word of the reply')
    reply.finish()
    await settle()
    const lines = world.lines.filter(({ fields }) => fields.run === runId)
    expect(lines.map(({ fields }) => fields.state)).toEqual(['pending', 'processing', 'completed'])
    for (const { fields } of lines) expect(fields).toMatchObject({ conversation: 'conversation/test', agent: 'scripted', attempt: 1, ms: expect.any(Number) })
    expect(JSON.stringify(world.lines)).not.toMatch(/How are you|Word of/)
  })
})
