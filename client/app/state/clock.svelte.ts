/** The time as lists need it: it moves once in half a minute, so that "5 min" does not stay for ever. */

const TICK = 30_000

export class Clock {
  now: number = $state(Date.now())

  /** @returns how to stop */
  start(): () => void {
    const timer = setInterval(() => { this.now = Date.now() }, TICK)
    return () => clearInterval(timer)
  }
}
