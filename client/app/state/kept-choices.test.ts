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

test('choices are kept per conversation, and nothing is left when there are none', () => {
  const storage = memory()
  const kept = new KeptChoices(storage)
  kept.keep('c', new Map([['root', 'second']]))
  expect([...new KeptChoices(storage).read('c')]).toEqual([['root', 'second']])
  expect(kept.read('d').size).toBe(0)
  kept.keep('c', new Map())
  expect(storage.entries.size).toBe(0)
})

test('what is not a list of choices counts as none', () => {
  const storage = memory()
  for (const text of ['{', '{"a":1}', '[["only one"],[1,2]]']) {
    storage.setItem('skein.choice.c', text)
    expect(new KeptChoices(storage).read('c').size).toBe(0)
  }
})
