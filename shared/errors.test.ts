/** The table of errors. */
import { describe, expect, test } from 'vitest'
import { errorTable, isErrorCode, SkeinError } from './errors.ts'

describe('every error', () => {
  test.each(Object.entries(errorTable))('%s has numbers that HTTP and WebSocket allow, and a sentence for a person', (code, entry) => {
    expect(isErrorCode(code)).toBe(true)
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/)
    expect(entry.status).toSatisfy((status: number) => status >= 400 && status < 600)
    expect(entry.close).toSatisfy((close: number) => close >= 1011 && close <= 1013 || close >= 4400 && close < 5000)
    expect(entry.message).toMatch(/^[A-Z].*\.$/)
  })

  test.each(Object.entries(errorTable))('%s fits a close frame with its code in front', (code) => {
    expect(new TextEncoder().encode(code).length).toBeLessThan(123)
  })
})

test('an error says what the table says, unless it knows more', () => {
  expect(new SkeinError('viewer')).toMatchObject({ code: 'viewer', message: errorTable.viewer.message, name: 'SkeinError' })
  const cause = new Error('disk')
  expect(new SkeinError('not-saved', 'The disk is full.', { cause })).toMatchObject({ message: 'The disk is full.', cause })
})
