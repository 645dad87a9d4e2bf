/** What stands on the screen of a conversation, in order: messages, replies in progress, failures. */
import { expect, test } from 'vitest'
import type { Draft } from '../../../shared/conversation/read.ts'
import type { Message, Request, Run } from '../../../shared/conversation/schema.ts'
import type { AgentId, BotId, DraftId, MessageId, RunId } from '../../../shared/ids.ts'
import type { ViewMessage } from '../../sync/view.ts'
import { presenceOf } from './presence.ts'
import { ReplyAnnouncer } from './reply-announcer.ts'
import { botsIn, buildTimeline, THUMBS_UP } from './timeline.ts'

const naming = { isSelf: (id: string) => id === 'ada', agentName: (id: string) => `Agent ${id}` }

const shown = (id: string, authorId: string, alternatives: string[] = [id]): ViewMessage => {
  const isAgent = authorId.startsWith('agent-')
  const message: Message = {
    id: id as MessageId,
    role: isAgent ? 'assistant' : 'user',
    parts: [{ type: 'text', text: id }],
    metadata: {
      parentId: null, authorId, authorName: authorId, createdAt: 1, acceptedAt: 1, status: 'complete',
      ...isAgent && { agentId: authorId.slice(6) as AgentId }
    }
  }
  return { message, delivery: { state: 'saved' }, alternatives }
}
const run = (over: Partial<Run>): Run => ({
  id: 'run' as RunId, requestId: 'r', messageId: 'q' as MessageId, agentId: 'one' as AgentId, askedBy: 'ada', state: 'processing',
  attempt: 1, draftId: null, replyId: 'reply' as MessageId, createdAt: 1, updatedAt: 1, ...over
})
const draft = (over: { replaces?: MessageId } = {}): Draft => ({
  id: 'd' as DraftId,
  head: {
    kind: 'agent', authorId: 'one', agentId: 'one' as AgentId, runId: 'run' as RunId, replyId: 'reply' as MessageId,
    parentId: 'q' as MessageId, createdAt: 1, ...over
  },
  parts: [{ type: 'text', text: 'so far' }]
})
const view = (over: Partial<Parameters<typeof buildTimeline>[0]>) =>
  ({ messages: [], earlier: 0, summaries: [], drafts: [], runs: [], reactions: [], wanted: [], ...over })
const kinds = (built: ReturnType<typeof buildTimeline>) => built.entries.map(({ kind, key }) => `${kind} ${key}`)

test('a summary stands behind the last message that it stands for, where that is shown', () => {
  const summary = { through: 'b' as MessageId, messages: 2, digest: 'x', text: 'In short.', agentId: 'one' as AgentId, at: 1 }
  const messages = [shown('a', 'ada'), shown('b', 'bob'), shown('c', 'ada')]
  const all = ['message a', 'message b', 'summary summary x', 'message c']
  expect(kinds(buildTimeline(view({ messages, summaries: [summary] }), naming, 100))).toEqual(all)
  expect(kinds(buildTimeline(view({ messages, summaries: [summary] }), naming, 1))).toEqual(['message c'])
})

test('that nobody was asked is said of the last message only, until somebody is asked after all', () => {
  const silent = (id: string): ViewMessage => {
    const entry = shown(id, 'ada')
    return { ...entry, message: { ...entry.message, metadata: { ...entry.message.metadata, unasked: 'not-mentioned' } } }
  }
  const unasked = (over: Parameters<typeof view>[0]) => buildTimeline(view(over), naming, 100).entries
    .flatMap(entry => entry.kind === 'message' && entry.unasked ? [entry.key] : [])
  expect(unasked({ messages: [silent('a'), silent('b')] })).toEqual(['b'])
  expect(unasked({ messages: [silent('a'), shown('b', 'bob')] })).toEqual([])
  expect(unasked({ messages: [silent('q')], runs: [run({})] })).toEqual([])
})

