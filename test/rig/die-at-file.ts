/**
 * Loaded before a command (`node --import`): ends the process as `kill -9` does, right before the nth change of a file or folder.
 * `SKEIN_TEST_DIE_AT_FILE=<nth>`, from 0.
 */
import { promises } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const nth = Number(process.env['SKEIN_TEST_DIE_AT_FILE'])
let seen = 0

const changing = ['rename', 'link', 'unlink', 'mkdir', 'writeFile'] as const
const { open } = promises

const count = (): void => {
  if (seen++ === nth) process.kill(process.pid, 'SIGKILL')
}
for (const name of changing) {
  const before = promises[name] as (...args: unknown[]) => Promise<unknown>
  Object.assign(promises, { [name]: (...args: unknown[]) => {
    count()
    return before(...args)
  } })
}
promises.open = async (...args: Parameters<typeof open>) => {
  // Opened to write: its own changes count, too.
  if (args[1] === 0 || args[1] === 'r' || args[1] === undefined) return open(...args)
  count()
  const file = await open(...args)
  const write = file.writeFile.bind(file)
  file.writeFile = (...given: Parameters<typeof write>) => {
    count()
    return write(...given)
  }
  return file
}
syncBuiltinESMExports()
