/** Which tools an agent may be offered in which mode. */
import { expect, it } from 'vitest'
import { isMode, modes, toolPolicy, useOf } from './mode.ts'

it.each([
  ['chat', 'never', 'never'],
  ['plan', 'freely', 'never'],
  ['act', 'freely', 'with-approval']
] as const)('in the mode "%s" what only reads is used %s, and what changes something %s', (mode, reading, changing) => {
  expect([useOf(toolPolicy(mode), { readOnly: true }), useOf(toolPolicy(mode), { readOnly: false })]).toEqual([reading, changing])
})

it('there are three modes', () => {
  expect(modes.every(isMode)).toBe(true)
  expect(['', 'Chat', 'toString', null, undefined].some(isMode)).toBe(false)
})