test('own messages, those of others and of agents are told apart by name', () => {
  const { entries } = buildTimeline(view({ messages: [shown('a', 'ada'), shown('b', 'grace'), shown('c', 'agent-one')] }), naming, 10)
  expect(entries.map(({ author }) => [author.kind, author.name])).toEqual([['self', 'You'], ['person', 'grace'], ['agent', 'agent-one']])
})

test('only the newest messages are built, and how many stand before them is told', () => {
  const messages = Array.from({ length: 1000 }, (_, index) => shown(`m${index}`, 'ada'))
  const built = buildTimeline(view({ messages }), naming, 100)
  expect(built.entries).toHaveLength(100)
  expect(built.earlier).toBe(900)
})

test('a run waits, is written and is sealed under one and the same key', () => {
  const question = shown('q', 'ada')
  const waiting = buildTimeline(view({ messages: [question], runs: [run({ state: 'pending' })] }), naming, 10)
  const written = buildTimeline(view({ messages: [question], runs: [run({})], drafts: [draft()] }), naming, 10)
  const sealed = buildTimeline(view({ messages: [question, shown('reply', 'agent-one')], runs: [run({ state: 'completed' })] }), naming, 10)
  expect([waiting, written, sealed].map(built => kinds(built)[1])).toEqual(['waiting reply', 'draft reply', 'message reply'])
})

test('while another version of a reply is written, it stands in for the one that it replaces', () => {
  const messages = [shown('q', 'ada'), shown('old', 'agent-one')]
  const replaces = 'old' as MessageId
  expect(kinds(buildTimeline(view({ messages, runs: [run({ state: 'pending', replaces })] }), naming, 10))).toEqual(['message q', 'waiting reply'])
  expect(kinds(buildTimeline(view({ messages, runs: [run({ replaces })], drafts: [draft({ replaces })] }), naming, 10)))
    .toEqual(['message q', 'draft reply'])
})

test('a reply without a word yet is one that is waited for', () => {
  const empty = { ...draft(), parts: [{ type: 'text', text: '' }] }
  expect(kinds(buildTimeline(view({ messages: [shown('q', 'ada')], runs: [run({})], drafts: [empty] }), naming, 10)))
    .toEqual(['message q', 'waiting reply'])
})

test('a reply that was asked for again says so until the server has answered', () => {
  const messages = [shown('q', 'ada'), shown('new', 'agent-one', ['old', 'new'])]
  const asked = (wanted: Request[]) => buildTimeline(view({ messages, wanted }), naming, 10).entries.map(entry => entry.kind === 'message' && entry.asked)
  expect(asked([])).toEqual([false, false])
  expect(asked([{ type: 'continue', createdAt: 1, messageId: 'old' as MessageId }])).toEqual([false, true])
  expect(asked([{ type: 'redact', createdAt: 1, messageId: 'new' as MessageId }])).toEqual([false, false])
})

test('a run that failed without a message says why after the message that it was for, until a newer run takes its place', () => {
  const messages = [shown('q', 'ada'), shown('later', 'ada')]
  const failed = run({ state: 'error', error: { code: 'agent-failed', message: 'no key' } })
  expect(buildTimeline(view({ messages, runs: [failed] }), naming, 10).entries[1]).toMatchObject({ kind: 'failed', reason: 'no key' })
  const again = run({ id: 'run2' as RunId, state: 'completed', createdAt: 2 })
  expect(kinds(buildTimeline(view({ messages, runs: [failed, again] }), naming, 10))).toEqual(['message q', 'message later'])
})

test('a failed run whose reply was sealed is told by the reply alone', () => {
  const messages = [shown('q', 'ada'), shown('reply', 'agent-one')]
  expect(kinds(buildTimeline(view({ messages, runs: [run({ state: 'error' })] }), naming, 10))).toEqual(['message q', 'message reply'])
})

