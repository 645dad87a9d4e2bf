/** The letters and the colour that stand for a person. */
import { expect, test } from 'vitest'
import { hueOf, initials } from './initials.ts'

test('a name gives its first and last initial, a single word one, nothing a question mark', () => {
  expect(['Ada Lovelace', 'grace', 'Jean Luc de la Fontaine', '  ', '李 小龙', '😀 smile'].map(initials)).toEqual(['AL', 'G', 'JF', '?', '李小', '😀S'])
})

test('one person has the same hue everywhere', () => {
  expect(hueOf('ada')).toBe(hueOf('ada'))
  expect(hueOf('ada')).not.toBe(hueOf('grace'))
})
