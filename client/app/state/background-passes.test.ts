/** Passes over what is to be fetched: one at a time, none forgotten, none after the end. */
import { expect, it } from 'vitest'
import { BackgroundPasses } from './background-passes.ts'

/** Lets everything run that waits for nothing but its turn. */
const settle = async () => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

/** Passes that end when the test says so. */
const manual = () => {
  const begun: { signal: AbortSignal, end: (error?: Error) => void }[] = []
  const passes = new BackgroundPasses(signal => new Promise((resolve, reject) => {
    begun.push({ signal, end: error => error ? reject(error) : resolve() })
  }))
  return { begun, passes }
}

it('one pass runs at a time, and one more for all that was asked meanwhile', async () => {
  const { begun, passes } = manual()
  for (let i = 0; i < 3; i++) passes.request()
  await settle()
  expect(begun).toHaveLength(1)
  begun[0]!.end()
  await settle()
  expect(begun).toHaveLength(2)
  begun[1]!.end()
  await settle()
  expect(begun).toHaveLength(2)
})

it('a pass that fails is not tried again by itself, and does not keep the next from running', async () => {
  const { begun, passes } = manual()
  passes.request()
  begun[0]!.end(new Error('no network'))
  await settle()
  expect(begun).toHaveLength(1)
  passes.request()
  expect(begun).toHaveLength(2)
})

it('after the stop the running pass is told to end and no other begins', async () => {
  const { begun, passes } = manual()
  passes.request()
  passes.request()
  passes.stop()
  expect(begun[0]!.signal.aborted).toBe(true)
  begun[0]!.end()
  await settle()
  passes.request()
  await settle()
  expect(begun).toHaveLength(1)
})
