/** What becomes of the other kinds of requests. */
import { describe, expect, it } from 'vitest'
import { readMessages, readMeta, readReactions, readRuns } from '../../shared/conversation/read.ts'
import { proposeReact, proposeRedact, proposeSend, proposeSetMeta } from '../../shared/conversation/write.ts'
import { limits } from '../../shared/limits.ts'
import { messageTexts } from '../../test/rig/conversation.ts'
import { ada, bob, bot, conversation } from '../../test/rig/taking.ts'

describe('taking other requests', () => {
  it('redacts one\'s own message, keeps what threads need, and still knows it as a parent', () => {
    const { doc, say, ask } = conversation()
    const id = say('secret', ada, null, { to: [] })
    expect(ask(proposeRedact(id, 1), bob, 'editor')).toMatchObject({ code: 'not-author' })
    expect(ask(proposeRedact(id, 1))).toMatchObject({ status: 'accepted' })
    expect(messageTexts(doc)).toEqual([])
    expect(doc.getMap('redactions').get(id)).toMatchObject({ by: 'ada', parentId: null })
    expect(ask(proposeSend({ parts: [{ type: 'text', text: 'next' }], parentId: id }, 2))).toMatchObject({ status: 'accepted' })
  })

  it('ends replies in progress without their words when something they may have read is taken out', () => {
    const { doc, say, ask, write } = conversation()
    const id = say('secret')
    const run = readRuns(doc)[0]!
    write(writer => {
      const draftId = run.replyId as string as never
      const head = { kind: 'agent' as const, authorId: 'agent:echo', agentId: bot, runId: run.id, replyId: run.replyId, parentId: id, createdAt: 1 }
      writer.openDraft(draftId, head, [{ type: 'text', text: 'You said: secret' }])
      writer.setRun({ ...run, state: 'processing', draftId })
    })
    ask(proposeRedact(id, 1))
    expect(JSON.stringify(readMessages(doc))).not.toContain('secret')
    expect(readRuns(doc)[0]).toMatchObject({ state: 'cancelled' })
    expect(doc.getMap('drafts').size).toBe(0)
  })

  it('sets the title, bounded, and refuses an unknown agent', () => {
    const { doc, ask } = conversation()
    expect(ask(proposeSetMeta('title', 'Plans', 1))).toMatchObject({ status: 'accepted' })
    expect(readMeta(doc).title).toBe('Plans')
    expect(ask(proposeSetMeta('title', 'x'.repeat(limits.titleLength + 1), 1))).toMatchObject({ code: 'invalid-request' })
    expect(ask(proposeSetMeta('agent', 'nobody', 1))).toMatchObject({ code: 'agent-unknown' })
    expect(ask(proposeSetMeta('agent', 'echo', 1))).toMatchObject({ status: 'accepted' })
  })

  it('sets and takes back a reaction under the asking person', () => {
    const { doc, say, ask } = conversation()
    const id = say('nice')
    ask(proposeReact(id, '👍', true, 1), bob, 'editor')
    expect(readReactions(doc)).toMatchObject([{ messageId: id, userId: 'bob', kind: '👍' }])
    ask(proposeReact(id, '👍', false, 1), bob, 'editor')
    expect(readReactions(doc)).toEqual([])
  })
})
