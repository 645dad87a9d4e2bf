/** Requests about replies: another one, the same again, its continuation, its end. */
import { describe, expect, it } from 'vitest'
import { readMessages, readRuns } from '../../shared/conversation/read.ts'
import { proposeContinue, proposeRegenerate, proposeRetry, proposeStop } from '../../shared/conversation/write.ts'
import type { Request, Run } from '../../shared/conversation/schema.ts'
import type { AgentId, BotId, DraftId, MessageId, UserId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { messageTexts, newRequestId } from '../../test/rig/conversation.ts'
import { ada, bob, bot, conversation } from '../../test/rig/taking.ts'
import type { Principal } from '../../shared/principal.ts'
import { advanceRun } from './advance-run.ts'
import { performRequest } from './perform-request.ts'

describe('taking a request for a reply, or for its end', () => {
  it('stops a run: what was streamed is sealed as cancelled, and a second stop finds it finished', () => {
    const { doc, say, ask, write } = conversation()
    say('talk')
    const run = readRuns(doc)[0]!
    write(writer => {
      const draftId = run.replyId as string as never
      writer.openDraft(draftId, { kind: 'agent', authorId: 'agent:echo', agentId: bot, runId: run.id, replyId: run.replyId, parentId: run.messageId, createdAt: 1 }, [{ type: 'text', text: 'half a' }])
      writer.setRun({ ...run, state: 'processing', draftId })
    })
    expect(ask(proposeStop(run.id, 1))).toMatchObject({ status: 'accepted' })
    expect(messageTexts(doc)).toEqual(['talk', 'half a'])
    expect(readMessages(doc).at(-1)?.metadata).toMatchObject({ status: 'cancelled', authorName: 'Echo' })
    expect(readRuns(doc)[0]).toMatchObject({ state: 'cancelled', draftId: null })
    expect(doc.getMap('drafts').size).toBe(0)
    expect(ask(proposeStop(run.id, 1))).toMatchObject({ code: 'run-finished' })
    expect(ask(proposeStop(newRequestId() as never, 1))).toMatchObject({ code: 'target-unknown' })
  })

  it('finds a run finished also when a later one has taken its place', () => {
    const { doc, say, ask, write } = conversation()
    say('talk')
    const [run] = readRuns(doc)
    write(writer => { advanceRun(writer, run!, { type: 'failed', error: { code: 'agent-failed', message: 'no' }, at: 5 }) })
    say('again')
    expect(readRuns(doc).map(({ id }) => id)).not.toContain(run!.id)
    expect(ask(proposeStop(run!.id, 1))).toMatchObject({ code: 'run-finished' })
  })

  it('stops a run that nobody has begun: it ends with an empty reply and is never begun', () => {
    const { doc, say, ask } = conversation()
    say('talk')
    const run = readRuns(doc)[0]!
    expect(ask(proposeStop(run.id, 1), bob, 'editor')).toMatchObject({ status: 'accepted' })
    expect(readMessages(doc).at(-1)).toMatchObject({ id: run.replyId, parts: [], metadata: { status: 'cancelled' } })
    expect(readRuns(doc)[0]).toMatchObject({ state: 'cancelled', attempt: 1 })
  })

  it('lets who only reads stop nothing, and ask for nothing', () => {
    const { doc, say, ask, write } = conversation()
    const question = say('talk')
    const run = readRuns(doc)[0]!
    expect(ask(proposeStop(run.id, 1), bob, 'viewer')).toMatchObject({ code: 'viewer' })
    expect(readRuns(doc)[0]).toMatchObject({ state: 'pending' })
    write(writer => advanceRun(writer, run, { type: 'failed', error: { code: 'agent-failed', message: 'no' }, at: 5 }))
    for (const request of [proposeRegenerate(question, 1), proposeRetry(run.replyId, 1), proposeContinue(run.replyId, 1)]) {
      expect(ask(request, bob, 'viewer')).toMatchObject({ code: 'viewer' })
    }
    expect(readRuns(doc)).toHaveLength(1)
  })

  it('regenerates a reply as an alternative to it, asked by the same message', () => {
    const { doc, say, ask, write } = conversation()
    const question = say('why?')
    const run = readRuns(doc)[0]!
    write(writer => advanceRun(writer, run, { type: 'failed', error: { code: 'agent-failed', message: 'no' }, at: 5 }))
    expect(ask(proposeRegenerate(run.replyId, 1))).toMatchObject({ status: 'accepted' })
    expect(readRuns(doc)).toMatchObject([{ state: 'pending', messageId: question, replaces: run.replyId }])
    expect(ask(proposeRegenerate(question, 1))).toMatchObject({ status: 'accepted' })
    expect(ask(proposeRegenerate(newRequestId() as string as MessageId, 1))).toMatchObject({ code: 'target-unknown' })
  })

  it('asks again in the mode of the question, and each answer is an alternative to the first one', () => {
    const { doc, say, ask, write } = conversation()
    say('why?', ada, null, { mode: 'plan' })
    const fail = (): Run => {
      const run = readRuns(doc).find(({ state }) => state === 'pending')!
      write(writer => { advanceRun(writer, run, { type: 'failed', error: { code: 'agent-failed', message: 'no' }, at: 5 }) })
      return run
    }
    const first = fail()
    let last = first
    for (const propose of [proposeRegenerate, proposeRetry, proposeContinue, proposeRegenerate, proposeRetry]) {
      expect(ask(propose(last.replyId, 1))).toMatchObject({ status: 'accepted' })
      last = fail()
      expect(last).toMatchObject({ mode: 'plan', replaces: first.replyId, messageId: first.messageId })
    }
    expect(readMessages(doc).slice(1).map(({ metadata: { mode, replaces } }) => [mode, replaces])).toEqual([
      ['plan', undefined], ...Array.from({ length: 5 }, () => ['plan', first.replyId])
    ])
  })

  it('is asked by whose bot it is when a bot asks, and a bot that is asked is named as it is now', () => {
    const { doc, say, write, messages } = conversation()
    const question = say('why?')
    const [run] = readRuns(doc)
    const deploys = { id: 'bot-deploys' as BotId, name: 'Deploys', of: { id: ada.id, name: 'Ada' } }
    write(writer => {
      advanceRun(writer, { ...run!, agentId: deploys.id }, { type: 'failed', error: { code: 'agent-failed', message: 'no' }, at: 5 })
    })
    const robot: Principal = { kind: 'agent', id: 'bot-other' as UserId, name: 'Other', bot: { id: 'bot-other' as BotId, name: 'Other', of: bob } }
    const all = [{ id: deploys.id, name: deploys.name }]
    const agents = { defaultAgent: bot, nameOf: (id: AgentId) => all.find(each => each.id === id)?.name, all, botOf: () => deploys }
    const context = { principal: robot, role: 'editor' as const, now: 6, taken: () => undefined, agents, mayAsk: () => true }
    expect(messages.count).toBe(2)
    const asking: Request[] = [
      proposeRegenerate(question, 1, deploys.id), proposeRegenerate(run!.replyId, 1),
      proposeRetry(run!.replyId, 1), proposeContinue(run!.replyId, 1)
    ]
    for (const request of asking) {
      const requestId = newRequestId()
      write(writer => performRequest(writer, requestId, request, context))
      expect(readRuns(doc).find(each => each.requestId === requestId)).toMatchObject({ askedBy: 'bob', agentId: deploys.id, bot: deploys })
    }
  })

  it('has one run of each request, also when nobody remembers that it was taken', () => {
    const { doc, say, ask, write } = conversation()
    say('why?')
    const [run] = readRuns(doc)
    write(writer => { advanceRun(writer, run!, { type: 'failed', error: { code: 'agent-failed', message: 'no' }, at: 5 }) })
    const requestId = newRequestId()
    const agents = { defaultAgent: bot, nameOf: () => 'Echo', all: [] }
    const context = { principal: ada, role: 'owner' as const, now: 6, taken: () => undefined, agents, mayAsk: () => true }
    const retry = (): void => void write(writer => performRequest(writer, requestId, proposeRetry(run!.replyId, 1), context))
    retry()
    expect(retry).toThrow(expect.objectContaining({ code: 'id-conflict' }) as Error)
    expect(ask(proposeStop(readRuns(doc)[0]!.id, 1))).toMatchObject({ status: 'accepted' })
    expect(retry).toThrow(expect.objectContaining({ code: 'id-conflict' }) as Error)
    ask(proposeRetry(run!.replyId, 1))
    expect(retry).toThrow(expect.objectContaining({ code: 'id-conflict' }) as Error)
    expect(readRuns(doc)).toHaveLength(1)
  })

  it('asks nobody who is not there (any more)', () => {
    const { doc, say, ask, write } = conversation()
    const question = say('why?')
    const [run] = readRuns(doc)
    expect(ask(proposeRegenerate(question, 1, 'nobody' as AgentId))).toMatchObject({ code: 'agent-unknown' })
    write(writer => {
      advanceRun(writer, { ...run!, agentId: 'gone' as AgentId }, { type: 'failed', error: { code: 'agent-failed', message: 'no' }, at: 5 })
    })
    for (const propose of [proposeRegenerate, proposeRetry, proposeContinue]) {
      expect(ask(propose(run!.replyId, 1))).toMatchObject({ code: 'agent-unknown' })
    }
    expect(ask(proposeRegenerate(run!.replyId, 1, 'oracle' as AgentId))).toMatchObject({ status: 'accepted' })
    expect(readRuns(doc).at(-1)).toMatchObject({ agentId: 'oracle', replaces: run!.replyId })
  })

  it('asks the server\'s own agent where that of the conversation is gone', () => {
    const { doc, say, write } = conversation()
    write(writer => writer.setMeta('agent', 'gone'))
    say('Is anybody there?')
    expect(readRuns(doc)).toMatchObject([{ agentId: bot }])
  })

  it('tries a reply again that did not end well, and continues one that broke off, each as an alternative', () => {
    const { doc, say, ask, write } = conversation()
    const question = say('why?')
    const [run] = readRuns(doc)
    write(writer => {
      const draftId = newRequestId() as string as DraftId
      const { run: begun } = advanceRun(writer, run!, { type: 'taken-up', draftId, seen: [{ type: 'text', text: 'Because' }], onInterruption: 'seal', asked: true, at: 4 })
      advanceRun(writer, begun, { type: 'stopped', at: 5 })
    })
    const { replyId } = run!
    expect(ask(proposeRetry(replyId, 1))).toMatchObject({ status: 'accepted' })
    expect(readRuns(doc).at(-1)).toMatchObject({ state: 'pending', messageId: question, replaces: replyId })
    expect(readRuns(doc).at(-1)).not.toHaveProperty('continues')
    expect(ask(proposeContinue(replyId, 1))).toMatchObject({ status: 'accepted' })
    expect(readRuns(doc).filter(({ continues }) => continues === replyId)).toMatchObject([{ state: 'pending', messageId: question, replaces: replyId }])
  })

  it('has nothing to try again or to continue in a whole reply, in a person\'s message, and where there is none', () => {
    const { doc, say, ask, write } = conversation()
    const question = say('why?')
    const [run] = readRuns(doc)
    const draftId = newRequestId() as string as DraftId
    write(writer => {
      const { run: begun } = advanceRun(writer, run!, { type: 'taken-up', draftId, seen: [], onInterruption: 'seal', asked: true, at: 4 })
      advanceRun(writer, begun, { type: 'completed', at: 5 }, { finishReason: 'stop' })
    })
    for (const propose of [proposeRetry, proposeContinue]) {
      expect(ask(propose(run!.replyId, 1))).toMatchObject({ code: 'invalid-request' })
      expect(ask(propose(question, 1))).toMatchObject({ code: 'invalid-request' })
      expect(ask(propose(newRequestId() as string as MessageId, 1))).toMatchObject({ code: 'target-unknown' })
    }
  })

  it('continues a reply that is as long as it may be, and begins anew where there is no word to go on from', () => {
    const { doc, say, ask, write } = conversation()
    say('why?')
    const [run] = readRuns(doc)
    const draftId = newRequestId() as string as DraftId
    const seen = [{ type: 'text' as const, text: 'Because' }]
    write(writer => {
      const { run: begun } = advanceRun(writer, run!, { type: 'taken-up', draftId, seen, onInterruption: 'seal', asked: true, at: 4 })
      advanceRun(writer, begun, { type: 'completed', at: 5 }, { finishReason: 'length' })
    })
    expect(ask(proposeContinue(run!.replyId, 1))).toMatchObject({ status: 'accepted' })
    const going = readRuns(doc).at(-1)!
    expect(going).toMatchObject({ continues: run!.replyId })
    write(writer => { advanceRun(writer, going, { type: 'failed', error: { code: 'agent-failed', message: 'no' }, at: 6 }) })
    expect(ask(proposeContinue(going.replyId, 1))).toMatchObject({ status: 'accepted' })
    expect(readRuns(doc).at(-1)).not.toHaveProperty('continues')
  })

  it('continues no reply that fills a message: the model would be asked for what there is no room for', () => {
    const { doc, say, ask, write } = conversation()
    say('why?')
    const [run] = readRuns(doc)
    const seen = [{ type: 'text' as const, text: 'ä'.repeat(limits.messageBytes / 2 - 1) }]
    write(writer => {
      const draftId = newRequestId() as string as DraftId
      const { run: begun } = advanceRun(writer, run!, { type: 'taken-up', draftId, seen, onInterruption: 'seal', asked: true, at: 4 })
      advanceRun(writer, begun, { type: 'completed', at: 5 }, { finishReason: 'length' })
    })
    expect(ask(proposeContinue(run!.replyId, 1))).toMatchObject({ code: 'invalid-request', reason: expect.stringContaining('as long as a message may be') as string })
    expect(readRuns(doc)).toHaveLength(1)
  })

  it.each([
    ['whose thoughts fill a message', [{ type: 'reasoning' as const, text: 'x'.repeat(limits.messageBytes - 10) }, { type: 'text' as const, text: 'Because' }]],
    ['of as many pieces as a reply may have', Array.from({ length: limits.partsPerReply }, () => ({ type: 'text' as const, text: 'So' }))],
  ])('continues no reply %s either', (_, seen) => {
    const { doc, say, ask, write } = conversation()
    say('why?')
    const [run] = readRuns(doc)
    write(writer => {
      const draftId = newRequestId() as string as DraftId
      const { run: begun } = advanceRun(writer, run!, { type: 'taken-up', draftId, seen, onInterruption: 'seal', asked: true, at: 4 })
      advanceRun(writer, begun, { type: 'completed', at: 5 }, { finishReason: 'length' })
    })
    expect(ask(proposeContinue(run!.replyId, 1))).toMatchObject({ code: 'invalid-request' })
  })
})
