/** Which tab holds the connection, as a state machine. */
import { describe, expect, it } from 'vitest'
import type { Reign } from './reign.ts'
import { changeRole, LEAVE_AFTER, startRole, STUCK_AFTER } from './role.ts'
import type { RoleEffect, RoleEvent, RoleState } from './role.ts'

const first: Reign = { term: 1, tab: 'a' }
const second: Reign = { term: 2, tab: 'b' }

const go = (events: RoleEvent[], from: RoleState = startRole[0]): { state: RoleState, effects: RoleEffect[] } =>
  events.reduce<{ state: RoleState, effects: RoleEffect[] }>(({ state }, event) => {
    const [next, effects] = changeRole(state, event)
    return { state: next, effects: [...effects] }
  }, { state: from, effects: [] })

const follower: RoleState = { role: 'follower', heard: first, missed: 0 }
const owner: RoleState = { role: 'owner', reign: first }
const ticks = (count: number): RoleEvent[] => Array.from({ length: count }, () => ({ type: 'tick' }))

describe('a tab that starts', () => {
  it('owns when nobody has the lock', () => {
    expect(startRole[1]).toEqual(['probe'])
    expect(go([{ type: 'granted', reign: first }])).toEqual({ state: owner, effects: ['own'] })
  })

  it('follows when another has it, and waits in the queue', () => {
    expect(go([{ type: 'taken' }])).toEqual({ state: { role: 'follower', heard: null, missed: 0 }, effects: ['queue', 'follow', 'ping'] })
  })

  it('closes as a follower does when it has something to say', () => {
    expect(go([{ type: 'close', unconfirmed: true }])).toMatchObject({ state: { role: 'leaving' }, effects: ['queue', 'ping'] })
    expect(go([{ type: 'close', unconfirmed: false }])).toEqual({ state: { role: 'closed' }, effects: ['withdraw'] })
  })
})

describe('a follower', () => {
  it('attaches to each new owner once, and never to one of the past', () => {
    expect(go([{ type: 'heard', reign: second }], follower)).toEqual({ state: { role: 'follower', heard: second, missed: 0 }, effects: ['attach'] })
    expect(go([{ type: 'heard', reign: second }, { type: 'heard', reign: second }], follower).effects).toEqual([])
    expect(go([{ type: 'heard', reign: second }, { type: 'heard', reign: first }], follower).state).toMatchObject({ heard: second })
  })

  it('owns when its turn comes', () => {
    expect(go([{ type: 'granted', reign: second }], follower)).toEqual({ state: { role: 'owner', reign: second }, effects: ['own'] })
  })

  it('steals the lock after several pings without an answer, and not after fewer', () => {
    expect(go(ticks(STUCK_AFTER), follower).effects).toEqual(['ping'])
    expect(go(ticks(STUCK_AFTER + 1), follower).effects).toEqual(['steal', 'ping'])
    expect(go([...ticks(STUCK_AFTER), { type: 'heard', reign: first }, { type: 'tick' }], follower).effects).toEqual(['ping'])
  })

  it('no longer waits for the lock while it is frozen, and starts again after it', () => {
    expect(go([{ type: 'freeze' }], follower)).toEqual({ state: { role: 'frozen', leaving: false }, effects: ['withdraw'] })
    expect(go([{ type: 'freeze' }, { type: 'resume' }], follower)).toEqual({ state: { role: 'starting' }, effects: ['probe'] })
  })

  it('gives a lock back that comes while it is frozen or after it closed', () => {
    expect(go([{ type: 'freeze' }, { type: 'granted', reign: second }], follower)).toEqual({ state: { role: 'frozen', leaving: false }, effects: ['withdraw'] })
    const late = go([{ type: 'close', unconfirmed: false }, { type: 'granted', reign: second }], follower)
    expect(late).toEqual({ state: { role: 'closed' }, effects: ['withdraw'] })
  })
})

