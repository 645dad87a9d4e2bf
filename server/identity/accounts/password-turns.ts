/**
 * Passwords are hashed a few at a time: each takes 32 MB and a thread of those that also serve the disk, so that a flood of sign-ins
 * would hold up everybody's writing.
 */
import { SkeinError } from '../../../shared/errors.ts'

/**
 * @param atOnce that run side by side
 * @param waiting that may wait for their turn; further ones are refused `rate-limited`
 */
export const createTurns = (atOnce: number, waiting: number): (<T>(task: () => Promise<T>) => Promise<T>) => {
  const queue: (() => void)[] = []
  let running = 0
  return async task => {
    if (running >= atOnce) {
      if (queue.length >= waiting) throw new SkeinError('rate-limited', 'Too many people sign in at this moment. Nothing was changed; wait a little and try again.')
      await new Promise<void>(resolve => queue.push(resolve))
    } else {
      running++
    }
    try {
      return await task()
    } finally {
      const next = queue.shift()
      if (next) next()
      else running--
    }
  }
}
