/** Whether another process has the store open, found out without opening it. */
import { readFile, stat } from 'node:fs/promises'

/** Linux says who holds which lock; elsewhere the operator has to know that the server is stopped. */
export const isInUse = async (lockFile: string): Promise<boolean> => {
  try {
    const [{ dev, ino }, locks] = await Promise.all([stat(lockFile), readFile('/proc/locks', 'utf8')])
    const [major, minor] = [dev >> 8 & 0xfff, (dev & 0xff) | (dev >> 12 & 0xfff00)].map(part => part.toString(16).padStart(2, '0'))
    return locks.includes(` ${major}:${minor}:${ino} `)
  } catch (_notThere) {
    return false
  }
}
