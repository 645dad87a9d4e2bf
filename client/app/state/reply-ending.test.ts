/** What stands under a reply that did not end as it should. */
import { describe, expect, test } from 'vitest'
import type { Message, MessageMetadata } from '../../../shared/conversation/schema.ts'
import { errorTable } from '../../../shared/errors.ts'
import type { ErrorCode } from '../../../shared/errors.ts'
import { limits } from '../../../shared/limits.ts'
import { replyEnding } from './reply-ending.ts'

const endingOf = (metadata: Partial<MessageMetadata>, text = 'Half of it') => {
  const parts: Message['parts'] = text === '' ? [] : [{ type: 'text', text }]
  return replyEnding({ parts, metadata: { parentId: null, authorId: 'agent:one', createdAt: 1, acceptedAt: 1, status: 'complete', ...metadata } })
}
const failed = (code: ErrorCode): Partial<MessageMetadata> => ({ status: 'error', error: { code, message: errorTable[code].message } })
const interrupted: Partial<MessageMetadata> = { ...failed('interrupted'), status: 'incomplete' }

describe('what a person can do about a reply', () => {
  test.each([
    ['whole', {}, null, null],
    ['cut at the longest that it may be', { finishReason: 'length' }, ['cut', 'continue'], ['cut']],
    ['stopped', { status: 'cancelled' }, ['stopped', 'continue', 'retry'], ['stopped', 'retry']],
    ['interrupted', interrupted, ['cut', 'continue', 'retry'], ['cut', 'retry']],
    ['failed at the model', failed('agent-failed'), ['failed', 'continue', 'retry'], ['failed', 'retry']],
    ['not begun by its bot', failed('bot-away'), ['failed', 'continue', 'retry'], ['failed', 'retry']],
    ['not paid for today', failed('budget-spent'), ['failed', 'continue', 'retry'], ['failed', 'retry']],
    ['one too many at once', failed('too-many-replies'), ['failed', 'continue', 'retry'], ['failed', 'retry']],
    ['without its question', failed('target-unknown'), ['failed'], ['failed']],
    ['of an agent that is gone', failed('agent-unknown'), ['failed'], ['failed']],
  ] as const)('that is %s', (_, metadata, withText, without) => {
    const shown = (text: string) => {
      const ending = endingOf(metadata, text)
      return ending && [ending.tone, ...ending.waysOn]
    }
    expect(shown('Half of it')).toEqual(withText)
    expect(shown('')).toEqual(without)
    expect(shown(' \n')).toEqual(without)
  })

  test('goes on from no text that fills a message', () => {
    const waysOn = (text: string) => endingOf({ finishReason: 'length' }, text)?.waysOn
    expect(waysOn('x'.repeat(limits.messageBytes - 10))).toEqual(['continue'])
    expect(waysOn('x'.repeat(limits.messageBytes))).toEqual([])
  })

  test('says why: the reason that was sealed with it, else what its state means', () => {
    expect(endingOf(failed('agent-failed'))?.reason).toBe(errorTable['agent-failed'].message)
    expect(endingOf({ status: 'error' })?.reason).toBe('The reply failed.')
    expect(endingOf({ status: 'incomplete' })?.reason).toMatch(/interrupted/)
    expect(endingOf({ status: 'cancelled', error: { code: 'x', message: 'not for people' } })?.reason).toBe('Stopped before it was finished.')
  })
})
