/** What becomes of each kind of request. */
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { readMessages, readMeta, readReactions, readRedactions, readRuns } from '../../shared/conversation/read.ts'
import type { Request } from '../../shared/conversation/schema.ts'
import { proposeContinue, proposeReact, proposeRedact, proposeRegenerate, proposeRetry, proposeSend, proposeSetMeta, proposeStop, putRequest, putSharedDraft } from '../../shared/conversation/write.ts'
import { messageIdOf } from '../../shared/ids.ts'
import type { AgentId, DraftId, MessageId, RequestId, UserId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Role } from '../../shared/wire/frame.ts'
import type { LedgerEntry } from '../log/port.ts'
import { messageTexts, newRequestId } from '../../test/rig/conversation.ts'
import { TransactionWriter } from './conversation-writer.ts'
import { MessageIndex } from './message-index.ts'
import { advanceRun } from './advance-run.ts'
import { takeRequests } from './take.ts'
import type { Taken } from './take.ts'

const bot = 'echo' as AgentId
const all = [{ id: bot, name: 'Echo' }, { id: 'oracle' as AgentId, name: 'The Oracle' }]
const ada: Principal = { kind: 'user', id: 'ada' as UserId, name: 'Ada' }
const bob: Principal = { kind: 'user', id: 'bob' as UserId, name: 'Bob' }

/** A conversation on the server, without the gate and the log. */
const conversation = () => {
  const doc = new Y.Doc()
  const messages = new MessageIndex([])
  const ledger = new Map<RequestId, LedgerEntry>()
  let now = 1000
  let mayAsk = true
  const write = (change: (writer: TransactionWriter) => void): TransactionWriter => {
    const writer = new TransactionWriter(doc, { generation: 1, message: 11, transient: 12 }, messages)
    doc.clientID = 12
    doc.transact(() => change(writer))
    return writer
  }
  const take = (requests: [RequestId | string, Request | unknown][], principal = ada, role: Role = 'owner'): Taken[] => {
    let taken: Taken[] = []
    write(writer => {
      for (const [id, request] of requests) putRequest(doc, id as RequestId, request as Request)
      const agents = { defaultAgent: bot, nameOf: (id: AgentId) => all.find(agent => agent.id === id)?.name, all }
      const context = { principal, role, now: now++, taken: (id: RequestId) => ledger.get(id), agents, mayAsk: () => mayAsk }
      taken = takeRequests(writer, requests.map(([id]) => id), context)
      for (const entry of writer.ledger) ledger.set(entry.requestId, entry)
    })
    expect(doc.getMap('requests').size).toBe(0)
    return taken
  }
  const ask = (request: unknown, principal = ada, role: Role = 'owner', id = newRequestId()) => ({ id, ...take([[id, request]], principal, role)[0]!.outcome })
  const say = (text: string, principal = ada, parentId: MessageId | null = null, extra = {}) =>
    ask(proposeSend({ parts: [{ type: 'text', text }], parentId, ...extra }, 500), principal).id as string as MessageId
  const spendAll = (): void => { mayAsk = false }
  const entry = (id: RequestId): LedgerEntry | undefined => ledger.get(id)
  return { spendAll, doc, take, ask, say, write, messages, entry }
}

describe('the ledger\'s digest of what was asked for', () => {
  it('is of an accepted request, whenever it was written and in whatever order, and goes when the message is taken out', () => {
    const { say, ask, entry } = conversation()
    const parts = [{ type: 'data-x', a: 1, b: { c: 2, d: 3 } }, { type: 'text', text: 'Hello' }] as const
    const first = ask(proposeSend({ parts: [...parts], parentId: null, to: [] }, 500)).id
    const second = ask({ createdAt: 900, message: { to: [], parentId: null, parts: [{ b: { d: 3, c: 2 }, a: 1, type: 'data-x' }, parts[1]] }, type: 'send' }).id
    const other = say('Hello', ada, null, { to: [] })
    const [a, b, c] = [first, second, other as string as RequestId].map(id => entry(id)?.content)
    expect(a).toMatch(/^[\w-]{16}$/)
    expect([b === a, c === a]).toEqual([true, false])
    expect(entry(ask(proposeSend({ parts: [], parentId: null, to: ['nobody' as AgentId] }, 500)).id)?.content).toBeUndefined()
    const before = entry(first)
    ask(proposeRedact(messageIdOf(first), 500))
    const { content: _, ...rest } = before!
    expect(entry(first)).toEqual(rest)
  })
})

