/** Whose turn it is, whatever waits. */
import { expect, test } from 'vitest'
import { Rounds } from './rounds.ts'
import type { Submission, Turn } from './session.ts'

const sessions = new Map<string, Turn['session']>()
/** `a1` is the first of session a. */
const turn = (name: string): Turn & { name: string } => {
  const session = sessions.get(name[0]!) ?? { ended: false, end: () => {} }
  sessions.set(name[0]!, session)
  return { name, session, take: async () => {} }
}
const start = () => {
  const [rounds, waiting] = [new Rounds(), [] as (Submission | Turn)[]]
  return {
    add: (...names: string[]) => { for (const name of names) rounds.add(waiting, turn(name)) },
    judge: (count: number) => waiting.splice(0, count).map(each => (each as ReturnType<typeof turn>).name).join(' '),
  }
}

test('who comes late stands before the second of everybody, and behind their first', () => {
  const { add, judge } = start()
  add('a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1')
  expect(judge(7)).toBe('a1 b1 c1 a2 b2 a3 a4')
})

test('rounds go on while some are judged: nobody makes up for turns that they did not need', () => {
  const { add, judge } = start()
  add('a1', 'a2', 'a3', 'a4')
  expect(judge(2)).toBe('a1 a2')
  add('b1', 'b2', 'b3', 'b4')
  expect(judge(6)).toBe('a3 b1 a4 b2 b3 b4')
})

test('when all was judged nobody has anything to pay back', () => {
  const { add, judge } = start()
  add('a1', 'a2', 'a3', 'a4', 'a5')
  judge(5)
  add('b1', 'a6', 'b2', 'a7')
  expect(judge(4)).toBe('b1 a6 b2 a7')
})
