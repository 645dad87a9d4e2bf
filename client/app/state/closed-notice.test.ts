// What a person reads when a connection was closed for good, by its code, and what they are offered to do.
import { expect, test } from 'vitest'
import { errorTable } from '../../../shared/errors.ts'
import { closedNotice } from './closed-notice.ts'

const said = Object.entries(errorTable)
  .map(([code, { close, message }]) => ({ code, notice: closedNotice({ code: close, reason: message }) }))

test('the words are the server’s own', () => {
  for (const { code, notice } of said) expect(notice.text, code).toBe(errorTable[code as keyof typeof errorTable].message)
})

test('the heading is not said once more below it', () => {
  expect(said.filter(({ notice }) => notice.text.startsWith(`${notice.title}.`)).map(({ code }) => code)).toEqual([])
})

test('who is not signed in any more is led to the sign-in, and nobody else is', () => {
  expect(said.filter(({ notice }) => notice.action === 'sign-in').map(({ code }) => code))
    .toEqual(['unauthenticated', 'signed-out', 'sign-in-failed', 'address-unconfirmed'])
  expect(closedNotice({ code: 4401, reason: '' }).title).toMatch(/not signed in here any more/)
})

test('where a fresh page changes nothing, none is offered', () => {
  const without = Object.values(errorTable).filter(({ close }) => closedNotice({ code: close, reason: '' }).action === null)
  expect([...new Set(without.map(({ close }) => close))].sort()).toEqual([4404, 4410])
})

test('a close without a word says what that means, and what to do', () => {
  expect(closedNotice({ code: 1009, reason: '' })).toEqual({
    title: 'This conversation cannot be opened now', text: expect.stringMatching(/kept on this device; reload/) as string, action: 'reload'
  })
})

test.each([
  'malformed', 'unauthenticated', 'signed-out', 'forged', 'client-id-taken', 'id-conflict', 'no-longer-member', 'gone', 'epoch-changed', 'too-large',
  'document-full', 'too-expensive', 'rate-limited', 'newer-schema',
] as const)('who is told "%s" while they write is told what became of their text, and what to do', code => {
  const { message } = errorTable[code]
  expect(message).toMatch(/on this device|kept here|Nothing was (lost|stored|changed)/)
  expect(message).toMatch(/reload|sign in|copy it|send it|ask|try again|delete something/i)
})