describe('taking a send that came from a draft', () => {
  const draftId = '0190a000-0000-7000-8000-000000000001' as DraftId
  const head = { kind: 'shared' as const, authorId: 'bob', parentId: null, createdAt: 1 }

  it('drops the shared draft, anybody\'s, and the message names it; so does the one of who sent it a moment later', () => {
    const { doc, say, messages } = conversation()
    putSharedDraft(doc, draftId, head, 'I will pay 10000')
    const sent = [say('I will pay 10', ada, null, { drops: draftId }), say('I will pay 100', bob, null, { drops: draftId })]
    expect(doc.getMap('drafts').size).toBe(0)
    expect(messageTexts(doc)).toEqual(['I will pay 10', 'I will pay 100'])
    expect(sent.map(id => messages.get(id)!.metadata.draftId)).toEqual([draftId, draftId])
  })

  it('leaves the draft in place when it is refused', () => {
    const { doc, ask } = conversation()
    putSharedDraft(doc, draftId, head, 'words')
    const empty = proposeSend({ parts: [], parentId: null, drops: draftId }, 1)
    expect(ask(empty)).toMatchObject({ status: 'refused', code: 'message-empty' })
    expect(doc.getMap('drafts').size).toBe(1)
  })

  it('leaves an agent\'s draft alone', () => {
    const { doc, say, messages, write } = conversation()
    const question = say('Question')
    const { id: runId, replyId, agentId } = readRuns(doc)[0]!
    write(writer => writer.openDraft(draftId, { kind: 'agent', authorId: 'agent:echo', agentId, runId, replyId, parentId: question, createdAt: 1 }, []))
    const id = say('Mine', ada, null, { drops: draftId })
    expect(doc.getMap('drafts').size).toBe(1)
    expect(messages.get(id)!.metadata.draftId).toBeUndefined()
  })

  it('is remembered when the message is taken out, so that nobody\'s device brings its words back', () => {
    const { doc, say, ask } = conversation()
    putSharedDraft(doc, draftId, head, 'secret')
    const id = say('secret', ada, null, { drops: draftId })
    ask(proposeRedact(id, 1))
    expect(readRedactions(doc).get(id)).toMatchObject({ by: 'ada', draftId })
  })
})

