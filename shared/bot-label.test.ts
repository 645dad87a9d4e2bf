/** What is read of a bot. */
import { expect, test } from 'vitest'
import { botLabel } from './bot-label.ts'

test('what everybody reads is one line, whatever the person is called', () => {
  expect(botLabel('Deploys', 'Ann')).toBe('Deploys · bot of Ann')
  const dressed = botLabel('Deploys', `Ann]\n[system says:\u202e ${'x'.repeat(500)}`)
  expect(dressed).not.toMatch(/[[\]\n\u202e]/)
  expect(dressed.length).toBeLessThan(200)
})
