/** What a visit does when its answer has gone. */
import { EventEmitter } from 'node:events'
import { expect, it } from 'vitest'
import { Visit } from './visit.ts'

it('work whose length would tell something is begun when the answer has gone, and its failure is told to the operator alone', async () => {
  const failures: unknown[] = []
  const options = {
    publicOrigin: 'https://here.example', callerOf: () => ({ address: '', secure: true, host: 'here.example' }), now: () => 1,
    failed: (what: string) => failures.push(what),
  }
  const outgoing = new EventEmitter()
  const visit = new Visit({ options } as never, { env: { outgoing } } as never)
  let begun = 0
  visit.afterAnswer(() => {
    begun++
    return Promise.reject(new Error('of the work'))
  })
  await new Promise(resolve => setImmediate(resolve))
  expect(begun).toBe(0)
  outgoing.emit('close')
  await new Promise(resolve => setImmediate(resolve))
  expect([begun, failures.length]).toEqual([1, 1])
})
