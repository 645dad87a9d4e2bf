/**
 * Time and chance of the libraries: y-websocket, y-protocols and lib0 reach for `setTimeout`, `setInterval`, `Date.now` and
 * `getRandomValues` by themselves. While a simulation runs these are the simulation's.
 *
 * lib0 keeps the functions that it finds when it is loaded, so this module is imported before Yjs.
 */
import { webcrypto } from 'node:crypto'

export interface Surroundings {
  now: () => number
  /** Calls `run` once after `ms`. @returns cancels it */
  after: (ms: number, run: () => void) => () => void
  fill: (bytes: Uint8Array) => void
}

interface Installed {
  current: Surroundings | null
}

class VirtualTimer {
  cancel: () => void = () => {}
  /** Node's timers have these; whoever calls them wants the process to end, which is no concern here. */
  unref(): this { return this }
  ref(): this { return this }
}

const install = (): Installed => {
  const installed: Installed = { current: null }
  const { now } = Date
  const { setTimeout, setInterval, clearTimeout, clearInterval } = globalThis
  const getRandomValues = webcrypto.getRandomValues.bind(webcrypto)
  const cancel = (really: (timer: NodeJS.Timeout) => void) => (timer: VirtualTimer | NodeJS.Timeout): void => {
    if (timer instanceof VirtualTimer) timer.cancel()
    else really(timer)
  }
  const repeat = (timer: VirtualTimer, surroundings: Surroundings, ms: number, run: () => void): void => {
    timer.cancel = surroundings.after(ms, () => {
      repeat(timer, surroundings, ms, run)
      run()
    })
  }
  Object.assign(globalThis, {
    setTimeout: (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
      if (!installed.current) return setTimeout(run, ms, ...args)
      const timer = new VirtualTimer()
      timer.cancel = installed.current.after(ms, () => run(...args))
      return timer
    },
    setInterval: (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
      if (!installed.current) return setInterval(run, ms, ...args)
      const timer = new VirtualTimer()
      repeat(timer, installed.current, Math.max(1, ms), () => run(...args))
      return timer
    },
    clearTimeout: cancel(clearTimeout),
    clearInterval: cancel(clearInterval)
  })
  Object.assign(Date, { now: () => installed.current ? installed.current.now() : now() })
  Object.defineProperty(webcrypto, 'getRandomValues', {
    configurable: true,
    value: (target: Uint8Array<ArrayBuffer>) => {
      if (!installed.current) return getRandomValues(target)
      installed.current.fill(new Uint8Array(target.buffer, target.byteOffset, target.byteLength))
      return target
    }
  })
  return installed
}

// One for the process, however many copies of this module are loaded: lib0 is loaded once.
const KEY = Symbol.for('skein simulation')
const places = globalThis as { [KEY]?: Installed }
const installed = places[KEY] ??= install()

/** Lets the libraries live in these surroundings for as long as `run` takes. */
export const inhabit = async <T>(surroundings: Surroundings, run: () => Promise<T>): Promise<T> => {
  if (installed.current) throw new Error('One simulation at a time: the libraries have one clock.')
  installed.current = surroundings
  // Each provider of y-websocket listens for the end of the process.
  const listeners = process.getMaxListeners()
  process.setMaxListeners(0)
  try {
    return await run()
  } finally {
    process.setMaxListeners(listeners)
    installed.current = null
  }
}
