/** Letters that came too late for the message they were typed for come back as a draft. */
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { ownText, reopening, withoutSealed } from './late-edits.ts'
import type { Letter } from './late-edits.ts'
import { readDrafts } from '../../shared/conversation/read.ts'
import type { DraftId, MessageId } from '../../shared/ids.ts'

/** `[…]` are this person's own letters, `{…}` what others typed last. */
const letters = (marked: string): Letter[] => {
  let client = 1
  return [...marked].flatMap((char, clock) => {
    if ('[]{}'.includes(char)) client = char === '[' ? 2 : char === '{' ? 3 : 1
    return '[]{}'.includes(char) ? [] : [{ char, client, clock, own: client === 2 }]
  })
}

const late = (marked: string, ...texts: string[]): string => ownText(texts.reduce(withoutSealed, letters(marked)))

describe('what a message does not hold of a person\'s letters', () => {
  it.each([
    ['nothing, where it holds them all', '[I will pay 10]', 'I will pay 10', ''],
    ['what was typed at the end', 'I will pay 10[000]', 'I will pay 10', '000'],
    ['what was typed in the middle of equal letters', '1[0]00', '100', '0'],
    ['what was typed in front', '[no ]yes', 'yes', 'no '],
    ['what was typed at several places', 'a[b]c[d]e', 'ace', 'bd'],
    ['nothing of what others typed late', '[hello] world', 'hello', ''],
    ['nothing of what others typed late beside it', '[the theme]{ is the theme} of', 'the theme of', ''],
    ['all that may be late, where equal letters of another may be the ones sent', '[ab][ab]{ab}', 'ab', 'abab'],
    ['what is left when the sender had deleted some of it', '[hello] you', 'hell you', 'o'],
    ['all, where there is no message', 'your [words]', '', 'words'],
    ['nothing, where the message holds more', '[one]', 'one and two', ''],
    ['whole characters', '👋[👍]', '👋', '👍']
  ])('is %s', (_what, marked, text, expected) => {
    expect(late(marked, text)).toBe(expected)
  })

  it('is less by what another message of the same draft holds', () => {
    expect(late('10[0 and more]', '10', '100 and')).toBe(' more')
  })

  it('is found in long texts, and comes back whole where too much differs', () => {
    const long = 'lorem ipsum '.repeat(2000)
    expect(late(`${long}[late]${long}`, long + long)).toBe('late')
    expect(late(`[${'ab'.repeat(3000)}]`, 'ba'.repeat(3000))).toHaveLength(6000)
  })
})

describe('bringing late edits back', () => {
  const from = '0190a000-0000-7000-8000-000000000001' as DraftId
  const head = { kind: 'shared' as const, authorId: 'ben', parentId: '0190a000-0000-7000-8000-000000000002' as MessageId, createdAt: 5 }

  it('twice is the same as once', () => {
    const doc = new Y.Doc()
    const { id, update } = reopening(from, head, '000')
    Y.applyUpdate(doc, update)
    Y.applyUpdate(doc, reopening(from, head, '000').update)
    expect(readDrafts(doc)).toEqual([{ id, head, parts: [{ type: 'text', text: '000' }] }])
  })

  it('again, after the draft was sent or dropped, is nothing', () => {
    const doc = new Y.Doc()
    const { id, update } = reopening(from, head, '000')
    Y.applyUpdate(doc, update)
    doc.getMap('drafts').delete(id)
    Y.applyUpdate(doc, update)
    expect(readDrafts(doc)).toEqual([])
  })

  it('makes different drafts of different edits and people', () => {
    const ids = [reopening(from, head, '000'), reopening(from, head, '00'), reopening(from, { ...head, authorId: 'cleo' }, '000')]
    expect(new Set(ids.map(({ id }) => id)).size).toBe(3)
  })
})
