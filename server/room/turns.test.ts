/** Pieces of work take turns, one each time that the event loop goes round. */
import { expect, it } from 'vitest'
import { oneATurn } from './turns.ts'

it('one goes on each time that the event loop goes round, in the order in which they asked', async () => {
  const turns: (() => void)[] = []
  const yieldToOthers = oneATurn(run => turns.push(run))
  const done: string[] = []
  const work = async (name: string): Promise<void> => {
    for (let piece = 0; piece < 2; piece++) {
      await yieldToOthers()
      done.push(`${name}${piece}`)
    }
  }
  const all = Promise.all([work('a'), work('b'), work('c')])
  for (let turn = 1; turn <= 6; turn++) {
    expect(turns).toHaveLength(1)
    turns.pop()!()
    await new Promise(resolve => setImmediate(resolve))
    expect(done).toHaveLength(turn)
  }
  await all
  expect(done).toEqual(['a0', 'b0', 'c0', 'a1', 'b1', 'c1'])
  expect(turns).toEqual([])
})
