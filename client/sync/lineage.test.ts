/** A device and the epoch of a document: it merges with its own lineage and with no other. */
import { describe, expect, it } from 'vitest'
import { followLineage, startLineage } from './lineage.ts'
import type { Lineage, LineageEffect, LineageEvent } from './lineage.ts'
import { SCHEMA_VERSION } from '../../shared/conversation/schema.ts'
import type { Hello } from '../../shared/wire/frame.ts'

const hello = (epoch: string, more: Partial<Hello> = {}): LineageEvent => ({
  type: 'met',
  hello: { kind: 'hello', epoch, role: 'owner', userId: 'ada', schema: SCHEMA_VERSION, limits: { frameBytes: 1, messageBytes: 1 }, ...more }
})
const refused: LineageEvent = { type: 'refused', code: 'malformed', reason: 'Not an update.' }

/** What is decided of each event, in order. */
const decide = (events: LineageEvent[], isConversation = true): (LineageEffect['type'] | null)[] => {
  let state: Lineage = startLineage
  return events.map(event => {
    const [next, effect] = followLineage(state, event, { isConversation, userId: 'ada' })
    state = next
    return effect?.type ?? null
  })
}

describe('a device', () => {
  it('merges with the first server that it meets, and with no other lineage after that', () => {
    expect(decide([hello('a'), hello('a'), hello('b')])).toEqual(['merge', 'merge', 'rebuild'])
    expect(decide([{ type: 'read', epoch: 'a' }, hello('b')])).toEqual([null, 'rebuild'])
  })

  it('gives nothing to a server that takes it for somebody else, whatever the lineage', () => {
    expect(decide([hello('a', { userId: 'ben' }), hello('b', { userId: 'ben' }), hello('b')])).toEqual(['stop', 'stop', 'merge'])
  })

  it('does not write into a conversation of a newer schema', () => {
    expect(decide([hello('a', { schema: SCHEMA_VERSION + 1 })])).toEqual(['stop'])
    expect(decide([hello('a', { schema: SCHEMA_VERSION + 1 })], false)).toEqual(['merge'])
  })

  it('begins a conversation anew after a refused frame, once until something is accepted', () => {
    expect(decide([hello('a'), refused, refused, { type: 'saved' }, refused])).toEqual(['merge', 'rebuild', 'stop', null, 'rebuild'])
  })

  it('leaves a free document as it is when a frame is refused', () => {
    expect(decide([hello('a'), refused], false)).toEqual(['merge', 'stop'])
  })

  it('gives up on a server that finds it stale in the lineage that it began with', () => {
    const again: LineageEvent = { type: 'closed', code: 4409, epoch: 'b' }
    expect(decide([again, again, again, again])).toEqual(['rebuild', 'rebuild', 'rebuild', 'stop'])
    expect(decide([again, again, again, { type: 'synced' }, again]).at(-1)).toBe('rebuild')
  })

  it('follows a server that began anew several times before the device was in sync, and gives up on one that never ends', () => {
    const each = Array.from({ length: 21 }, (_, i): LineageEvent => ({ type: 'closed', code: 4409, epoch: `epoch ${i}` }))
    expect(decide(each)).toEqual([...Array(20).fill('rebuild'), 'stop'])
  })

  it('forgets what was deleted, and the lineage with it', () => {
    expect(decide([hello('a'), { type: 'closed', code: 4410, epoch: 'a' }, hello('b')])).toEqual(['merge', 'forget', 'merge'])
  })
})
