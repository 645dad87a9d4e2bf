/** Waiting for a conversation to show something, and when that ends. */
import { expect, it } from 'vitest'
import { untilView } from './until-view.ts'
import { ManualTime } from '../../test/rig/manual-time.ts'

it('does not wait where nobody waits any more when it begins', async () => {
  const time = new ManualTime()
  const conversation = { view: () => ({}) as never, subscribe: () => () => {} }
  let done = false
  void untilView(conversation, () => false, { signal: AbortSignal.abort(), after: time.after, patience: 15_000 }).then(() => {
    done = true
  })
  await time.advance(0)
  expect(done).toBe(true)
  expect(time.pending).toBe(0)
})
