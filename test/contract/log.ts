/** What every adapter of the update log has to do, as one suite over a way to open it. */
import { describe } from 'vitest'
import { beside } from './log/beside.ts'
import { compaction } from './log/compaction.ts'
import { erasing } from './log/erasing.ts'
import { failedWrite } from './log/failed-write.ts'
import { joined } from './log/joined.ts'
import { order } from './log/order.ts'
import { logUnderTest } from './log/under-test.ts'
import type { LogWorld } from './log/under-test.ts'

export const logContract = (adapter: string, create: () => Promise<LogWorld>): void => {
  describe(`the log contract, ${adapter}`, () => {
    const use = logUnderTest(create)
    for (const part of [order, joined, failedWrite, compaction, beside, erasing]) part(use)
  })
}
