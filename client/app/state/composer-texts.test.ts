import { expect, test } from 'vitest'
import { ComposerTexts } from './composer-texts.ts'

const memory = () => {
  const entries = new Map<string, string>()
  return {
    entries,
    getItem: (key: string) => entries.get(key) ?? null,
    setItem: (key: string, value: string) => void entries.set(key, value),
    removeItem: (key: string) => void entries.delete(key)
  }
}

test('each conversation keeps its own unsent text', () => {
  const texts = new ComposerTexts(memory())
  texts.keep('a', 'half a thought')
  texts.keep('b', 'another')
  expect([texts.read('a'), texts.read('b'), texts.read('c')]).toEqual(['half a thought', 'another', ''])
})

test('an emptied composer leaves nothing behind', () => {
  const storage = memory()
  const texts = new ComposerTexts(storage)
  texts.keep('a', 'x')
  texts.keep('a', '')
  expect(storage.entries.size).toBe(0)
})

test('a storage that throws loses the keeping, not the page', () => {
  const broken = () => {
    throw new Error('storage is off')
  }
  const texts = new ComposerTexts({ getItem: broken, setItem: broken, removeItem: broken })
  texts.keep('a', 'x')
  expect(texts.read('a')).toBe('')
})
