/** A conversation that is longer than its agent reads: what is summarised, how often, and what becomes of it. */
import { describe, expect, it } from 'vitest'
import { readMessages, readSummaries, textOf } from '../../shared/conversation/read.ts'
import type { Message, Summary } from '../../shared/conversation/schema.ts'
import { conversationName } from '../../shared/ids.ts'
import type { AgentId, RunId } from '../../shared/ids.ts'
import { TransactionWriter } from '../room/conversation-writer.ts'
import { deriveRun } from '../room/derive-run.ts'
import { limits } from '../../shared/limits.ts'
import { AgentWorld, textOfParts } from '../../test/rig/agent-world.ts'
import type { AgentWorldOptions } from '../../test/rig/agent-world.ts'
import { newRequestId } from '../../test/rig/conversation.ts'
import { settle } from '../../test/rig/manual-time.ts'
import { ScriptedAgent } from '../../test/rig/scripted-agent.ts'
import { until } from '../../test/rig/until.ts'
import { RECOVER_EVERY_MS } from './driver.ts'
import type { Reply } from '../../test/rig/scripted-agent.ts'

const agentOf = (contextTokens: number | null = 4000, id = 'scripted'): ScriptedAgent => {
  const agent = new ScriptedAgent('seal', id)
  if (contextTokens !== null) agent.contextTokens = contextTokens
  return agent
}

/** Messages of about a hundred tokens each, sealed already. */
const fill = (world: AgentWorld, count: number): Promise<void> => world.write('ann', writer => {
  for (let n = 0; n < count; n++) {
    const parentId = readMessages(writer.doc).at(-1)?.id ?? null
    const metadata = { parentId, authorId: 'ann', authorName: 'Ann', createdAt: 1, acceptedAt: 1, status: 'complete' } as const
    writer.appendMessage({ id: newRequestId() as string as Message['id'], role: 'user', parts: [{ type: 'text', text: `Number ${n}. `.padEnd(276, '.') }], metadata })
  }
})

const start = async (agents: readonly [ScriptedAgent, ...ScriptedAgent[]], count: number, options?: AgentWorldOptions) => {
  const world = await AgentWorld.start(agents, options)
  await fill(world, count)
  return world
}

const summariesOf = (world: AgentWorld): Summary[] => readSummaries(world.reader)
const asked = ({ context }: Reply): string => context.messages.map(({ parts }) => textOf(parts)).join('\n')
const isSummarising = ({ context }: Reply): boolean => context.system.startsWith('You write the summary')
const answer = async (reply: Reply, text: string): Promise<void> => {
  reply.say(text)
  reply.finish()
  await settle()
}

describe('a conversation that fits', () => {
  it.each([['into the window', 4000, 10], ['since nobody knows how much the agent reads', null, 200]])('%s is read whole', async (_, contextTokens, count) => {
    const agent = agentOf(contextTokens)
    const world = await start([agent], count)
    await world.say('And now?')
    expect(agent.reply1.context.messages).toHaveLength(count + 1)
    expect(agent.reply1.context.earlier).toBe('')
  })
})

