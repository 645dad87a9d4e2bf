/** A conversation as plain values. */
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { openRoots, reactionKey } from './document.ts'
import {
  readDraft, readDrafts, readMessages, readMeta, readReactions, readRedactions, readRuns, textOf,
} from './read.ts'
import type { DraftHead, Message, Run } from './schema.ts'
import { SCHEMA_VERSION } from './schema.ts'
import { putRequest, proposeSend } from './write.ts'
import type { AgentId, DraftId, MessageId, RequestId, RunId } from '../ids.ts'

const uuid = (n: number) => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`
const head = (createdAt: number): DraftHead => ({ kind: 'shared', authorId: 'u', parentId: null, createdAt })

/** The drafts root as a stranger sees it: anything can be put in. */
const hostileDrafts = (doc: Y.Doc): Y.Map<unknown> => doc.getMap('drafts')
const part = (fields: Record<string, unknown>): Y.Map<unknown> => new Y.Map(Object.entries(fields))
const list = (values: unknown[]): Y.Array<unknown> => {
  const array = new Y.Array<unknown>()
  array.push(values)
  return array
}
const draft = (headValue: unknown, parts: unknown): Y.Map<unknown> => part({ head: headValue, parts })

describe('drafts', () => {
  test('are read oldest first, with their text as it stands', () => {
    const doc = new Y.Doc()
    hostileDrafts(doc).set(uuid(2), draft(head(2), Y.Array.from([part({ type: 'text', text: new Y.Text('later') })])))
    hostileDrafts(doc).set(uuid(1), draft(head(1), Y.Array.from([
      part({ type: 'reasoning', text: new Y.Text('hm') }), part({ type: 'text', text: new Y.Text('earlier') }),
    ])))
    expect(readDrafts(doc)).toEqual([
      { id: uuid(1), head: head(1), parts: [{ type: 'reasoning', text: 'hm' }, { type: 'text', text: 'earlier' }] },
      { id: uuid(2), head: head(2), parts: [{ type: 'text', text: 'later' }] },
    ])
  })

  test('of the same time stand in the order of their ids on every device', () => {
    const doc = new Y.Doc()
    for (const n of [3, 1, 2]) hostileDrafts(doc).set(uuid(n), draft(head(5), new Y.Array()))
    expect(readDrafts(doc).map(({ id }) => id)).toEqual([1, 2, 3].map(uuid))
  })

  test.each<[string, () => unknown]>([
    ['a number', () => 5],
    ['null', () => null],
    ['a text', () => 'draft'],
    ['plain JSON', () => ({ head: head(1), parts: [] })],
    ['a Y.Array', () => new Y.Array()],
    ['a Y.Text', () => new Y.Text('x')],
    ['an empty map', () => new Y.Map()],
    ['no head', () => part({ parts: new Y.Array() })],
    ['a head that is a map', () => draft(part({ ...head(1) }), new Y.Array())],
    ['a head of another kind', () => draft({ ...head(1), kind: 'server' }, new Y.Array())],
    ['a head with more fields', () => draft({ ...head(1), extra: 1 }, new Y.Array())],
    ['a head without an author', () => draft({ kind: 'shared', parentId: null, createdAt: 1 }, new Y.Array())],
    ['a head whose time is no number', () => draft({ ...head(1), createdAt: '1' }, new Y.Array())],
    ['a head with a parent that is no id', () => draft({ ...head(1), parentId: '../x' }, new Y.Array())],
    ["an agent's head without its run", () => draft({ ...head(1), kind: 'agent', agentId: 'guide' }, new Y.Array())],
  ])('%s is none, and does not hide the others', (_, hostile) => {
    const doc = new Y.Doc()
    hostileDrafts(doc).set('hostile', hostile())
    hostileDrafts(doc).set(uuid(1), draft(head(1), new Y.Array()))
    expect(readDrafts(doc).map(({ id }) => id)).toEqual([uuid(1)])
  })

  test.each<[string, () => unknown]>([
    ['a number', () => 5],
    ['plain JSON', () => [{ type: 'text', text: 'x' }]],
    ['a map', () => part({ type: 'text' })],
    ['nothing', () => undefined],
    ['strange entries', () => list([
      1, null, 'text', { type: 'text', text: 'json' }, new Y.Text('bare'), new Y.Array(), new Y.Map(),
      part({ type: 'text' }), part({ type: 'text', text: 'plain' }), part({ type: 'tool-x', text: new Y.Text('x') }),
      part({ type: 5, text: new Y.Text('x') }), part({ text: new Y.Text('x') }),
    ])],
  ])('parts that are %s have no text', (_, parts) => {
    const doc = new Y.Doc()
    hostileDrafts(doc).set(uuid(1), draft(head(1), parts()))
    expect(readDrafts(doc)).toEqual([{ id: uuid(1), head: head(1), parts: [] }])
  })

  test('text with formats and pictures in it is read as text', () => {
    const doc = new Y.Doc()
    const text = new Y.Text('bold')
    hostileDrafts(doc).set(uuid(1), draft(head(1), Y.Array.from([part({ type: 'text', text })])))
    text.format(0, 2, { bold: true })
    text.insertEmbed(2, { image: 'x' })
    expect(readDrafts(doc)[0]!.parts).toEqual([{ type: 'text', text: 'bold' }])
  })

  test('a value that is not in any document is none', () => {
    for (const value of [undefined, {}, [], () => {}]) expect(readDraft(uuid(1) as DraftId, value)).toBeNull()
  })
})

describe('messages', () => {
  const message = (n: number): Message => ({
    id: uuid(n) as MessageId, role: 'user', parts: [], metadata: { parentId: null, authorId: 'u', createdAt: 0, acceptedAt: 0, status: 'complete' },
  })

  test('are read in the order accepted', () => {
    const doc = new Y.Doc()
    openRoots(doc).messages.push([message(2), message(1)])
    expect(readMessages(doc).map(({ id }) => id)).toEqual([uuid(2), uuid(1)])
  })

  test('that were taken out are told with where they stood', () => {
    const doc = new Y.Doc()
    openRoots(doc).redactions.set(uuid(1), { parentId: uuid(0), by: 'u', at: 3 })
    expect(readRedactions(doc)).toEqual(new Map([[uuid(1), { parentId: uuid(0), by: 'u', at: 3 }]]))
  })

  test('have the text of their text parts, joined by blank lines', () => {
    expect(textOf([{ type: 'text', text: 'a' }, { type: 'reasoning', text: 'hm' }, { type: 'file', url: 'x' }, { type: 'text', text: 'b' }])).toBe('a\n\nb')
    expect(textOf([])).toBe('')
  })
})

test('runs are read oldest first', () => {
  const doc = new Y.Doc()
  const run = (n: number, createdAt: number): Run => ({
    id: uuid(n) as RunId, requestId: 'r', messageId: uuid(0) as MessageId, agentId: 'g' as AgentId, askedBy: 'u', state: 'pending', attempt: 1,
    draftId: null, replyId: uuid(9) as MessageId, createdAt, updatedAt: createdAt,
  })
  for (const each of [run(1, 5), run(2, 3), run(3, 5)]) openRoots(doc).runs.set(each.id, each)
  expect(readRuns(doc).map(({ id }) => id)).toEqual([uuid(2), uuid(1), uuid(3)])
})

test('reactions are read with who gave them, whatever their kind holds', () => {
  const doc = new Y.Doc()
  openRoots(doc).reactions.set(reactionKey('m', 'u', 'thumbs up'), 7)
  expect(readReactions(doc)).toEqual([{ messageId: 'm', userId: 'u', kind: 'thumbs up', at: 7 }])
})

describe('meta', () => {
  test('of a new document is empty, with the schema of this program', () => {
    expect(readMeta(new Y.Doc())).toEqual({ title: '', agent: null, system: '', answersAlways: false, mode: 'chat', schema: SCHEMA_VERSION })
  })

  test('that is not of its type counts as not set', () => {
    const doc = new Y.Doc()
    const meta: Y.Map<unknown> = doc.getMap('meta')
    meta.set('title', 5)
    meta.set('agent', new Y.Map())
    meta.set('schema', '9')
    expect(readMeta(doc)).toEqual({ title: '', agent: null, system: '', answersAlways: false, mode: 'chat', schema: SCHEMA_VERSION })
  })
})

test('a proposal touches the outbox and nothing else', () => {
  const doc = new Y.Doc()
  const request = proposeSend({ parts: [{ type: 'text', text: 'hi' }], parentId: null }, 5)
  putRequest(doc, uuid(1) as RequestId, request)
  const { requests, ...others } = openRoots(doc)
  expect(requests.toJSON()).toEqual({ [uuid(1)]: { type: 'send', createdAt: 5, message: { parts: [{ type: 'text', text: 'hi' }], parentId: null } } })
  for (const root of Object.values(others)) expect(root.toJSON()).toSatisfy((json: object) => Object.keys(json).length === 0)
})
