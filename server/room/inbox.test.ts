/** Who is judged when, by what one room gets. */
import { expect, it } from 'vitest'
import { until } from '../../test/rig/until.ts'
import { Inbox } from './inbox.ts'

it('whoever writes into a flood is judged after one update of each who floods, and all of these are judged in the end', async () => {
  const judged: string[] = []
  /** The log can write: of all who wait for it the first begins. */
  const begun: (() => void)[] = []
  const inbox = new Inbox({
    beforeWrite: action => void begun.push(action),
    now: () => 0,
    yieldToOthers: async () => {},
    take: async (_session, bytes) => {
      judged.push(new TextDecoder().decode(bytes))
      return { kind: 'taken', results: [] }
    },
    takeTogether: () => null,
    answer: () => {},
    discard: error => { throw error },
  })
  const of = () => {
    const session = { principal: {}, role: 'editor', ended: false, isOpen: true, end: () => {}, send: () => {}, deliver: () => {} }
    return (text: string): void => inbox.push({
      session: session as never, bytes: new TextEncoder().encode(text), final: false,
      applied: () => {}, saved: () => {}, refused: () => {}, parked: () => {},
    })
  }
  const [mallory, trudy, ada] = [of(), of(), of()]
  for (let n = 0; n < 50; n++) {
    mallory(`mallory ${n}`)
    trudy(`trudy ${n}`)
  }
  ada('ada')
  begun[0]!()
  await until('all are judged', () => judged.length === 101)
  expect(judged.indexOf('ada')).toBeLessThanOrEqual(2)
  expect(judged.filter(text => text.startsWith('mallory'))).toEqual(Array.from({ length: 50 }, (_, n) => `mallory ${n}`))
})
