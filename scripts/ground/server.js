// How the server is started: with the memory that it needs and little more, see docs/decisions/0017-what-a-connection-costs.md.

import { join } from 'node:path'
import { environmentWith, root } from './processes.js'

/**
 * V8's young generation would grow to 128 MB in a busy moment and stay so; 8 of them cost no more time. `gc` is called when the server has
 * nothing to do.
 */
export const serverFlags = ['--max-semi-space-size=8', '--expose-gc']

export const serverEnvironment = {
  /** Each thread of the allocator's would keep what was once read in it. */
  MALLOC_ARENA_MAX: process.env.MALLOC_ARENA_MAX ?? '2',
  /** Where Node keeps compiled code from one start to the next, and does without where it may not write. */
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, '.cache', 'compiled'),
}

/**
 * @param {string} node
 * @param {string[]} args
 */
export const serverProgram = (node, args) =>
  ({ command: node, args: [...serverFlags, ...args], env: environmentWith(node, serverEnvironment) })
