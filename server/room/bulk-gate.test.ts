/** Large answers leave a few at a time. */
import { describe, expect, it } from 'vitest'
import { ManualTime, settle } from '../../test/rig/manual-time.ts'
import { BULK_BYTES, BulkGate, PATIENCE_MS, PLACES } from './bulk-gate.ts'
import type { Session } from './session.ts'

const sessions = (count: number): Session[] => Array.from({ length: count }, () => ({}) as Session)

describe('large answers', () => {
  it('leave a few at a time, the next when one was taken, and small ones at once', async () => {
    const gate = new BulkGate(new ManualTime().after, async () => {})
    const sent: number[] = []
    const all = sessions(PLACES + 3)
    for (const [n, session] of all.entries()) void gate.enter(session, BULK_BYTES).then(() => sent.push(n))
    await settle()
    expect(sent).toEqual([...all.keys()].slice(0, PLACES))
    gate.leave(all[1]!)
    gate.leave(all[1]!)
    await settle()
    expect(sent).toHaveLength(PLACES + 1)
    await gate.enter(sessions(1)[0]!, BULK_BYTES - 1)
  })

  it('are held up by a slow reader for a while only', async () => {
    const time = new ManualTime()
    const gate = new BulkGate(time.after, async () => {})
    const sent: number[] = []
    const all = sessions(3 * PLACES)
    for (const [n, session] of all.entries()) void gate.enter(session, BULK_BYTES).then(() => sent.push(n))
    await time.advance(PATIENCE_MS)
    expect(sent).toHaveLength(2 * PLACES)
    await time.advance(2 * PATIENCE_MS)
    expect(sent).toHaveLength(3 * PLACES)
    expect(time.pending).toBe(0)
  })
})