describe('taking a send', () => {
  it('seals the message under its author\'s name, with the server\'s time, and starts the default agent once', () => {
    const { doc, say, messages } = conversation()
    const id = say('Hello')
    expect(messages.get(id)).toMatchObject({
      role: 'user',
      metadata: { authorId: 'ada', authorName: 'Ada', parentId: null, createdAt: 500, acceptedAt: 1000, status: 'complete' }
    })
    expect(readRuns(doc)).toMatchObject([{ state: 'pending', messageId: id, agentId: bot, attempt: 1 }])
    expect(readMeta(doc).title).toBe('Hello')
  })

  it('takes several requests of one update in the order of their ids', () => {
    const { doc, take } = conversation()
    const [first, second] = [newRequestId(), newRequestId()]
    const send = (text: string, parentId: MessageId | null) => proposeSend({ parts: [{ type: 'text', text }], parentId, to: [] }, 1)
    take([[second, send('second', first as string as MessageId)], [first, send('first', null)]])
    expect(messageTexts(doc)).toEqual(['first', 'second'])
  })

  it('asks no agent where several people write and none is mentioned, and the message says why', () => {
    const { doc, say, ask, messages } = conversation()
    say('Hello')
    expect(messages.get(say('Me too', bob))!.metadata.unasked).toBe('not-mentioned')
    expect(messages.get(say('And I'))!.metadata.unasked).toBe('not-mentioned')
    expect(messages.get(say('To nobody', bob, null, { to: [] }))!.metadata.unasked).toBeUndefined()
    expect(readRuns(doc)).toHaveLength(1)
    const mentions = say('What do you say, @the oracle?', bob)
    expect(readRuns(doc).at(-1)).toMatchObject({ messageId: mentions, agentId: 'oracle', askedBy: 'bob' })
    expect(messages.get(mentions)!.metadata.unasked).toBeUndefined()
    expect(ask(proposeSetMeta('answers', 'always', 1))).toMatchObject({ status: 'accepted' })
    expect(readRuns(doc).at(-1)!.messageId).not.toBe(say('Now', bob))
    expect(readRuns(doc).map(({ agentId }) => agentId)).toEqual([bot, 'oracle', bot])
  })

  it('is answered under the system prompt that was in force then, whatever the conversation is told before the answer begins', () => {
    const { doc, say, ask } = conversation()
    ask(proposeSetMeta('system', 'Be brief.', 1))
    say('Hello')
    expect(readRuns(doc)[0]!.system).toBeUndefined()
    ask(proposeSetMeta('system', 'Be long.', 1))
    ask(proposeSetMeta('system', '', 1))
    say('Hello again')
    expect(readRuns(doc).map(({ system }) => system)).toEqual(['Be brief.', undefined])
    expect(readMeta(doc).system).toBe('')
  })

  it('is worked on in the mode that it names, else in the conversation\'s, and so is every further try', () => {
    const { doc, say, ask, messages, write } = conversation()
    const modeOf = (id: MessageId) => [messages.get(id)!.metadata.mode, readRuns(doc).find(({ messageId }) => messageId === id)?.mode]
    expect(modeOf(say('Hello'))).toEqual([undefined, undefined])
    expect(ask(proposeSetMeta('mode', 'everything', 1))).toMatchObject({ status: 'refused', code: 'invalid-request' })
    ask(proposeSetMeta('mode', 'act', 1))
    expect(modeOf(say('Do it'))).toEqual(['act', 'act'])
    expect(modeOf(say('Hello', ada, null, { mode: 'chat' }))).toEqual([undefined, undefined])
    const plan = say('Plan it', ada, null, { mode: 'plan' })
    expect(modeOf(plan)).toEqual(['plan', 'plan'])
    const run = readRuns(doc).at(-1)!
    write(writer => advanceRun(writer, run, { type: 'failed', error: { code: 'agent-failed', message: 'no' }, at: 1 }))
    expect(messages.get(run.replyId)!.metadata.mode).toBe('plan')
    ask(proposeRetry(run.replyId, 1))
    expect(readRuns(doc).at(-1)).toMatchObject({ mode: 'plan', state: 'pending' })
  })

  it('counts a person who looks on as nobody to talk with', () => {
    const { doc, say, write } = conversation()
    write(writer => writer.setMembers(new Map([['ada', { name: 'Ada', role: 'owner' as const }], ['vic', { name: 'Vic', role: 'viewer' as const }]])))
    say('Hello')
    expect(readRuns(doc)).toHaveLength(1)
  })

  it('has one effect however often the same id arrives, and answers with the first outcome', () => {
    const { doc, take } = conversation()
    const id = newRequestId()
    const request = proposeSend({ parts: [{ type: 'text', text: 'once' }], parentId: null }, 1)
    expect(take([[id, request]])).toEqual(take([[id, request]]))
    expect(messageTexts(doc)).toEqual(['once'])
    expect(readRuns(doc).length).toBe(1)
  })

  it('tells the outcome to a second device whose copy of the request lost in the map', () => {
    const { take, doc } = conversation()
    const id = newRequestId()
    const request = proposeSend({ parts: [{ type: 'text', text: 'once' }], parentId: null }, 1)
    const [first] = take([[id, request]])
    const writer = new TransactionWriter(doc, { generation: 1, message: 11, transient: 12 }, new MessageIndex([]))
    const lost = takeRequests(writer, [id, newRequestId()], {
      principal: ada, role: 'owner', now: 1, agents: { defaultAgent: null, nameOf: () => undefined, all: [] }, mayAsk: () => true,
      taken: known => known === id ? { requestId: id, outcome: { status: 'accepted' }, principal: ada.id, at: 1 } : undefined
    })
    expect(lost).toEqual([first])
  })

  it('refuses an id that somebody else used', () => {
    const { ask } = conversation()
    const id = newRequestId()
    const request = proposeSend({ parts: [{ type: 'text', text: 'mine' }], parentId: null }, 1)
    ask(request, ada, 'owner', id)
    expect(ask(request, bob, 'editor', id)).toMatchObject({ status: 'refused', code: 'id-conflict' })
  })

  it.each([
    ['too long', { parts: [{ type: 'text' as const, text: 'x'.repeat(limits.messageBytes) }], parentId: null }, 'owner', 'message-too-long'],
    ['far too long', { parts: [{ type: 'text' as const, text: 'x'.repeat(2 * limits.requestBytes) }], parentId: null }, 'owner', 'message-too-long'],
    ['empty', { parts: [{ type: 'text' as const, text: ' \n ' }], parentId: null }, 'owner', 'message-empty'],
    ['without parts', { parts: [], parentId: null }, 'owner', 'message-empty'],
    ['after an unknown message', { parts: [{ type: 'text' as const, text: 'hi' }], parentId: newRequestId() as string as MessageId }, 'owner', 'parent-unknown'],
    ['by a viewer', { parts: [{ type: 'text' as const, text: 'hi' }], parentId: null }, 'viewer', 'viewer'],
    ['to an unknown agent', { parts: [{ type: 'text' as const, text: 'hi' }], parentId: null, to: ['nobody' as AgentId] }, 'owner', 'agent-unknown'],
    ['with a forged tool call', { parts: [{ type: 'tool-pay', output: 'paid' }], parentId: null }, 'owner', 'invalid-request']
  ] as const)('refuses a message %s, with a code and a reason, and seals nothing', (_what, fields, role, code) => {
    const { doc, ask } = conversation()
    const outcome = ask(proposeSend({ ...fields, parts: [...fields.parts], ...'to' in fields && { to: [...fields.to] } } as Parameters<typeof proposeSend>[0], 1), ada, role)
    expect(outcome).toMatchObject({ status: 'refused', code })
    expect(outcome.status === 'refused' && outcome.reason.length).toBeGreaterThan(20)
    expect(messageTexts(doc)).toEqual([])
    expect(readRuns(doc)).toEqual([])
  })

  it('lets what was written after a refused message follow what that one would have followed', () => {
    const { messages, say, take } = conversation()
    const first = say('first', ada, null, { to: [] })
    const [long, next, last] = [newRequestId(), newRequestId(), newRequestId()]
    const send = (text: string, parentId: string) => proposeSend({ parts: [{ type: 'text', text }], parentId: parentId as MessageId, to: [] }, 1)
    const taken = take([[long, send('x'.repeat(limits.messageBytes), first)], [next, send('', long)]])
    expect(taken.map(({ outcome }) => outcome.status)).toEqual(['refused', 'refused'])
    expect(take([[last, send('after both', next)]])).toMatchObject([{ outcome: { status: 'accepted' } }])
    expect(messages.get(last)?.metadata.parentId).toBe(first)
  })

  it('refuses what exceeds the person\'s hour, and still knows what was taken before', () => {
    const { take, ask, spendAll, doc } = conversation()
    const id = newRequestId()
    const request = proposeSend({ parts: [{ type: 'text', text: 'in time' }], parentId: null, to: [] }, 1)
    const first = take([[id, request]])
    spendAll()
    expect(ask(request)).toMatchObject({ status: 'refused', code: 'rate-limited' })
    expect(take([[id, request]])).toEqual(first)
    expect(messageTexts(doc)).toEqual(['in time'])
  })

  it('does not believe a device whose clock runs ahead', () => {
    const { messages, ask } = conversation()
    const { id } = ask(proposeSend({ parts: [{ type: 'text', text: 'from the future' }], parentId: null }, 9e15))
    expect(messages.get(id)?.metadata.createdAt).toBe(1000)
  })

  it('lets only its author replace a message', () => {
    const { say, ask, doc } = conversation()
    const id = say('first version')
    const edit = (principal: Principal) => ask(proposeSend({ parts: [{ type: 'text', text: 'better' }], parentId: null, replaces: id }, 1), principal, 'editor')
    expect(edit(bob)).toMatchObject({ code: 'not-author' })
    expect(edit(ada)).toMatchObject({ status: 'accepted' })
    expect(messageTexts(doc)).toEqual(['first version', 'better'])
  })

  it('empties the outbox of keys that are no ids and of values that are no requests', () => {
    const { take } = conversation()
    const id = newRequestId()
    expect(take([['not-an-id', { type: 'send' }], [id, { type: 'send', parts: 'none' }]])).toMatchObject([{ requestId: id, outcome: { status: 'refused', code: 'invalid-request' } }])
  })
})

