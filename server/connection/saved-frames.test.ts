/** Which number of frames is reported as saved. */
import { expect, it } from 'vitest'
import { SavedFrames } from './saved-frames.ts'

it('a saved count never passes a frame that is still parked', () => {
  const frames = new SavedFrames()
  expect([frames.receive(), frames.receive(), frames.receive()]).toEqual([1, 2, 3])
  expect(frames.done(2)).toBeNull()
  expect(frames.done(3)).toBeNull()
  expect(frames.done(1)).toBe(3)
})