describe('a conversation that does not fit', () => {
  it('is one that would fit without its system prompt, or without the beginning of the reply that goes on', async () => {
    const agent = agentOf()
    const world = await start([agent], 20)
    await world.write('ann', writer => writer.setMeta('system', 'x'.repeat(6000)))
    await world.say('And now?')
    expect(isSummarising(agent.reply1)).toBe(true)

    const going = agentOf()
    const other = await start([going], 20)
    const { messageId, runIds: [runId] } = await other.say('And now?')
    going.reply1.say('x'.repeat(6000))
    await settle()
    await other.stop(runId!)
    await other.write('ann', writer => writer.setRun(deriveRun({
      requestId: newRequestId(), messageId, agentId: going.id, askedBy: 'ann', at: 1, continues: other.replies[0]!.id
    })))
    expect(going.replies.map(isSummarising)).toEqual([false, true])
  })

  it('is summarised once, the summary is stored before it is used, and the reply goes on from there', async () => {
    const agent = agentOf()
    const world = await start([agent], 40)
    await world.say('And now?')
    expect(isSummarising(agent.reply1)).toBe(true)
    expect(asked(agent.reply1)).toContain('Ann:\nNumber 0.')
    expect(asked(agent.reply1)).not.toContain('Number 20.')
    expect(world.draftTexts).toEqual([''])
    await answer(agent.reply1, 'They counted to 19.')

    expect(summariesOf(world)).toMatchObject([{ messages: 20, text: 'They counted to 19.', agentId: 'scripted', model: 'scripted-1', usage: { totalTokens: 3 }, through: world.messages[19]!.id }])
    const second = agent.replies[1]!
    expect(second.context.earlier).toBe('They counted to 19.')
    expect(second.context.messages.map(({ parts }) => textOf(parts).slice(0, 10))[0]).toBe('Number 20.')
    expect(second.context.messages).toHaveLength(21)
    await answer(second, 'It goes on.')
    expect(textOfParts(world.replies[0]!.parts)).toBe('It goes on.')

    await world.say('And again?')
    expect(agent.replies).toHaveLength(3)
    expect(agent.replies[2]!.context.earlier).toBe('They counted to 19.')
  })

  it('is shown to who summarises it with who said it, cut where one message is longer than can be read, and asks for no plan', async () => {
    const agent = agentOf(1000)
    const world = await start([agent], 0)
    const { messageId } = await world.say('x'.repeat(30_000))
    agent.replies.at(-1)!.say('y'.repeat(2400))
    agent.replies.at(-1)!.finish()
    await settle()
    await world.write('ann', writer => {
      const requestId = newRequestId()
      const id = requestId as string as Message['id']
      const metadata = { parentId: messageId, authorId: 'ann', authorName: 'Ann', createdAt: 1, acceptedAt: 1, status: 'complete', mode: 'plan' } as const
      writer.appendMessage({ id, role: 'user', parts: [{ type: 'text', text: 'And now?' }], metadata })
      writer.setRun(deriveRun({ requestId, messageId: id, agentId: agent.id, askedBy: 'ann', mode: 'plan', at: 1 }))
    })
    const [, first] = agent.replies
    expect(isSummarising(first!)).toBe(true)
    expect(asked(first!)).toMatch(/^ann:\nx+…$/)
    expect(Buffer.byteLength(asked(first!))).toBeLessThanOrEqual(1500)
    await answer(first!, 'Many of x.')
    const second = agent.replies[2]!
    expect(asked(second)).toContain('Scripted (AI):\ny')
    expect([first!.context.mode, second.context.mode]).toEqual(['chat', 'chat'])
  })

  it('and grows on is summarised from the summary on, never from the beginning', async () => {
    const agent = agentOf()
    const world = await start([agent], 40)
    await world.say('One')
    await answer(agent.reply1, 'They counted to 19.')
    await answer(agent.replies[1]!, 'Yes.')
    await fill(world, 20)
    await world.say('Two')
    const [, , third] = agent.replies
    expect(isSummarising(third!)).toBe(true)
    expect(asked(third!)).toContain('Summary of what was said before:\nThey counted to 19.')
    expect(asked(third!)).not.toContain('Number 0. .')
    await answer(third!, 'They counted on.')
    expect(summariesOf(world).map(({ text }) => text)).toEqual(['They counted to 19.', 'They counted on.'])
    expect(agent.replies[3]!.context.earlier).toBe('They counted on.')
  })

  it('far longer is summarised in pieces, and past the most of one attempt it says so; another try goes on from there', async () => {
    const agent = agentOf(1000)
    const world = await start([agent], 6 * limits.summariesPerAttempt + 20)
    const { messageId } = await world.say('And now?')
    for (let n = 0; n < limits.summariesPerAttempt; n++) await answer(agent.replies[n]!, `Summary ${n}`)
    expect(world.replies.at(-1)).toMatchObject({ metadata: { status: 'error', error: { code: 'agent-failed', message: expect.stringContaining('try again') as string } } })
    expect(summariesOf(world)).toHaveLength(limits.summariesPerAttempt)
    expect(messageId).toBe(world.messages.at(-2)!.id)
    await world.say('Again')
    expect(asked(agent.replies[limits.summariesPerAttempt]!)).toContain(`Summary ${limits.summariesPerAttempt - 1}`)
  })

  it('is not summarised twice when the process dies: neither what was stored, nor with two summaries of what was not', async () => {
    const agent = agentOf()
    const world = await start([agent], 40)
    await world.say('And now?')
    const again = agentOf()
    const second = await world.crash([again])
    expect(isSummarising(again.reply1)).toBe(true)
    await answer(again.reply1, 'In short.')
    const last = agentOf()
    const third = await second.crash([last])
    expect(last.reply1.context.earlier).toBe('In short.')
    await answer(last.reply1, 'Here I am.')
    expect(summariesOf(third)).toHaveLength(1)
    expect(third.replies.map(({ parts }) => textOfParts(parts))).toEqual(['Here I am.'])
  })

  it.each(['fail', 'lie'] as const)('is summarised once although the disk fails when it is to be stored (%s), and is used when it can be', async disk => {
    const agent = agentOf()
    const world = await start([agent], 40)
    await world.say('And now?')
    world.log.disk = disk
    await answer(agent.reply1, 'In short.')
    world.log.disk = 'auto'
    await until('the run is taken up again', async () => {
      await world.time.advance(1000)
      return agent.replies.length > 1
    })
    expect(agent.replies.map(isSummarising)).toEqual([true, false])
    expect(agent.replies[1]!.context.earlier).toBe('In short.')
    expect(summariesOf(await world.crash([agentOf()]))).toMatchObject([{ text: 'In short.' }])
  })

  it('is summarised once for two agents that are asked at once', async () => {
    const [one, two] = [agentOf(4000, 'one'), agentOf(4000, 'two')]
    const world = await start([one, two], 40)
    await world.say('Both?', ['one' as AgentId, 'two' as AgentId])
    expect([one.replies.length, two.replies.length]).toEqual([1, 0])
    await answer(one.reply1, 'In short.')
    expect(two.reply1.context.earlier).toBe('In short.')
    expect(summariesOf(world)).toHaveLength(1)
  })

  it('has one summary also where another process made one of the same meanwhile: the first that is stored is what both read', async () => {
    const [one, two] = [agentOf(4000, 'one'), agentOf(4000, 'two')]
    let first: RunId | null = null
    const held = { lost: new AbortController().signal, release: () => {} }
    const world = await start([one, two], 40, { leases: { acquire: async id => (first ??= id) === id ? held : null } })
    world.addDriver({ acquire: async id => id === first ? null : held })
    await world.say('Both?', ['one' as AgentId, 'two' as AgentId])
    expect([isSummarising(one.reply1), isSummarising(two.reply1)]).toEqual([true, true])
    await answer(one.reply1, 'The first one.')
    await answer(two.reply1, 'The second one.')
    expect(summariesOf(world).map(({ text }) => text)).toEqual(['The first one.'])
    expect([one.replies[1]!.context.earlier, two.replies[1]!.context.earlier]).toEqual(['The first one.', 'The first one.'])
  })
})