describe('whoever was a guest', () => {
  const account: Principal = { ...bob, aliases: [ada.id] }

  it('changes, takes out and asks again what the guest wrote, and the guest alone does not speak for the account', () => {
    const { say, ask, messages } = conversation()
    const [byGuest, byAccount] = [say('as a guest', ada, null, { to: [] }), say('as Bob', account, null, { to: [] })]
    const edit = (id: MessageId, by: Principal) =>
      ask(proposeSend({ parts: [{ type: 'text', text: 'better' }], parentId: null, replaces: id, to: [] }, 1), by, 'editor')
    expect(edit(byGuest, account)).toMatchObject({ status: 'accepted' })
    expect(edit(byAccount, ada)).toMatchObject({ code: 'not-author' })
    expect(ask(proposeRedact(byAccount, 1), ada, 'editor')).toMatchObject({ code: 'not-author' })
    expect(ask(proposeRedact(byGuest, 1), account, 'editor')).toMatchObject({ status: 'accepted' })
    expect(messages.get(byGuest)).toBeUndefined()
  })

  it('is told what became of the guest\'s requests', () => {
    const { ask } = conversation()
    const request = proposeSend({ parts: [{ type: 'text', text: 'once' }], parentId: null, to: [] }, 1)
    const { id } = ask(request, ada)
    expect(ask(request, account, 'owner', id)).toMatchObject({ status: 'accepted' })
    expect(ask(request, { ...bob, id: 'eve' as UserId }, 'owner', id)).toMatchObject({ code: 'id-conflict' })
  })

  it('reacts once, whichever of their ids did so first', () => {
    const { say, ask, doc } = conversation()
    const id = say('Hello', ada, null, { to: [] })
    const react = (by: Principal, on: boolean) => ask({ type: 'react', messageId: id, kind: 'thumbs-up', on, createdAt: 1 } as Request, by)
    react(ada, true)
    react(account, true)
    expect([...doc.getMap('reactions').keys()]).toEqual([`${id} bob thumbs-up`])
    react(ada, true)
    react(account, false)
    expect(doc.getMap('reactions').size).toBe(0)
  })
})

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

describe('taking from a map in which very many requests were', () => {
  it('looks only at the keys that were touched', () => {
    const { doc, write, take } = conversation()
    const request = proposeSend({ parts: [{ type: 'text', text: 'one' }], parentId: null }, 500)
    for (let n = 0; n < 50; n++) take([[newRequestId(), request]])
    const [touched, other] = [newRequestId(), newRequestId()]
    write(writer => {
      for (const id of [touched, other]) putRequest(doc, id, request)
      Object.assign(writer.roots.requests, { keys: () => { throw new Error('all keys were looked at') } })
      const agents = { defaultAgent: null, nameOf: () => undefined, all: [] }
      const taken = takeRequests(writer, [touched], { principal: ada, role: 'owner', now: 1, taken: () => undefined, agents, mayAsk: () => true }, [touched])
      expect(taken.map(({ requestId }) => requestId)).toEqual([touched])
    })
    expect([...doc.getMap('requests')._map.keys()].filter(key => doc.getMap('requests').has(key))).toEqual([other])
  })
})
