/** The log that a test of the contract works with, and what can happen to it. */
import { afterEach, beforeEach } from 'vitest'
import type { DocumentName } from '../../../shared/ids.ts'
import type { UpdateLog } from '../../../server/log/port.ts'

/** One data folder (or what stands for it) and what can happen to it. */
export interface LogWorld {
  open(): Promise<UpdateLog>
  /** Ends the log that is open as SIGKILL ends a process: without `close`. */
  crash(): Promise<void>
  /** Makes the next write fail, before it is done or after. */
  failNext(when: 'before' | 'after'): void
  /** How many stored keys name the document; no log is open. */
  traces(name: DocumentName): Promise<number>
  dispose(): Promise<void>
}

/** Of each test its own: `log` is open when it begins. */
export interface LogUnderTest {
  world: LogWorld
  log: UpdateLog
  /** An orderly stop, and a start. */
  reopen(): Promise<void>
  crash(): Promise<void>
  updatesOf(name: DocumentName): Promise<Uint8Array[] | undefined>
}

/** Called inside a `describe`. */
export const logUnderTest = (create: () => Promise<LogWorld>): LogUnderTest => {
  const use = {
    async reopen() {
      await use.log.close()
      use.log = await use.world.open()
    },
    async crash() {
      await use.world.crash()
      use.log = await use.world.open()
    },
    updatesOf: async name => (await use.log.read(name))?.updates,
  } as LogUnderTest
  beforeEach(async () => {
    use.world = await create()
    use.log = await use.world.open()
  })
  afterEach(async () => {
    await use.log.close()
    await use.world.dispose()
  })
  return use
}
