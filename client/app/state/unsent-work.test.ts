/** What a person would lose with this device: all of it is found, and can be taken away as a file. */
import { expect, test } from 'vitest'
import { pageStorage } from '../../../test/rig/page-storage.ts'
import type { OutboxEntry } from './sdk.ts'
import { countTexts, countWaiting, unsentAsMarkdown, unsentWork } from './unsent-work.ts'

const send = (text: string, refused = false) => ({
  id: text, stored: true, refusal: refused ? { code: 'message-too-long', reason: 'too long' } : null,
  request: { type: 'send', createdAt: 0, message: { parts: [{ type: 'text', text }] } },
}) as Partial<OutboxEntry> as OutboxEntry
const reaction = { id: 'r', stored: true, refusal: null, request: { type: 'react' } } as Partial<OutboxEntry> as OutboxEntry

const storage = pageStorage({
  'skein.composer.ada.a': 'begun', 'skein.composer.ada.b': ' ', 'skein.composer.bob.a': 'of another',
})
const works = unsentWork(new Map([
  ['conversation/a', [send('first'), send('refused', true)]], ['conversation/c', [reaction]], ['odd', [send('x')]],
]), new Map(), storage, 'ada')

test('what was typed into a shared draft is found, unless it was sent from there', () => {
  const sent = { ...send('all of it'), request: { ...send('all of it').request, drops: 'd1' } } as OutboxEntry
  const drafts = new Map([['conversation/d', [{ id: 'd1', text: 'all of it' }, { id: 'd2', text: 'half of it' }]], ['home/ada', [{ id: 'd3', text: 'x' }]]])
  expect(unsentWork(new Map([['conversation/d', [sent]]]), drafts, storage, 'bob')).toEqual([
    { conversationId: 'd', waiting: 1, texts: [{ kind: 'waiting', text: 'all of it' }, { kind: 'draft', text: 'half of it' }] },
    { conversationId: 'a', waiting: 0, texts: [{ kind: 'begun', text: 'of another' }] },
  ])
})

test('all that a person wrote and no server has is found: messages that wait, messages that were refused, and texts that were begun', () => {
  expect(works).toEqual([
    { conversationId: 'a', waiting: 1, texts: [{ kind: 'waiting', text: 'first' }, { kind: 'refused', text: 'refused' }, { kind: 'begun', text: 'begun' }] },
    { conversationId: 'c', waiting: 1, texts: [] },
  ])
  expect([countWaiting(works), countTexts(works)]).toEqual([2, 3])
})

test('it is saved as a file that a person can read', () => {
  expect(unsentAsMarkdown(works, id => id === 'a' ? 'Herons' : '', new Date(0))).toBe([
    '# What was not sent from this device', 'Saved on 1970-01-01T00:00:00.000Z.', '## Herons', 'Conversation a',
    '### Not sent yet', 'first', '### Refused by the server', 'refused', '### Begun', 'begun\n',
  ].join('\n\n'))
})
