/** The notices of a connection follow its state and the time, on a clock of our own. */
import { expect, test } from 'vitest'
import { ConnectionWatch } from './connection-watch.ts'

/** A clock that moves only when told to. */
const handClock = () => {
  let time = 0
  let timers: { at: number, then: () => void }[] = []
  return {
    now: () => time,
    after: (milliseconds: number, then: () => void) => {
      const timer = { at: time + milliseconds, then }
      timers.push(timer)
      return () => { timers = timers.filter(other => other !== timer) }
    },
    advance: (milliseconds: number) => {
      time += milliseconds
      const due = timers.filter(timer => timer.at <= time)
      timers = timers.filter(timer => timer.at > time)
      for (const { then } of due) then()
    },
    waiting: () => timers.length
  }
}

test('a socket that stays down leads to "reconnecting" and then "unreachable", by time alone', () => {
  const clock = handClock()
  let notice = ''
  const watch = new ConnectionWatch(clock, next => { notice = next })
  watch.update(true, true)
  clock.advance(60_000)
  watch.update(false, true)
  expect(notice).toBe('none')
  clock.advance(1_000)
  expect(notice).toBe('reconnecting')
  clock.advance(3_000)
  expect(notice).toBe('unreachable')
  watch.update(true, true)
  expect(notice).toBe('none')
  expect(clock.waiting()).toBe(0)
})

test('tries that fail do not start the wait anew', () => {
  const clock = handClock()
  let notice = ''
  const watch = new ConnectionWatch(clock, next => { notice = next })
  for (let tries = 0; tries < 5; tries++) {
    watch.update(false, true)
    clock.advance(900)
  }
  expect(notice).toBe('unreachable')
})

test('a stopped watch says nothing more', () => {
  const clock = handClock()
  const said: string[] = []
  const watch = new ConnectionWatch(clock, next => said.push(next))
  watch.update(false, true)
  watch.stop()
  clock.advance(10_000)
  expect(said).toEqual(['none'])
})
