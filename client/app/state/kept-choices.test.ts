/** Which version of a message somebody chose, kept per conversation. */
import { expect, test } from 'vitest'
import { KeptChoices } from './kept-choices.ts'

const memory = () => {
  const entries = new Map<string, string>()
  return {
    entries,
    getItem: (key: string) => entries.get(key) ?? null,
    setItem: (key: string, value: string) => void entries.set(key, value),
    removeItem: (key: string) => void entries.delete(key)
  }
}

test('a choice is kept per conversation and takes the place of an earlier one among the same alternatives', () => {
  const storage = memory()
  const kept = new KeptChoices(storage)
  kept.keep('c', 'a1', ['a1', 'a2'])
  kept.keep('c', 'b1', ['b1', 'b2'])
  kept.keep('c', 'a2', ['a1', 'a2'])
  expect(new KeptChoices(storage).read('c')).toEqual(['b1', 'a2'])
  expect(kept.read('d')).toEqual([])
})

test('choosing the newest again leaves nothing behind', () => {
  const storage = memory()
  const kept = new KeptChoices(storage)
  kept.keep('c', 'a1', ['a1', 'a2'])
  kept.keep('c', null, ['a1', 'a2', 'a3'])
  expect(storage.entries.size).toBe(0)
})

test('what is not a list of ids counts as no choice', () => {
  const storage = memory()
  for (const text of ['{', '{"a":1}', '[1,null]']) {
    storage.setItem('skein.choice.c', text)
    expect(new KeptChoices(storage).read('c')).toEqual([])
  }
})
