/** What becomes of the other kinds of requests. */
import { describe, expect, it } from 'vitest'
import { readMessages, readMeta, readReactions, readRuns } from '../../shared/conversation/read.ts'
import { proposeReact, proposeRedact, proposeRegenerate, proposeSend, proposeSetMeta } from '../../shared/conversation/write.ts'
import { limits } from '../../shared/limits.ts'
import type { AgentId, BotId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import { messageTexts, newRequestId } from '../../test/rig/conversation.ts'
import { ada, bob, bot, conversation } from '../../test/rig/taking.ts'
import { advanceRun } from './advance-run.ts'
import { performRequest } from './perform-request.ts'

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

  it('lets a reply go on when something is taken out that was said after its question', () => {
    const { doc, say, ask, write } = conversation()
    const question = say('why?')
    const [first] = readRuns(doc)
    write(writer => { advanceRun(writer, first!, { type: 'failed', error: { code: 'agent-failed', message: 'no' }, at: 5 }) })
    const [slip, another] = [say('oops', bob, null, { to: [] }), say('and oops', bob, null, { to: [] })]
    ask(proposeRegenerate(question, 1))
    expect(ask(proposeRedact(slip, 1), bob, 'editor')).toMatchObject({ status: 'accepted' })
    expect(readRuns(doc)).toMatchObject([{ state: 'pending' }])
    // But for the very reply that it goes on with.
    write(writer => { for (const run of readRuns(doc)) writer.setRun({ ...run, continues: another }) })
    ask(proposeRedact(another, 1), bob, 'editor')
    expect(readRuns(doc)).toMatchObject([{ state: 'cancelled' }])
  })

  it('ends a reply when its question is taken out', () => {
    const { doc, say, ask } = conversation()
    say('first', bob, null, { to: [] })
    const question = say('why?', ada, null, { to: [bot] })
    ask(proposeRedact(question, 1))
    expect(readRuns(doc)).toMatchObject([{ state: 'cancelled' }])
  })

  it('forgets in replies in progress, too, whose bot it is when that person is no more', () => {
    const { doc, say, write } = conversation()
    say('why?')
    const [run] = readRuns(doc)
    const botOf = ({ id, name }: Principal) => ({ id: 'bot-deploys' as BotId, name: 'Deploys', of: { id, name } })
    for (const [whose, called] of [[bob, botOf(bob)], [ada, { ...botOf(ada), name: 'Deleted bot', of: { id: ada.id, name: 'Deleted account' } }]] as const) {
      write(writer => {
        writer.setRun({ ...run!, bot: botOf(whose) })
        writer.renameAuthor([ada.id], 'Deleted account')
      })
      expect(readRuns(doc)[0]!.bot).toEqual(called)
    }
  })

  it('makes no bot the agent of a conversation: it would answer for everybody, and is one person\'s', () => {
    const { write } = conversation()
    const all = [{ id: 'bot-deploys' as AgentId, name: 'Deploys' }]
    const agents = { defaultAgent: bot, nameOf: (id: AgentId) => all.find(each => each.id === id)?.name, all }
    const context = { principal: ada, role: 'owner' as const, now: 1, taken: () => undefined, agents, mayAsk: () => true }
    const choose = (): void => void write(writer => performRequest(writer, newRequestId(), proposeSetMeta('agent', 'bot-deploys', 1), context))
    expect(choose).toThrow(expect.objectContaining({ code: 'agent-unknown' }) as Error)
  })

  it('keeps the prompt for replies that were asked for under it, however often it is changed before they begin', () => {
    const { doc, say, ask } = conversation()
    const prompts = () => readRuns(doc).map(({ state, system }) => [state, system])
    ask(proposeSetMeta('system', 'one', 1))
    say('first')
    expect(prompts()).toEqual([['pending', undefined]])
    ask(proposeSetMeta('system', 'two', 1))
    say('second')
    ask(proposeSetMeta('title', 'Whatever', 1))
    ask(proposeSetMeta('system', 'three', 1))
    expect(prompts()).toEqual([['pending', 'one'], ['pending', 'two']])
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
