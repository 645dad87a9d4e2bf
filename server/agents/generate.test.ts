/** What becomes of an agent that falls silent, says too much, or does not come to an end. */
import { describe, expect, it } from 'vitest'
import { replyBytes } from '../../shared/conversation/read.ts'
import { limits } from '../../shared/limits.ts'
import { asked, textOfParts } from '../../test/rig/agent-world.ts'
import { settle } from '../../test/rig/manual-time.ts'

describe('a reply without an end of its own', () => {
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

  it('counts the addresses of sources to the longest that a message may be', async () => {
    const { world, reply } = await asked()
    for (let i = 0; i < 100; i++) reply.source(`https://example.org/${'x'.repeat(2000)}${i}`)
    reply.finish()
    await world.time.advance(1000)
    expect(world.replies[0]!.metadata).toMatchObject({ finishReason: 'length' })
    expect(replyBytes(world.replies[0]!.parts)).toBeLessThanOrEqual(limits.messageBytes)
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
})
