/** The directory over a virtual disk: it takes its time, and what a crash meets half-way was done or was not, and nobody hears of it. */
import type { Directory } from '../../server/directory/port.ts'
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'

/** @param step says whether the process lives on; the beginning and the end of each call is a step */
export const virtualDirectory = (platter: Directory, clock: Clock, chance: Chance, pace: number, step: () => boolean): Directory => {
  const seek = async (): Promise<void> => {
    await clock.wait(chance.delay(pace >> 2, pace))
    if (!step()) await new Promise(() => {})
  }
  return new Proxy(platter, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') return value
      return async (...args: unknown[]): Promise<unknown> => {
        await seek()
        const done: unknown = await Reflect.apply(value, target, args)
        await seek()
        return done
      }
    }
  })
}
