/** What a request, a part and a message may look like. */
import { describe, expect, test } from 'vitest'
import { message, messagePart, request } from './schema.ts'
import type { Request } from './schema.ts'
import * as propose from './write.ts'
import type { AgentId, DraftId, MessageId, RunId } from '../ids.ts'
import { limits } from '../limits.ts'

const uuid = (n: number) => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`
const messageId = uuid(1) as MessageId
const parts = [{ type: 'text' as const, text: 'hi' }]
const isRequest = (value: unknown): boolean => request.safeParse(value).success

const proposals: Record<Request['type'], Request> = {
  'send': propose.proposeSend({ parts, parentId: messageId, replaces: messageId, to: ['guide' as AgentId], drops: uuid(2) as DraftId }, 1),
  'redact': propose.proposeRedact(messageId, 1),
  'stop': propose.proposeStop(uuid(3) as RunId, 1),
  'regenerate': propose.proposeRegenerate(messageId, 1, 'guide' as AgentId),
  'retry': propose.proposeRetry(messageId, 1),
  'continue': propose.proposeContinue(messageId, 1),
  'set-meta': propose.proposeSetMeta('title', 'T', 1),
  'react': propose.proposeReact(messageId, 'up', true, 1),
}

describe('a request', () => {
  test.each(Object.entries(proposals))('%s as proposed is one, unchanged by the check', (_, proposal) => {
    expect(request.parse(proposal)).toEqual(proposal)
  })

  test('to send says as little as it must', () => {
    expect(propose.proposeSend({ parts, parentId: null }, 1)).toEqual({ type: 'send', createdAt: 1, message: { parts, parentId: null } })
    expect(isRequest(propose.proposeSend({ parts, parentId: null, to: [] }, 1))).toBe(true)
  })

  test.each(Object.entries(proposals))('%s with a field too many, too few or of another type is none', (_, proposal) => {
    expect(isRequest({ ...proposal, extra: 1 })).toBe(false)
    for (const field of Object.keys(proposal).filter(name => !['drops', 'agentId'].includes(name))) {
      const { [field as 'type']: _removed, ...rest } = proposal
      expect(isRequest(rest), `without ${field}`).toBe(false)
      for (const wrong of [null, [], {}, () => {}, Number.NaN, Symbol('x')]) expect(isRequest({ ...proposal, [field]: wrong }), `${field}: ${String(wrong)}`).toBe(false)
    }
  })

  test.each<[string, unknown]>([
    ['null', null],
    ['a text', 'send'],
    ['a list', [proposals.send]],
    ['an unknown type', { ...proposals.redact, type: 'erase' }],
    ['the type of every object', { ...proposals.redact, type: 'constructor' }],
    ['a time before 1970', { ...proposals.redact, createdAt: -1 }],
    ['a time without end', { ...proposals.redact, createdAt: Number.POSITIVE_INFINITY }],
    ['a message id that is none', { ...proposals.redact, messageId: 'x' }],
    ['a message id with NUL', { ...proposals.redact, messageId: `${messageId}\u0000` }],
    ['an agent with a path for a name', { ...proposals.regenerate, agentId: '../x' }],
    ['a server-only field of meta', { ...proposals['set-meta'], key: 'schema' }],
    ['a prototype as field of meta', { ...proposals['set-meta'], key: '__proto__' }],
    ['a system prompt beyond its limit', { ...proposals['set-meta'], value: 'x'.repeat(limits.systemPromptLength + 1) }],
    ['a reaction without a kind', { ...proposals.react, kind: '' }],
    ['a reaction of a long kind', { ...proposals.react, kind: 'x'.repeat(33) }],
  ])('%s is none', (_, value) => {
    expect(isRequest(value)).toBe(false)
  })

  test.each<[string, Record<string, unknown>]>([
    ['an author', { authorId: 'somebody-else' }],
    ['a role', { role: 'assistant' }],
    ['a status', { status: 'complete' }],
    ['more parts than are allowed', { parts: Array.from({ length: 65 }, () => parts[0]) }],
    ['parts that are none', { parts: [{ type: 'text' }] }],
    ['text that is no text', { parts: [{ type: 'text', text: 5 }] }],
    ['an unknown part', { parts: [{ type: 'script', text: 'x' }] }],
    ['no parent', { parentId: undefined }],
    ['too many agents', { to: Array.from({ length: 17 }, () => 'guide') }],
  ])('to send a message with %s is none', (_, change) => {
    if (proposals.send.type !== 'send') throw new Error('unreachable')
    expect(isRequest({ ...proposals.send, message: { ...proposals.send.message, ...change } })).toBe(false)
  })
})

describe('a part of a message', () => {
  test.each(['tool-weather', 'dynamic-tool', 'file', 'source-url', 'source-document', 'data-chart'])('of type %s is kept as it is', type => {
    const part = { type, anything: { deep: [1] } }
    expect(messagePart.parse(part)).toEqual(part)
  })

  test.each(['tool-', 'data-', 'filet', ' file', 'file\n', 'image', ''])('of type %j is none', type => {
    expect(messagePart.safeParse({ type }).success).toBe(false)
  })
})

test('a message is an AI SDK UIMessage with our metadata', () => {
  const sealed = {
    id: messageId, role: 'assistant', parts: [{ type: 'text', text: 'hi', state: 'done' }],
    metadata: {
      parentId: null, authorId: 'agent', agentId: 'guide', runId: uuid(2), createdAt: 1, acceptedAt: 2, status: 'complete', model: 'm',
      usage: { inputTokens: 1, outputTokens: 2 }, timing: { firstTokenMs: 1, totalMs: 2 }, finishReason: 'stop',
    },
  }
  expect(message.parse(sealed)).toEqual(sealed)
  expect(message.safeParse({ ...sealed, role: 'tool' }).success).toBe(false)
  expect(message.safeParse({ ...sealed, metadata: { ...sealed.metadata, status: 'lost' } }).success).toBe(false)
})
