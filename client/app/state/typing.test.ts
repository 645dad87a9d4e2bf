/** When others are told that somebody types, and that they stopped. */
import { expect, test } from 'vitest'
import { Typing } from './typing.ts'

const setUp = () => {
  let timers: (() => void)[] = []
  const told: boolean[] = []
  const clock = {
    after: (_milliseconds: number, then: () => void) => {
      timers.push(then)
      return () => { timers = timers.filter(timer => timer !== then) }
    }
  }
  const elapse = () => {
    const due = timers
    timers = []
    for (const then of due) then()
  }
  return { typing: new Typing(clock, typing => told.push(typing)), told, elapse }
}

test('many keys are told once, the pause after them once', () => {
  const { typing, told, elapse } = setUp()
  for (let key = 0; key < 20; key++) typing.keyPressed(true)
  expect(told).toEqual([true])
  elapse()
  expect(told).toEqual([true, false])
})

test('an emptied composer ends the typing at once', () => {
  const { typing, told } = setUp()
  typing.keyPressed(true)
  typing.keyPressed(false)
  expect(told).toEqual([true, false])
})
