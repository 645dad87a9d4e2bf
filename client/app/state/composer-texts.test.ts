/** Texts that were typed and not sent, kept per conversation, tab and person. */
import { expect, test } from 'vitest'
import { pageStorage } from '../../../test/rig/page-storage.ts'
import { adoptTexts, ComposerTexts, hasTexts } from './composer-texts.ts'

test('each conversation keeps its own unsent text', () => {
  const texts = new ComposerTexts(pageStorage(), pageStorage(), 'ada')
  texts.keep('a', 'half a thought')
  texts.keep('b', 'another')
  expect([texts.read('a'), texts.read('b'), texts.read('c')]).toEqual(['half a thought', 'another', ''])
})

test('an emptied composer leaves nothing behind', () => {
  const storage = pageStorage()
  const texts = new ComposerTexts(storage, pageStorage(), 'ada')
  texts.keep('a', 'x')
  texts.keep('a', '')
  expect(Object.keys(storage)).toEqual([])
  expect(texts.read('a')).toBe('')
})

test('each tab keeps its own text, and a new one begins with the latest', () => {
  const shared = pageStorage()
  const open = (own = pageStorage()) => ({ own, texts: new ComposerTexts(shared, own, 'ada') })
  const [first, second] = [open(), open()]
  first.texts.keep('a', 'in the first')
  second.texts.keep('a', 'in the second')
  const third = open()
  expect(third.texts.read('a')).toBe('in the second')
  first.texts.keep('a', '')
  expect([open(first.own), open(second.own), open(third.own), open()].map(({ texts }) => texts.read('a')))
    .toEqual(['', 'in the second', 'in the second', 'in the second'])
  third.texts.keep('a', '')
  expect([open(second.own), open()].map(({ texts }) => texts.read('a'))).toEqual(['in the second', ''])
})

test('what one person typed is shown to nobody else', () => {
  const [shared, own] = [pageStorage(), pageStorage()]
  new ComposerTexts(shared, own, 'ada').keep('a', 'private')
  expect(new ComposerTexts(shared, own, 'ben').read('a')).toBe('')
  expect(new ComposerTexts(shared, own, 'ada').read('a')).toBe('private')
})

test('a storage that throws loses the keeping, not the page', () => {
  const broken = () => {
    throw new Error('storage is off')
  }
  const off = { getItem: broken, setItem: broken, removeItem: broken }
  const texts = new ComposerTexts(off, off, 'ada')
  texts.keep('a', 'x')
  expect(texts.read('a')).toBe('')
})

test('a guest’s texts become their account’s, behind its own of the same conversation, once however often', () => {
  const storage = pageStorage({
    'skein.composer.guest.a': 'mine', 'skein.composer.guest.b': 'more', 'skein.composer.ann.b': 'before',
    'skein.composer.guest2.a': 'of another', 'other': 'x'
  })
  const done = {
    'skein.composer.ann.a': 'mine', 'skein.composer.ann.b': 'before\n\nmore', 'skein.composer.guest2.a': 'of another', 'other': 'x'
  }
  expect(hasTexts(storage, 'guest')).toBe(true)
  adoptTexts(storage, 'guest', 'ann')
  expect({ ...storage }).toEqual(done)
  // A page that died between the two writes of a text.
  storage.setItem('skein.composer.guest.b', 'more')
  adoptTexts(storage, 'guest', 'ann')
  expect({ ...storage }).toEqual(done)
  expect(hasTexts(storage, 'guest')).toBe(false)
})
