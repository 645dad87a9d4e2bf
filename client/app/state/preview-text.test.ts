/** The line under a title in the list: words without marks of markdown. */
import { expect, test } from 'vitest'
import { previewText } from './preview-text.ts'

test('marks of markdown are left out of a preview', () => {
  expect(previewText('# A heading with **bold**, *soft* and `code`')).toBe('A heading with bold, soft and code')
  expect(previewText('I am the **offline ag…')).toBe('I am the offline ag…')
  expect(previewText('> quoted ~~no~~')).toBe('quoted no')
})

test('what only looks like marks stays', () => {
  expect(previewText('2*3*4 is 24, see snake_case_name and a - b')).toBe('2*3*4 is 24, see snake_case_name and a - b')
})
