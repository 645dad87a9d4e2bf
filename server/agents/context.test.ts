/** What an agent reads: what the asking person saw, and nothing else. */
import { describe, expect, it } from 'vitest'
import type { Message } from '../../shared/conversation/schema.ts'
import type { BotId, MessageId } from '../../shared/ids.ts'
import { asTold, contextMessages } from './context.ts'

const id = (n: number): MessageId => `01890a5d-ac96-774b-bcce-b302099a80${String(n).padStart(2, '0')}` as MessageId

const message = (n: number, role: Message['role'], text: string, { parent, replaces }: { parent?: number, replaces?: number } = {}): Message => ({
  id: id(n),
  role,
  parts: text === '' ? [] : [{ type: 'text', text }],
  metadata: {
    parentId: parent === undefined ? null : id(parent),
    ...replaces !== undefined && { replaces: id(replaces) },
    authorId: role === 'user' ? 'ann' : 'agent:a',
    createdAt: n,
    acceptedAt: n,
    status: 'complete'
  }
})

const texts = (messages: Message[], asked: number): string[] | undefined =>
  contextMessages(messages, id(asked))?.map(({ parts }) => String(parts[0]?.text))

describe('the context of a run', () => {
  it('ends with the asked message, without what came after it', () => {
    const messages = [message(1, 'user', 'a'), message(2, 'assistant', 'b', { parent: 1 }), message(3, 'user', 'c', { parent: 2 }), message(4, 'user', 'd', { parent: 3 })]
    expect(texts(messages, 3)).toEqual(['a', 'b', 'c'])
  })

  it('leaves out the reply that is to be replaced', () => {
    const messages = [message(1, 'user', 'a'), message(2, 'assistant', 'b', { parent: 1 })]
    expect(texts(messages, 1)).toEqual(['a'])
  })

  it('leaves out messages without text', () => {
    const messages = [message(1, 'user', 'a'), message(2, 'assistant', '', { parent: 1 }), message(3, 'user', 'c', { parent: 2 })]
    expect(texts(messages, 3)).toEqual(['a', 'c'])
  })

  it('holds the alternatives that the asked message follows, not newer ones', () => {
    const messages = [
      message(1, 'user', 'a'), message(2, 'assistant', 'old', { parent: 1 }), message(3, 'assistant', 'new', { parent: 1, replaces: 2 }),
      message(4, 'user', 'to the old one', { parent: 2 }), message(5, 'user', 'to the new one', { parent: 3 })
    ]
    expect(texts(messages, 4)).toEqual(['a', 'old', 'to the old one'])
    expect(texts(messages, 5)).toEqual(['a', 'new', 'to the new one'])
  })

  it('holds the alternative that was followed also when a message on the way was taken out', () => {
    const messages = [
      message(1, 'user', 'a'), message(2, 'assistant', 'old', { parent: 1 }), message(3, 'assistant', 'new', { parent: 1, replaces: 2 }),
      message(5, 'user', 'and then?', { parent: 4 })
    ]
    const takenOut = new Map([[id(4) as string, { parentId: id(2) as string }]])
    expect(contextMessages(messages, id(5), takenOut)?.map(each => each.id)).toEqual([id(1), id(2), id(5)])
  })

  it('ends with the asked message also when that has no text', () => {
    expect(contextMessages([message(1, 'user', 'a'), message(2, 'user', ''), message(3, 'user', '')], id(3))?.map(each => each.id)).toEqual([id(1), id(3)])
  })

  it('holds an edited message instead of the one it replaces, and nothing that followed that one', () => {
    const messages = [
      message(1, 'user', 'a'), message(2, 'assistant', 'b', { parent: 1 }), message(3, 'user', 'typo', { parent: 2 }),
      message(4, 'assistant', 'what?', { parent: 3 }), message(5, 'user', 'fixed', { parent: 2, replaces: 3 })
    ]
    expect(texts(messages, 5)).toEqual(['a', 'b', 'fixed'])
    expect(texts(messages, 3)).toEqual(['a', 'b', 'typo'])
  })

  it('holds what others wrote at the same time', () => {
    const messages = [message(1, 'user', 'a'), message(2, 'user', 'from ann', { parent: 1 }), message(3, 'user', 'from ben', { parent: 1 })]
    expect(texts(messages, 3)).toEqual(['a', 'from ann', 'from ben'])
  })

  it('is null when the asked message is not there any more', () => {
    expect(contextMessages([message(1, 'user', 'a')], id(2))).toBeNull()
  })
})

describe('what a model is told of a message', () => {
  const bot = { id: `bot-${'0'.repeat(24)}` as BotId, name: 'Deploys', of: { id: 'ann', name: 'Ann' } }

  it('is its text, in its role', () => {
    expect(asTold(message(1, 'assistant', 'said'))).toEqual({ role: 'assistant', text: 'said' })
  })

  it.each(['user', 'assistant'] as const)('names the bot that said it, which is never the model itself (%s)', role => {
    const said = message(1, role, 'It is out.')
    expect(asTold({ ...said, metadata: { ...said.metadata, bot } })).toEqual({ role: 'user', text: '[The bot Deploys · bot of Ann says:]\n\nIt is out.' })
  })
})
