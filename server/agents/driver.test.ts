/** A run from its request to its sealed message, on a clock of our own. */
import { describe, expect, it } from 'vitest'
import { SkeinError } from '../../shared/errors.ts'
import { AgentWorld, textOfParts } from '../../test/rig/agent-world.ts'
import { settle } from '../../test/rig/manual-time.ts'
import { ScriptedAgent } from '../../test/rig/scripted-agent.ts'
import type { MessageId } from '../../shared/ids.ts'
import { deriveRun } from '../room/derive-run.ts'
import { newRequestId } from '../../test/rig/conversation.ts'
import { limits } from '../../shared/limits.ts'
import { bundleLimits } from './bundle.ts'
import { draftIdOf } from './draft-id.ts'

const asked = async (onInterruption: 'continue' | 'seal' = 'seal') => {
  const agent = new ScriptedAgent(onInterruption)
  const world = await AgentWorld.start([agent])
  const { messageId, runIds } = await world.say('How are you?')
  return { agent, world, messageId, runId: runIds[0]!, reply: agent.reply1 }
}

describe('the driver, streaming', () => {
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

  it('begins a continued reply with what was said, and asks the agent to go on after it', async () => {
    const { agent, world, messageId, runId, reply } = await asked()
    reply.say('One two')
    await settle()
    await world.stop(runId)
    const [stopped] = world.replies
    const again = deriveRun({
      requestId: newRequestId(), messageId, agentId: agent.id, askedBy: 'ann', at: world.time.now(), replaces: stopped!.id, continues: stopped!.id
    })
    await world.write('ann', writer => writer.setRun(again))
    expect(world.draftTexts).toEqual(['One two'])
    expect(agent.replies[1]!.context.already).toBe('One two')
    agent.replies[1]!.say(' three')
    agent.replies[1]!.finish()
    await settle()
    expect(world.replies.map(({ parts, metadata: { status, replaces } }) => [textOfParts(parts), status, replaces])).toEqual([
      ['One two', 'cancelled', undefined], ['One two three', 'complete', stopped!.id]
    ])
  })

  it('says that what was to be continued is gone', async () => {
    const { agent, world, messageId, runId, reply } = await asked()
    reply.say('One two')
    await settle()
    await world.stop(runId)
    const continues = newRequestId() as string as MessageId
    const again = deriveRun({ requestId: newRequestId(), messageId, agentId: agent.id, askedBy: 'ann', at: world.time.now(), continues })
    await world.write('ann', writer => writer.setRun(again))
    expect(agent.replies).toHaveLength(1)
    expect(world.replies.at(-1)).toMatchObject({ metadata: { status: 'error', error: { code: 'target-unknown' } } })
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
    const closed = world.driver.close()
    await settle()
    expect(reply.signal.aborted).toBe(true)
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

  it('keeps reasoning and text apart, in the order in which they came', async () => {
    const { world, reply } = await asked()
    reply.think('Hm')
    reply.think(', well.')
    reply.say('Yes')
    reply.say('.')
    reply.finish()
    await settle()
    expect(world.replies[0]!.parts).toEqual([{ type: 'reasoning', text: 'Hm, well.' }, { type: 'text', text: 'Yes.' }])
  })
})

describe('the driver, ending a run', () => {
  it('seals a finished reply as one message with all that is known of it, in one record', async () => {
    const { world, reply, messageId, runId } = await asked()
    await world.time.advance(100)
    reply.say('Fine')
    await world.time.advance(200)
    const before = world.records
    reply.say(', thanks.')
    reply.finish()
    await settle()
    expect(world.records).toBe(before + 1)
    expect(world.draftTexts).toEqual([])
    const { replyId, createdAt } = world.run
    expect(world.run).toMatchObject({ id: runId, state: 'completed', attempt: 1, draftId: null })
    expect(world.replies).toEqual([{
      id: replyId,
      role: 'assistant',
      parts: [{ type: 'text', text: 'Fine, thanks.' }],
      metadata: {
        parentId: messageId,
        authorId: 'agent:scripted',
        authorName: 'Scripted',
        agentId: 'scripted',
        runId,
        createdAt,
        acceptedAt: createdAt + 300,
        status: 'complete',
        model: 'scripted-1',
        usage: { totalTokens: 3 },
        timing: { firstTokenMs: 100, totalMs: 300 },
        finishReason: 'stop'
      }
    }])
  })

  it('seals only after the bundle in flight is durable', async () => {
    const { world, reply } = await asked()
    world.log.disk = 'hold'
    reply.say('a')
    reply.finish()
    await settle()
    expect(world.log.waiting).toBe(1)
    await world.release()
    await world.release()
    expect(world.replies.map(({ parts }) => textOfParts(parts))).toEqual(['a'])
  })

  it('seals a failure with its reason and the text that had arrived', async () => {
    const { world, reply } = await asked()
    reply.say('Half of')
    reply.fail(new SkeinError('agent-failed', 'The model is overloaded.'))
    await settle()
    expect(world.run).toMatchObject({ state: 'error', error: { code: 'agent-failed', message: 'The model is overloaded.' } })
    expect(world.replies).toHaveLength(1)
    expect(world.replies[0]).toMatchObject({ parts: [{ type: 'text', text: 'Half of' }], metadata: { status: 'error', error: { message: 'The model is overloaded.' } } })
  })

  it('seals a failure before the first word as an empty message', async () => {
    const { world, reply } = await asked()
    reply.fail(new SkeinError('agent-failed', 'No such model.'))
    await settle()
    expect(world.replies).toHaveLength(1)
    expect(world.replies[0]!.parts).toEqual([])
  })

  it('does not show people what an error says that was not written for them', async () => {
    const { world, reply } = await asked()
    reply.fail(new TypeError('secret of /etc/passwd'))
    await settle()
    expect(JSON.stringify(world.messages)).not.toContain('passwd')
    expect(world.run.error?.code).toBe('agent-failed')
    expect(world.lines.some(({ level }) => level === 'error')).toBe(true)
  })

  it('takes an end without finish, and a reply without a word, for failures', async () => {
    const cut = await asked()
    cut.reply.say('Half')
    cut.reply.end()
    await settle()
    expect(cut.world.replies[0]!.metadata.status).toBe('error')
    const silent = await asked()
    silent.reply.finish()
    await settle()
    expect(silent.world.replies[0]!.metadata.error?.message).toContain('without a word')
  })

  it('ends a request that has been silent for minutes, and keeps what had arrived', async () => {
    const { world, reply } = await asked()
    reply.say('Half')
    await world.time.advance(239_000)
    expect(world.run.state).toBe('processing')
    await world.time.advance(2000)
    expect(world.replies[0]).toMatchObject({ parts: [{ text: 'Half' }], metadata: { status: 'error', error: { code: 'agent-failed' } } })
    expect(reply.signal.aborted).toBe(true)
  })

  it('cuts a reply at the longest that a message may be', async () => {
    const { world, reply } = await asked()
    for (let i = 0; i < 70; i++) reply.say('x'.repeat(4096))
    await settle()
    expect(world.replies[0]!.metadata).toMatchObject({ status: 'complete', finishReason: 'length' })
    expect(textOfParts(world.replies[0]!.parts).length).toBeLessThanOrEqual(limits.messageBytes)
    expect(reply.signal.aborted).toBe(true)
  })

  it('keeps as much of one huge delta as a message may hold, and no half of a character', async () => {
    const { world, reply } = await asked()
    reply.say('a' + 'ä'.repeat(limits.messageBytes))
    await settle()
    expect(world.replies[0]!.metadata).toMatchObject({ status: 'complete', finishReason: 'length' })
    expect(textOfParts(world.replies[0]!.parts)).toBe('a' + 'ä'.repeat(limits.messageBytes / 2 - 1))
  })

  it('cuts a reply that changes between thoughts and words without end: each piece is several structs of the document', async () => {
    const { world, reply } = await asked()
    for (let i = 0; i < limits.partsPerReply; i++) {
      reply.think('h')
      reply.say('y')
    }
    await world.time.advance(1000)
    expect(world.replies[0]!.metadata).toMatchObject({ status: 'complete', finishReason: 'length' })
    expect(world.replies[0]!.parts).toHaveLength(limits.partsPerReply)
  })

  it('leaves out sources that are too many, and goes on with the words', async () => {
    const { world, reply } = await asked()
    for (let i = 0; i < limits.partsPerReply; i++) reply.source(`https://example.org/${i}`)
    reply.say('That is all.')
    reply.finish()
    await world.time.advance(1000)
    expect(world.replies[0]).toMatchObject({ metadata: { status: 'complete', finishReason: 'stop' } })
    expect(world.replies[0]!.parts).toHaveLength(limits.sourcesPerReply + 1)
  })

  it('ends a reply that says nothing again and again as one that is silent', async () => {
    const { world, reply } = await asked()
    for (let i = 0; i < 3; i++) {
      reply.say('')
      reply.think('')
      await world.time.advance(90_000)
    }
    expect(world.replies[0]).toMatchObject({ parts: [], metadata: { status: 'error', error: { message: expect.stringContaining('sent nothing') as string } } })
    expect(reply.signal.aborted).toBe(true)
  })

  it('ends a reply that says a word now and then and never comes to an end', async () => {
    const { world, reply } = await asked()
    for (let i = 0; i < 40 && world.replies.length === 0; i++) {
      reply.say('.')
      await world.time.advance(200_000)
    }
    expect(world.replies[0]).toMatchObject({ metadata: { status: 'error', error: { message: expect.stringContaining('not ended its reply') as string } } })
    expect(reply.signal.aborted).toBe(true)
    await world.driver.close()
    expect(world.time.pending).toBe(0)
  })

  it('takes a reply of thoughts and blanks for one without a word, and keeps the thoughts', async () => {
    const { world, reply } = await asked()
    reply.think('Hm, what now?')
    reply.say('\n \n')
    reply.finish()
    await settle()
    expect(world.replies[0]).toMatchObject({
      parts: [{ type: 'reasoning', text: 'Hm, what now?' }, { type: 'text' }],
      metadata: { status: 'error', error: { message: expect.stringContaining('without a word') as string } }
    })
  })

  it('aborts the model\'s request as soon as a stop is durable, and adds nothing to what the room sealed', async () => {
    const { world, reply, runId } = await asked()
    reply.say('Seen.')
    await settle()
    reply.say(' Unseen.')
    await world.stop(runId)
    expect(reply.signal.aborted).toBe(true)
    await world.time.advance(1000)
    expect(world.replies).toHaveLength(1)
    expect(world.replies[0]).toMatchObject({ parts: [{ text: 'Seen.' }], metadata: { status: 'cancelled' } })
    expect(world.run.state).toBe('cancelled')
    expect(world.draftTexts).toEqual([])
  })

  it('ends on a stop even when the agent ignores the abort', async () => {
    const { world, agent, runId } = await asked()
    agent.honoursAbort = false
    await world.stop(runId)
    await world.driver.close()
    expect(world.replies).toHaveLength(1)
  })

  it('lets a stop win that is taken while the last words are on their way', async () => {
    const { world, reply, runId } = await asked()
    reply.say('Seen')
    await settle()
    world.log.disk = 'hold'
    const stopped = world.stop(runId)
    reply.finish()
    await settle()
    await world.release()
    await stopped
    await world.release()
    expect(world.replies.map(({ metadata }) => metadata.status)).toEqual(['cancelled'])
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
