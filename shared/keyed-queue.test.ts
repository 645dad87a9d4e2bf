/** Work that must not overlap, by key or altogether. */
import { expect, test } from 'vitest'
import { KeyedQueue, oneAfterAnother } from './keyed-queue.ts'

test('work under one key runs one after another, in order, even after a failure', async () => {
  const queue = new KeyedQueue<string>()
  const journal: string[] = []
  const gate = Promise.withResolvers<void>()
  const first = queue.run('a', async () => {
    journal.push('first begins')
    await gate.promise
    journal.push('first fails')
    throw new Error('no')
  })
  const second = queue.run('a', async () => journal.push('second'))
  await queue.run('b', async () => journal.push('other'))
  expect(journal).toEqual(['first begins', 'other'])
  gate.resolve()
  await expect(first).rejects.toThrow('no')
  await second
  expect(journal).toEqual(['first begins', 'other', 'first fails', 'second'])
})

test('what runs one after another does so whatever it is, also behind a failure', async () => {
  const inTurn = oneAfterAnother()
  const journal: string[] = []
  const gate = Promise.withResolvers<void>()
  const first = inTurn(() => gate.promise)
  const second = inTurn(async () => journal.push('second'))
  expect(journal).toEqual([])
  gate.reject(new Error('no'))
  await expect(first).rejects.toThrow('no')
  expect(await second).toBe(1)
})