it('what is said in another conversation under the same ids is summarised for itself', async () => {
  const agent = agentOf()
  const world = await AgentWorld.start([agent])
  const ids = Array.from({ length: 40 }, () => newRequestId() as string as Message['id'])
  const sayAs = (what: string): Promise<void> => world.write('ann', writer => {
    for (const [n, id] of ids.entries()) {
      const metadata = { parentId: ids[n - 1] ?? null, authorId: 'ann', authorName: 'Ann', createdAt: 1, acceptedAt: 1, status: 'complete' } as const
      writer.appendMessage({ id, role: 'user', parts: [{ type: 'text', text: what.padEnd(276, '.') }], metadata })
    }
  })
  await sayAs('The truth')
  world.name = conversationName('other')!
  await sayAs('A lie')
  await world.say('And now?')
  await answer(agent.reply1, 'Lies.')
  world.name = conversationName('test')!
  await world.say('And now?')
  const [, , again] = agent.replies
  expect(isSummarising(again!)).toBe(true)
  expect(asked(again!)).toContain('The truth')
})

describe('summarising that ends otherwise', () => {
  it('is stopped with the run', async () => {
    const agent = agentOf()
    const world = await start([agent], 40)
    const { runIds } = await world.say('And now?')
    await world.stop(runIds[0]!)
    expect(agent.reply1.signal.aborted).toBe(true)
    await answer(agent.reply1, 'Too late.')
    expect(summariesOf(world)).toEqual([])
    expect(world.replies).toMatchObject([{ metadata: { status: 'cancelled' } }])
  })

  it('is not stored when it tells a name that is gone by now: it is made anew, without it', async () => {
    const agent = agentOf()
    const world = await start([agent], 40)
    await world.driver.start()
    await world.say('And now?', undefined, 'bob')
    await world.write('server', writer => writer.renameAuthor(['ann'], 'Deleted account'))
    await answer(agent.reply1, 'Ann counted.')
    expect(summariesOf(world)).toEqual([])
    await world.time.advance(RECOVER_EVERY_MS)
    expect(isSummarising(agent.replies[1]!)).toBe(true)
    expect(asked(agent.replies[1]!)).not.toContain('Ann:')
    await world.driver.close()
  })

  it.each([
    ['fails as the reply would', (reply: Reply) => reply.fail(new Error('no')), 'agent-failed'],
    ['says so when the model has no words', (reply: Reply) => reply.finish(), 'agent-failed']
  ])('%s', async (_, end, code) => {
    const agent = agentOf()
    const world = await start([agent], 40)
    await world.say('And now?')
    end(agent.reply1)
    await settle()
    expect(world.replies).toMatchObject([{ metadata: { status: 'error', error: { code } } }])
    expect(summariesOf(world)).toEqual([])
  })

  it('counts as a reply of a language model, and ends with the person\'s share', async () => {
    const agent = Object.assign(agentOf(), { isLanguageModel: true })
    let left = 1
    const budget = { spend: async () => left-- > 0 ? null : { whose: 'person' as const, againInMs: 1000 } }
    const world = await start([agent], 40, { budget })
    await world.say('And now?')
    expect(agent.replies).toHaveLength(0)
    expect(world.replies).toMatchObject([{ metadata: { error: { code: 'budget-spent' } } }])
  })

  it('costs nothing where the agent costs nothing', async () => {
    const agent = agentOf()
    await (await start([agent], 40, { budget: { spend: async () => ({ whose: 'person', againInMs: 1000 }) } })).say('And now?')
    expect(isSummarising(agent.reply1)).toBe(true)
  })

  it('is cut to what a summary may be, between characters', async () => {
    const agent = agentOf(100_000)
    const world = await start([agent], 1000)
    await world.say('And now?')
    await answer(agent.reply1, '漢'.repeat(limits.summaryBytes))
    const [summary] = summariesOf(world)
    expect(Buffer.byteLength(summary!.text)).toBeLessThanOrEqual(limits.summaryBytes)
    expect(summary!.text).toMatch(/^漢+…$/)
  })
})

