/** One attempt of a run, to the message that it leaves: what is sealed, and whose the last word is. */
import { describe, expect, it } from 'vitest'
import { readDrafts, replyBytes } from '../../shared/conversation/read.ts'
import { SkeinError } from '../../shared/errors.ts'
import type { MessageId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { asked, textOfParts } from '../../test/rig/agent-world.ts'
import { newRequestId } from '../../test/rig/conversation.ts'
import { settle } from '../../test/rig/manual-time.ts'
import { deriveRun } from '../room/derive-run.ts'

describe('an attempt', () => {
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
    expect(readDrafts(world.reader)).toMatchObject([{ head: { replaces: stopped!.id, parentId: messageId } }])
    expect(agent.replies[1]!.context.already).toBe('One two')
    agent.replies[1]!.say(' three')
    agent.replies[1]!.finish()
    await settle()
    expect(world.replies.map(({ parts, metadata: { status, replaces } }) => [textOfParts(parts), status, replaces])).toEqual([
      ['One two', 'cancelled', undefined], ['One two three', 'complete', stopped!.id]
    ])
    // Its first word was said long before.
    expect(world.replies[1]!.metadata.timing).toEqual({ totalMs: 0 })
  })

  it('is whole also when nothing is missing from what is continued', async () => {
    const { agent, world, messageId, runId, reply } = await asked()
    reply.say('All of it.')
    await settle()
    await world.stop(runId)
    const continues = world.replies[0]!.id
    const again = deriveRun({ requestId: newRequestId(), messageId, agentId: agent.id, askedBy: 'ann', at: world.time.now(), continues })
    await world.write('ann', writer => writer.setRun(again))
    agent.replies[1]!.finish()
    await settle()
    expect(world.replies[1]).toMatchObject({ parts: [{ text: 'All of it.' }], metadata: { status: 'complete' } })
  })

  it('is told the prompt and the mode that were in force when it was asked for', async () => {
    const { agent, world, messageId } = await asked()
    const run = (more: object) =>
      ({ ...deriveRun({ requestId: newRequestId(), messageId, agentId: agent.id, askedBy: 'ann', at: world.time.now() }), ...more })
    await world.write('ann', writer => {
      writer.setMeta('system', 'As it is now.')
      writer.setRun(run({ system: 'As it was.', mode: 'plan' }))
      writer.setRun(run({ system: '' }))
      writer.setRun(run({}))
    })
    expect(agent.replies.slice(1).map(({ context: { system, mode } }) => [system, mode]).toSorted()).toEqual([
      ['', 'chat'], ['As it is now.', 'chat'], ['As it was.', 'plan']
    ])
  })

  it('counts what a continued reply begins with to what one message may hold: its thoughts, its sources and its pieces', async () => {
    const { agent, world, messageId, runId, reply } = await asked()
    const goOn = (continues: MessageId): Promise<void> => world.write('ann', writer => writer.setRun(deriveRun({
      requestId: newRequestId(), messageId, agentId: agent.id, askedBy: 'ann', at: world.time.now(), replaces: continues, continues
    })))
    for (let n = 0; n < limits.sourcesPerReply; n++) reply.source(`https://example.org/${n}`)
    for (let n = 0; n < 100; n++) {
      reply.think('h'.repeat(2000))
      reply.say('y')
    }
    await world.time.advance(1000)
    await world.stop(runId)
    await goOn(world.replies.at(-1)!.id)
    const [, second] = agent.replies
    second!.source('https://example.org/one-too-many')
    for (let n = 0; n < 100; n++) {
      second!.think('h'.repeat(1000))
      second!.say('y')
    }
    await world.time.advance(1000)
    const { parts, metadata } = world.replies.at(-1)!
    expect(metadata).toMatchObject({ status: 'complete', finishReason: 'length' })
    expect(parts.filter(({ type }) => type === 'source-url')).toHaveLength(limits.sourcesPerReply)
    expect(replyBytes(parts)).toBeLessThanOrEqual(limits.messageBytes)
    expect(replyBytes(parts)).toBeGreaterThan(limits.messageBytes - 4000)

    const other = await asked()
    for (let n = 0; n < 225; n++) {
      other.reply.say('y')
      other.reply.think('h')
    }
    await other.world.time.advance(1000)
    await other.world.stop(other.runId)
    const [half] = other.world.replies
    expect(half!.parts).toHaveLength(450)
    await other.world.write('ann', writer => writer.setRun(deriveRun({
      requestId: newRequestId(), messageId: other.messageId, agentId: other.agent.id, askedBy: 'ann', at: 1, replaces: half!.id, continues: half!.id
    })))
    for (let n = 0; n < 50; n++) {
      other.agent.replies[1]!.think('h')
      other.agent.replies[1]!.say('y')
    }
    await other.world.time.advance(1000)
    expect(other.world.replies.at(-1)!.parts).toHaveLength(limits.partsPerReply)
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
    const error = { code: 'target-unknown', message: 'The message was removed before it was answered.' }
    expect(world.replies.at(-1)).toMatchObject({ metadata: { status: 'error', error } })
  })

  it('says that what was to be answered is gone', async () => {
    const { agent, world } = await asked()
    const messageId = newRequestId() as string as MessageId
    await world.write('ann', writer => writer.setRun(deriveRun({ requestId: newRequestId(), messageId, agentId: agent.id, askedBy: 'ann', at: 1 })))
    expect(agent.replies).toHaveLength(1)
    expect(world.replies).toMatchObject([{ metadata: { parentId: messageId, status: 'error', error: { code: 'target-unknown' } } }])
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

  it.each([
    ['its words, from the first one on', { outputTokens: 40 }, 20],
    ['thoughts that arrive beside them', { outputTokens: 160 }, 80],
    ['its words alone where it tells how many of its tokens were thoughts, which may never arrive', { outputTokens: 1040, reasoningTokens: 1000 }, 40],
    ['nothing of what is not told', {}, undefined],
  ])('tells how fast the model speaks: %s', async (_, usage, tokensPerSecond) => {
    const { world, reply } = await asked()
    await world.time.advance(60_000)
    reply.think('Hm.')
    await world.time.advance(1000)
    reply.say('Fine')
    await world.time.advance(1000)
    reply.finish(usage)
    await settle()
    const speed = tokensPerSecond !== undefined && { tokensPerSecond }
    expect(world.replies[0]!.metadata.timing).toEqual({ firstTokenMs: 60_000, totalMs: 62_000, ...speed })
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
})
