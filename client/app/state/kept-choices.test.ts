/** Which version of a message somebody chose, kept per conversation. */
import { expect, test } from 'vitest'
import { pageStorage } from '../../../test/rig/page-storage.ts'
import { KeptChoices } from './kept-choices.ts'

test('a choice is kept per conversation and takes the place of an earlier one among the same alternatives', () => {
  const storage = pageStorage()
  const kept = new KeptChoices(storage)
  kept.keep('c', 'a1', ['a1', 'a2'])
  kept.keep('c', 'b1', ['b1', 'b2'])
  kept.keep('c', 'a2', ['a1', 'a2'])
  expect(new KeptChoices(storage).read('c')).toEqual(['b1', 'a2'])
  expect(kept.read('d')).toEqual([])
})

test('choosing the newest again leaves nothing behind', () => {
  const storage = pageStorage()
  const kept = new KeptChoices(storage)
  kept.keep('c', 'a1', ['a1', 'a2'])
  kept.keep('c', null, ['a1', 'a2', 'a3'])
  expect(Object.keys(storage)).toEqual([])
})

test('what is not a list of ids counts as no choice', () => {
  const storage = pageStorage()
  for (const text of ['{', '{"a":1}', '[1,null]']) {
    storage.setItem('skein.choice.c', text)
    expect(new KeptChoices(storage).read('c')).toEqual([])
  }
})
