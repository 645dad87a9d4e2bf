/** Requests about replies: another one, the same again, its continuation, its end. */
import { describe, expect, it } from 'vitest'
import { readMessages, readRuns } from '../../shared/conversation/read.ts'
import { proposeContinue, proposeRegenerate, proposeRetry, proposeStop } from '../../shared/conversation/write.ts'
import type { DraftId, MessageId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { messageTexts, newRequestId } from '../../test/rig/conversation.ts'
import { bob, bot, conversation } from '../../test/rig/taking.ts'
import { advanceRun } from './advance-run.ts'

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
      advanceRun(writer, begun, { type: 'completed', at: 5 })
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
})
