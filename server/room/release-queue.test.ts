/** Nothing is released before the disk has what it was computed from. */
import { describe, expect, it } from 'vitest'
import { SkeinError } from '../../shared/errors.ts'
import { ReleaseQueue } from './release-queue.ts'

const recorder = () => {
  const ran: string[] = []
  return { ran, note: (what: string) => () => { ran.push(what) } }
}

describe('the release queue', () => {
  it('runs an action at once when everything issued is durable', () => {
    const { ran, note } = recorder()
    new ReleaseQueue(7).whenDurable(note('now'))
    expect(ran).toEqual(['now'])
  })

  it('holds an action until the sequence at which it was computed is durable', () => {
    const { ran, note } = recorder()
    const queue = new ReleaseQueue(-1)
    const first = queue.issue()
    queue.whenDurable(note('first'))
    const second = queue.issue()
    queue.whenDurable(note('second'))
    queue.durable(first)
    expect(ran).toEqual(['first'])
    queue.durable(second)
    expect(ran).toEqual(['first', 'second'])
  })

  it('never runs what waited when an append failed, and abandons it instead', () => {
    const { ran, note } = recorder()
    const queue = new ReleaseQueue(-1)
    const sequence = queue.issue()
    queue.whenDurable(note('released'), note('abandoned'))
    queue.break(new SkeinError('not-saved'))
    queue.durable(sequence)
    queue.whenDurable(note('released later'), note('abandoned later'))
    expect(ran).toEqual(['abandoned', 'abandoned later'])
  })
})
