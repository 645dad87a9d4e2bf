/** What a screen reader is told of replies. */
import { expect, it } from 'vitest'
import type { Message } from '../../../shared/conversation/schema.ts'
import type { AgentId, MessageId } from '../../../shared/ids.ts'
import type { ViewMessage } from '../../sync/view.ts'
import { ReplyAnnouncer } from './reply-announcer.ts'

const reply = (id: string, text: string, more: Partial<Message['metadata']> = {}): ViewMessage => ({
  message: {
    id: id as MessageId, role: 'assistant', parts: text === '' ? [] : [{ type: 'text', text }],
    metadata: { parentId: null, authorId: 'agent:gpt', agentId: 'gpt' as AgentId, createdAt: 0, acceptedAt: 0, status: 'complete', ...more }
  },
  delivery: { state: 'saved' }, alternatives: [id]
})
const view = (...messages: ViewMessage[]) => ({ messages, loaded: true, synced: true })
const name = (): string => 'GPT'

const announced = (next: ViewMessage): string | null => {
  const announcer = new ReplyAnnouncer()
  announcer.next(view(), name)
  return announcer.next(view(next), name)
}

it('is its text, and nothing of what was there on opening', () => {
  expect(announced(reply('a', 'Hello.'))).toBe('GPT replied: Hello.')
  expect(new ReplyAnnouncer().next(view(reply('a', 'Hello.')), name)).toBeNull()
})

it('says why there is no reply, and that one is not whole', () => {
  const error = { code: 'agent-failed', message: 'The model did not answer. Try again.' }
  expect(announced(reply('a', '', { status: 'error', error }))).toBe('GPT did not reply: The model did not answer. Try again.')
  expect(announced(reply('a', 'Half of', { status: 'error', error }))).toBe('GPT replied: Half of. The model did not answer. Try again.')
  expect(announced(reply('a', 'Half', { status: 'cancelled' }))).toBe('GPT replied: Half. Stopped before it was finished.')
})