test('thumbs are counted, and own ones known', () => {
  const reactions = [
    { messageId: 'c', userId: 'ada', kind: THUMBS_UP, at: 1 }, { messageId: 'c', userId: 'grace', kind: THUMBS_UP, at: 1 },
    { messageId: 'c', userId: 'grace', kind: 'other', at: 1 }
  ]
  const [entry] = buildTimeline(view({ messages: [shown('c', 'agent-one')], reactions }), naming, 10).entries
  expect(entry).toMatchObject({ thumbs: { count: 2, mine: true } })
})

test('a person on two devices is one person, oneself stands first, and an agent is there while it works', () => {
  const person = (clientId: number, userId: string, over = {}) => ({ clientId, userId, name: userId, typing: false, self: false, ...over })
  const people = [person(1, 'grace'), person(2, 'ada', { self: true, typing: true }), person(3, 'grace', { typing: true }), person(4, 'agent:bot-1')]
  const presence = presenceOf({ people, runs: [run({}), run({ state: 'completed', agentId: 'two' as AgentId })] }, naming)
  expect(presence.people.map(({ id, kind, typing }) => [id, kind, typing]))
    .toEqual([['ada', 'person', false], ['agent:bot-1', 'bot', false], ['grace', 'person', true]])
  expect(presence.working).toEqual([{ id: 'agent:one', name: 'Agent one' }])
})

test('only a reply that came after opening is announced, and once', () => {
  const announcer = new ReplyAnnouncer()
  const old = [shown('a1', 'agent-one')]
  const next = [...old, shown('a2', 'agent-one')]
  const state = { loaded: true, synced: true }
  expect(announcer.next({ messages: [], loaded: true, synced: false }, naming.agentName)).toBeNull()
  expect(announcer.next({ messages: old, ...state }, naming.agentName)).toBeNull()
  expect(announcer.next({ messages: next, ...state }, naming.agentName)).toBe('Agent one replied: a2')
  expect(announcer.next({ messages: next, ...state }, naming.agentName)).toBeNull()
})

test('a bot is shown as what it is, and can be taken out by whose it is', () => {
  const said = (owner: string): ViewMessage => {
    const entry = shown('x', 'agent:bot-1')
    const bot = { id: 'bot-1' as BotId, name: 'Deploys', of: { id: owner, name: 'Ann' } }
    return { ...entry, message: { ...entry.message, metadata: { ...entry.message.metadata, authorName: 'Deploys · bot of Ann', bot } } }
  }
  const authors = (owner: string) => buildTimeline(view({ messages: [said(owner)] }), naming, 100).entries
    .flatMap(entry => entry.kind === 'message' ? [entry.author] : [])
  const bot = { id: 'agent:bot-1', kind: 'bot', name: 'Deploys · bot of Ann' }
  expect(authors('ann')).toEqual([{ ...bot, ownBot: false }])
  expect(authors('ada')).toEqual([{ ...bot, ownBot: true }])
})

test('what a bot replies is a reply under its name, from being asked on', () => {
  // What turns a line around stands in no label, so neither in this one.
  const bot = { id: 'bot-1' as BotId, name: 'Deploys', of: { id: 'ann', name: 'Ann\u202e' } }
  const asked = run({ agentId: bot.id, bot })
  const author = { id: 'agent:bot-1', kind: 'bot', name: 'Deploys · bot of Ann' }
  expect(buildTimeline(view({ runs: [asked] }), naming, 100).entries).toMatchObject([{ kind: 'waiting', author }])
  expect(buildTimeline(view({ runs: [asked], drafts: [draft({})] }), naming, 100).entries).toMatchObject([{ kind: 'draft', author }])
  const entry = shown('reply', 'agent-bot-1')
  const metadata = { ...entry.message.metadata, authorId: author.id, authorName: author.name, bot }
  const sealed = { ...entry, message: { ...entry.message, metadata } }
  expect(buildTimeline(view({ messages: [sealed] }), naming, 100).entries).toMatchObject([{ kind: 'message', author: { ...author, ownBot: false } }])
  expect(botsIn([sealed, sealed])).toEqual([{ id: 'bot-1', name: 'Deploys' }])
})