describe('a follower that closes', () => {
  const leaving: RoleState = { role: 'leaving', heard: first, missed: 0, waited: 0 }

  it('goes at once when all is confirmed, else when it is', () => {
    expect(go([{ type: 'close', unconfirmed: false }], follower).state).toEqual({ role: 'closed' })
    expect(go([{ type: 'close', unconfirmed: true }], follower).state).toEqual(leaving)
    expect(go([{ type: 'confirmed' }], leaving)).toEqual({ state: { role: 'closed' }, effects: ['withdraw'] })
  })

  it('hands its last words to the next owner, or writes them itself', () => {
    expect(go([{ type: 'heard', reign: second }], leaving).effects).toEqual(['attach'])
    expect(go([{ type: 'granted', reign: second }], leaving)).toEqual({ state: { role: 'handing-over' }, effects: ['write-out'] })
    expect(go(ticks(STUCK_AFTER + 1), leaving).effects).toEqual(['steal', 'ping'])
  })

  it('does not wait for ever for an owner that answers and does not confirm', () => {
    const answered = Array.from({ length: LEAVE_AFTER }, (): RoleEvent[] => [{ type: 'heard', reign: first }, { type: 'tick' }]).flat()
    expect(go([...answered, { type: 'heard', reign: first }, { type: 'tick' }], leaving).state).toEqual({ role: 'closed' })
  })
})

describe('a tab that is stopped while it closes', () => {
  it('goes on with its last words when it goes on', () => {
    const handingOver: RoleState = { role: 'handing-over' }
    const stopped = go([{ type: 'freeze' }], handingOver)
    expect(stopped).toEqual({ state: { role: 'frozen', leaving: true }, effects: ['let-go', 'withdraw'] })
    expect(go([{ type: 'resume' }], stopped.state)).toMatchObject({ state: { role: 'leaving' }, effects: ['queue', 'ping'] })
    expect(go([{ type: 'confirmed' }], stopped.state)).toEqual({ state: { role: 'closed' }, effects: ['withdraw'] })
    expect(go([{ type: 'robbed' }], handingOver)).toMatchObject({ state: { role: 'leaving' }, effects: ['let-go', 'queue', 'ping'] })
  })
})

describe('an owner', () => {
  it('writes what is left before it gives the lock back', () => {
    expect(go([{ type: 'close', unconfirmed: false }], owner)).toEqual({ state: { role: 'handing-over' }, effects: ['write-out'] })
    const written = go([{ type: 'close', unconfirmed: false }, { type: 'written' }], owner)
    expect(written).toEqual({ state: { role: 'closed' }, effects: ['withdraw'] })
  })

  it('gives up the lock when it is frozen', () => {
    expect(go([{ type: 'freeze' }], owner)).toEqual({ state: { role: 'frozen', leaving: false }, effects: ['let-go', 'withdraw'] })
  })

  it('follows when the lock was stolen', () => {
    expect(go([{ type: 'robbed' }], owner).effects).toEqual(['let-go', 'queue', 'follow', 'ping'])
  })

  it('follows a later reign that it hears of before its lock tells, and ignores earlier ones', () => {
    const deposed = go([{ type: 'heard', reign: second }], owner)
    expect(deposed).toEqual({ state: { role: 'follower', heard: second, missed: 0 }, effects: ['let-go', 'withdraw', 'queue', 'follow', 'attach'] })
    expect(go([{ type: 'heard', reign: { term: 1, tab: 'a' } }], owner).state).toEqual(owner)
    expect(go([{ type: 'heard', reign: { term: 0, tab: 'z' } }], owner).state).toEqual(owner)
  })
})

it('no event brings a tab to own but the lock', () => {
  const events: RoleEvent[] = [
    { type: 'taken' }, { type: 'robbed' }, { type: 'heard', reign: second }, { type: 'tick' }, { type: 'freeze' }, { type: 'resume' },
    { type: 'close', unconfirmed: true }, { type: 'confirmed' }, { type: 'written' }
  ]
  const seen = new Set<string>()
  const visit = (state: RoleState, depth: number): void => {
    const key = JSON.stringify(state)
    if (depth === 0 || seen.has(`${depth} ${key}`)) return
    seen.add(`${depth} ${key}`)
    for (const event of events) {
      const [next] = changeRole(state, event)
      expect(next.role).not.toBe('owner')
      visit(next, depth - 1)
    }
  }
  visit(startRole[0], 6)
  expect(seen.size).toBeGreaterThan(20)
})
