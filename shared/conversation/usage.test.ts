/** What the models of a conversation took, in all. */
import { expect, it } from 'vitest'
import type { Message, Summary } from './schema.ts'
import { usageOf } from './usage.ts'
import type { MessageId } from '../ids.ts'

const reply = (id: string, metadata: Partial<Message['metadata']>): Message => ({
  id: id as MessageId,
  role: 'assistant',
  parts: [{ type: 'text', text: id }],
  metadata: { parentId: null, authorId: 'agent:a', createdAt: 0, acceptedAt: 0, status: 'complete', ...metadata },
})

it('is the sum of all replies that asked a model and of all summaries, each currency for itself', () => {
  expect(usageOf([
    reply('a', { model: 'm', usage: { inputTokens: 100, outputTokens: 20 }, cost: { amount: 0.5, currency: 'USD' } }),
    reply('b', { model: 'm', replaces: 'a' as MessageId, usage: { inputTokens: 10, outputTokens: 2 }, cost: { amount: 0.25, currency: 'USD' } }),
    reply('c', { model: 'n', usage: { outputTokens: 3 }, cost: { amount: 1, currency: 'EUR' } }),
    reply('d', { model: 'unpriced' }),
    reply('e', { timing: { totalMs: 5 } })
  ], [{ usage: { inputTokens: 1000, outputTokens: 100 }, cost: { amount: 2, currency: 'EUR' } } as Summary])).toEqual({
    replies: 4, summaries: 1, inputTokens: 1110, outputTokens: 125, unpriced: 1,
    costs: [{ amount: 0.75, currency: 'USD' }, { amount: 3, currency: 'EUR' }]
  })
})

it('is nothing where no model was asked', () => {
  expect(usageOf([reply('q', { timing: { totalMs: 5 } })])).toEqual({ replies: 0, summaries: 0, inputTokens: 0, outputTokens: 0, unpriced: 0, costs: [] })
})
