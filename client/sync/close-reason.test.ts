/** The reason for which a socket was closed, as a person reads it. */
import { expect, it } from 'vitest'
import { readCloseReason } from './close-reason.ts'
import { errorTable } from '../../shared/errors.ts'

it('tells the reason without its code', () => {
  expect(readCloseReason('viewer: You may only read.')).toBe('You may only read.')
})

it('tells the whole reason of the error table where the close frame could not carry it', () => {
  expect(readCloseReason('too-large: This is larg…')).toBe(errorTable['too-large'].message)
})

it('leaves alone what is not of our server', () => {
  expect(readCloseReason('note: bye')).toBe('note: bye')
  expect(readCloseReason('')).toBe('')
})
