/** What is shown of a conversation: the document, and on top of it what this device has asked for. */
import { describe, expect, it } from 'vitest'
import type { OwnRequest } from './own-request.ts'
import { showDrafts, showMessages, showMeta, showReactions } from './show.ts'
import type { MessageSources } from './show.ts'
import type { Draft } from '../../shared/conversation/read.ts'
import type { Message, Request } from '../../shared/conversation/schema.ts'
import { proposeReact, proposeRedact, proposeSend, proposeSetMeta } from '../../shared/conversation/write.ts'
import type { DraftId, MessageId, RequestId } from '../../shared/ids.ts'

const idOf = (number: number): string => `01890000-0000-7000-8000-${String(number).padStart(12, '0')}`
const messageId = (number: number) => idOf(number) as MessageId

const sealed = (number: number, replaces?: number): Message => ({
  id: messageId(number),
  role: 'user',
  parts: [{ type: 'text', text: `sealed ${number}` }],
  metadata: { parentId: null, authorId: 'bob', createdAt: 1, acceptedAt: 1, status: 'complete', ...replaces && { replaces: messageId(replaces) } }
})

const own = (number: number, request: Request, rest: Partial<OwnRequest> = {}): OwnRequest =>
  ({ id: idOf(number) as RequestId, request, stored: true, refusal: null, accepted: false, ...rest })

const saying = (fields: { replaces?: MessageId, drops?: DraftId } = {}) =>
  proposeSend({ parts: [{ type: 'text', text: 'mine' }], parentId: null, ...fields }, 5)

const ada = { id: 'ada', name: 'Ada' }
const refusal = { code: 'viewer', reason: 'No.' } as const

const show = (messages: Message[], requests: OwnRequest[], rest: Partial<MessageSources> = {}) => showMessages({
  sealed: messages,
  isSealed: id => messages.some(message => message.id === id),
  own: requests,
  author: { id: 'ada', name: 'Ada' },
  choice: new Map(),
  takenOut: new Map(),
  before: [],
  ...rest
})
const shown = (...args: Parameters<typeof show>) => show(...args).map(({ message, delivery }) => `${Number(message.id.slice(-12))} ${delivery.state}`)

describe('the messages shown', () => {
  it('are the sealed ones, then own ones on their way and refused ones in the order written', () => {
    expect(shown([sealed(9)], [own(1, saying(), { refusal }), own(2, saying()), own(3, saying(), { stored: false })]))
      .toEqual(['9 saved', '1 refused', '2 on-device', '3 writing'])
  })

  it('hold one that is sealed once, even while its request is still here', () => {
    expect(shown([sealed(1)], [own(1, saying())])).toEqual(['1 saved'])
  })

  it('count one that was accepted as saved', () => {
    expect(shown([], [own(1, saying(), { accepted: true })])).toEqual(['1 saved'])
  })

  it('hide what an edit on its way replaces, but nothing for a refused edit', () => {
    const edit = saying({ replaces: messageId(1) })
    expect(shown([sealed(1)], [own(2, edit)])).toEqual(['2 on-device'])
    expect(shown([sealed(1)], [own(2, edit, { refusal })])).toEqual(['1 saved', '2 refused'])
  })

  it('leave out what this device asked to redact, until the server says no', () => {
    const redact = proposeRedact(messageId(1), 5)
    expect(shown([sealed(1)], [own(2, redact)])).toEqual([])
    expect(shown([sealed(1)], [own(2, redact, { refusal })])).toEqual(['1 saved'])
  })

  it('follow the person\'s choice between alternatives', () => {
    const messages = [sealed(1), sealed(2, 1)]
    expect(shown(messages, [])).toEqual(['2 saved'])
    expect(shown(messages, [], { choice: new Map([[messageId(1), messageId(1)]]) })).toEqual(['1 saved'])
  })

  it('are the same objects as before where they say the same', () => {
    const messages = [sealed(1)]
    const before = show(messages, [own(2, saying(), { stored: false })])
    const after = show(messages, [own(2, saying())], { before })
    expect(after[0]).toBe(before[0])
    expect(after[1]).not.toBe(before[1])
    expect(after[1]!.message).toBe(before[1]!.message)
  })
})

it('hides the draft that a message on its way came from, and shows it again when the message is refused', () => {
  const id = idOf(7) as DraftId
  const draft: Draft = { id, head: { kind: 'shared', authorId: 'bob', parentId: null, createdAt: 1 }, parts: [] }
  expect(showDrafts([draft], [own(1, saying({ drops: id }))])).toEqual([])
  expect(showDrafts([draft], [own(1, saying({ drops: id }), { refusal })])).toEqual([draft])
})

it('shows reactions as this person last asked for them', () => {
  const theirs = { messageId: messageId(1), userId: 'bob', kind: '👍', at: 1 }
  const on = own(2, proposeReact(messageId(1), '👍', true, 5))
  const off = own(3, proposeReact(messageId(1), '👍', false, 6))
  expect(showReactions([theirs], [on], ada)).toEqual([theirs, { messageId: messageId(1), userId: 'ada', kind: '👍', at: 5 }])
  expect(showReactions([theirs], [on, off], ada)).toEqual([theirs])
})

it('shows title, agent, prompt and when it answers as last asked for', () => {
  const meta = { title: 'Old', agent: 'echo', system: '', answersAlways: false, mode: 'chat' as const }
  const asked = [own(1, proposeSetMeta('title', 'New', 5)), own(2, proposeSetMeta('agent', '', 5)), own(3, proposeSetMeta('system', 'x', 5)), own(4, proposeSetMeta('answers', 'always', 5)), own(5, proposeSetMeta('mode', 'plan', 5))]
  expect(showMeta(meta, asked)).toEqual({ title: 'New', agent: null, system: 'x', answersAlways: true, mode: 'plan' })
  expect(showMeta(meta, [own(1, proposeSetMeta('title', 'New', 5), { refusal })])).toEqual(meta)
})
