/** One open conversation, seen from its screen: what goes, what stays in the composer, what was chosen. */
import { expect, test } from 'vitest'
import { pageStorage } from '../../../test/rig/page-storage.ts'
import type { Request, Run } from '../../../shared/conversation/schema.ts'
import type { AgentId, MessageId, RequestId, RunId } from '../../../shared/ids.ts'
import type { ConversationView, ViewMessage } from '../../sync/view.ts'
import { ComposerTexts } from './composer-texts.ts'
import { KeptChoices } from './kept-choices.ts'
import { OpenConversation } from './open-conversation.svelte.ts'
import type { Conversation } from './sdk.ts'

const emptyView: ConversationView = {
  title: '', agent: null, system: '', answersAlways: false, mode: 'chat', members: new Map(), messages: [], earlier: 0, summaries: [],
  drafts: [], runs: [], reactions: [], people: [], connection: 'online', closedBy: null, interruption: null,
  synced: true, loaded: true, role: 'owner', wanted: [], pending: 0, refused: [], storageProblem: null
}

const message = (id: string, text: string, over: Partial<ViewMessage> = {}): ViewMessage => ({
  message: {
    id: id as ViewMessage['message']['id'], role: 'user', parts: [{ type: 'text', text }],
    metadata: { parentId: null, authorId: 'ada', createdAt: 1, acceptedAt: 1, status: 'complete' }
  },
  delivery: { state: 'saved' },
  alternatives: [id],
  ...over
})
const refused = (id: string, text: string) =>
  message(id, text, { delivery: { state: 'refused', code: 'message-too-long', reason: 'too long' } })

const setUp = (start: Partial<ConversationView> = {}) => {
  const asked: unknown[][] = []
  const stored = Promise.withResolvers<RequestId>()
  const kept = pageStorage()
  const note = (name: string) => async (...rest: unknown[]) => void asked.push([name, ...rest])
  let view = { ...emptyView, ...start }
  let listener = () => {}
  const conversation = {
    view: () => view,
    subscribe: (tell: () => void) => {
      listener = tell
      return () => {}
    },
    send: (text: string) => {
      asked.push(['send', text])
      return stored.promise
    },
    stop: async (id: string) => {
      asked.push(['stop', id])
      return id as RequestId
    },
    discard: note('discard'), choose: (id: string) => void asked.push(['choose', id]), setTyping: () => {},
    connect: () => void asked.push(['connect']), close: note('close')
  } as Partial<Conversation> as Conversation
  const open = () => new OpenConversation(conversation, {
    id: 'c', isSelf: id => id === 'ada', agentName: id => id, texts: new ComposerTexts(kept, pageStorage(), 'ada'), choices: new KeptChoices(kept),
    onstored: () => void asked.push(['stored']), onclosed: () => {}, clock: { now: () => 0, after: () => () => {} }
  })
  const show = (next: Partial<ConversationView>) => {
    view = { ...view, ...next }
    listener()
  }
  return { asked, stored, kept, open, show }
}

test('what was sent leaves the composer at once, and the kept text when it is stored', async () => {
  const { open, kept, stored, asked } = setUp()
  const conversation = open()
  conversation.type('\n\n  indented\n')
  conversation.send()
  expect(conversation.text).toBe('')
  expect(Object.values(kept)).toEqual(['\n\n  indented\n'])
  stored.resolve('id' as RequestId)
  await stored.promise
  await Promise.resolve()
  expect(Object.keys(kept)).toEqual([])
  expect(asked).toEqual([['send', '  indented'], ['stored']])
})

test('a refused message that is corrected goes only when the new one is stored', async () => {
  const { open, stored, asked } = setUp({ messages: [refused('old', 'far too long')] })
  const conversation = open()
  conversation.edit('old' as RequestId)
  expect(conversation.text).toBe('far too long')
  conversation.type('short')
  conversation.send()
  expect(asked).toEqual([['send', 'short']])
  stored.resolve('id' as RequestId)
  await new Promise(resolve => setTimeout(resolve))
  expect(asked).toEqual([['send', 'short'], ['discard', 'old'], ['stored']])
})

test('blanks alone are not sent', () => {
  const { open, asked } = setUp()
  const conversation = open()
  conversation.type(' \n ')
  conversation.send()
  expect(asked).toEqual([])
})

test('versions chosen before a reload are chosen again when the messages are there', () => {
  const versions = { alternatives: ['a1', 'a2'] }
  const first = setUp({ messages: [message('a2', 'second', versions)] })
  first.open().choose('a1')
  const again = setUp({ loaded: false })
  Object.assign(again.kept, first.kept)
  again.open()
  expect(again.asked).toEqual([])
  again.show({ loaded: true })
  expect(again.asked).toEqual([['choose', 'a1']])
})

test('a conversation in which this person is a viewer, or that was closed for good, is not written into', () => {
  expect(setUp({ role: 'viewer' }).open().writable).toBe(false)
  expect(setUp({ closedBy: { code: 4403, reason: '' } }).open().writable).toBe(false)
  expect(setUp().open().writable).toBe(true)
})

const run = (id: string, state: Run['state']): Run => ({
  id: id as RunId, requestId: 'r', messageId: 'q' as MessageId, agentId: 'one' as AgentId, askedBy: 'ada', state,
  attempt: 1, draftId: null, replyId: 'reply' as MessageId, createdAt: 1, updatedAt: 1
})

test('a reply is asked to stop once, however often that is pressed', () => {
  const { open, asked, show } = setUp({ runs: [run('over', 'completed'), run('one', 'processing'), run('two', 'pending')] })
  const conversation = open()
  expect(conversation.stopping).toBe(false)
  conversation.stopReplies()
  expect(asked).toEqual([['stop', 'one'], ['stop', 'two']])
  show({ wanted: ['one', 'two'].map(id => ({ type: 'stop', createdAt: 1, runId: id as RunId })) })
  expect(conversation.stopping).toBe(true)
  conversation.stopReplies()
  expect(asked).toHaveLength(2)
  show({ wanted: [], runs: [run('one', 'cancelled'), run('two', 'cancelled')] })
  expect(conversation.stopping).toBe(false)
})

test('that a reply had ended already before it was stopped is nothing to tell', () => {
  const { open, asked, show } = setUp()
  open()
  const stop: Request = { type: 'stop', createdAt: 1, runId: 'one' as RunId }
  const retry: Request = { type: 'retry', createdAt: 1, messageId: 'm' as MessageId }
  const refused = (id: string, request: Request, code: 'run-finished' | 'viewer') =>
    ({ id: id as RequestId, request, stored: true, refusal: { code, reason: '' } })
  show({ refused: [refused('a', stop, 'run-finished'), refused('b', stop, 'viewer'), refused('c', retry, 'viewer')] })
  expect(asked).toEqual([['discard', 'a']])
})

test('a connection that the server closed for good is tried once more, and again only after it was let in', () => {
  const { open, show, asked } = setUp()
  const conversation = open()
  const close = () => {
    show({ connection: 'offline', closedBy: { code: 4401, reason: '' } })
    conversation.tryAgain()
  }
  conversation.tryAgain()
  expect(asked).toEqual([])
  close()
  close()
  expect(asked).toEqual([['connect']])
  show({ connection: 'online', closedBy: null })
  close()
  expect(asked).toEqual([['connect'], ['connect']])
  show({ connection: 'online', closedBy: null })
  conversation.close()
  close()
  expect(asked).toEqual([['connect'], ['connect'], ['close']])
})