describe('what a summary may tell', () => {
  const summarised = async () => {
    const agent = agentOf()
    const world = await start([agent], 40)
    await world.say('And now?')
    await answer(agent.reply1, 'They counted to 19.')
    await answer(agent.replies[1]!, 'Yes.')
    return { agent, world }
  }
  const redact = (world: AgentWorld, index: number): Promise<void> => world.write('ann', writer => {
    if (!(writer instanceof TransactionWriter)) throw new Error('another writer')
    writer.redactMessage(readMessages(writer.doc)[index]!, 'ann', 1)
  })

  it('goes with any message that it stands for, and stays with one that came later', async () => {
    const { agent, world } = await summarised()
    await redact(world, 30)
    expect(summariesOf(world)).toHaveLength(1)
    await redact(world, 7)
    expect(summariesOf(world)).toEqual([])
    expect(JSON.stringify(world.reader.toJSON())).not.toContain('They counted')
    await world.say('Again')
    expect(isSummarising(agent.replies[2]!)).toBe(true)
    expect(asked(agent.replies[2]!)).not.toContain('Number 7.')
  })

  it.each([['the first', 0, 0], ['the last but one', 18, 0], ['the last', 19, 0], ['the one after', 20, 1]])('goes with %s of them', async (_, index, left) => {
    const { world } = await summarised()
    await redact(world, index)
    expect(summariesOf(world)).toHaveLength(left)
  })

  it('goes with the name of somebody who left', async () => {
    const { world } = await summarised()
    await world.write('server', writer => writer.renameAuthor(['ann'], 'Deleted account'))
    expect(summariesOf(world)).toEqual([])
  })
})
