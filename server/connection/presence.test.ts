/** What people see of one another: in whose name, how often, and what is left when somebody goes. */
import { describe, expect, it } from 'vitest'
import type { UserId } from '../../shared/ids.ts'
import { decodeFrame } from '../../shared/wire/codec.ts'
import { Outgoing } from '../room/outgoing.ts'
import type { Session } from '../room/session.ts'
import { Presence } from './presence.ts'
import { decodePresence, encodePresence } from './presence-codec.ts'
import type { PresenceEntry } from './presence-codec.ts'

const clock = () => {
  const due: (() => void)[] = []
  return { after: (_ms: number, run: () => void) => { due.push(run); return () => {} }, tick: () => due.splice(0).forEach(run => run()) }
}

const reader = (id: string) => {
  const seen: PresenceEntry[] = []
  const session: Session = {
    principal: { kind: 'user', id: id as UserId, name: id.toUpperCase() },
    role: 'editor',
    ended: false,
    isOpen: true,
    send: bytes => session.deliver(new Outgoing(bytes)),
    deliver: ({ frames }) => {
      for (const frame of frames.map(decodeFrame)) if (frame?.type === 'awareness') seen.push(...decodePresence(frame.update) ?? [])
    },
    end: () => {},
    worked: () => {},
  }
  return { session, seen }
}

const meeting = () => {
  const { after, tick } = clock()
  const presence = new Presence(after)
  const [ada, bob] = [reader('ada'), reader('bob')]
  for (const { session } of [ada, bob]) presence.join(session)
  return { presence, tick, ada, bob }
}

const all = (): boolean => true

describe('presence', () => {
  it('replaces the name and id that a client claims by the server\'s word and keeps the rest', () => {
    const { presence, tick, ada, bob } = meeting()
    presence.update(ada.session, [{ clientId: 1, clock: 1, state: { typing: true, user: { name: 'Bob', id: 'bob', color: '#ff0000' } } }], all)
    tick()
    expect(bob.seen).toEqual([{ clientId: 1, clock: 1, state: { typing: true, user: { id: 'ada', name: 'ADA', kind: 'user', color: '#ff0000' } } }])
  })

  it('ignores entries under client ids of others, as stock providers echo them', () => {
    const { presence, tick, ada, bob } = meeting()
    presence.update(ada.session, [{ clientId: 1, clock: 1, state: { at: 'here' } }], all)
    tick()
    bob.seen.length = 0
    presence.update(bob.session, [{ clientId: 1, clock: 900, state: null }, { clientId: 1, clock: 901, state: { at: 'forged' } }], all)
    presence.update(bob.session, [{ clientId: 2, clock: 1, state: { at: 'not mine' } }], id => id !== 2)
    tick()
    expect(ada.seen.concat(bob.seen).some(({ state }) => state === null || state['at'] !== 'here')).toBe(false)
  })

  it('tells the others when a session leaves, and a newcomer who is here', () => {
    const { after, tick } = clock()
    const presence = new Presence(after)
    const [ada, bob] = [reader('ada'), reader('bob')]
    presence.join(ada.session)
    presence.update(ada.session, [{ clientId: 1, clock: 4, state: {} }], all)
    presence.join(bob.session)
    expect(bob.seen.map(({ clientId }) => clientId)).toEqual([1])
    presence.leave(ada.session)
    tick()
    expect(bob.seen.at(-1)).toEqual({ clientId: 1, clock: 5, state: null })
  })

  it('sends the changes of a tick as one frame', () => {
    const { after, tick } = clock()
    const presence = new Presence(after)
    let frames = 0
    const { session } = reader('ada')
    presence.join({ ...session, deliver: () => { frames++ } })
    for (let i = 1; i <= 20; i++) presence.update(session, [{ clientId: 1, clock: i, state: { i } }], all)
    tick()
    expect(frames).toBe(1)
  })

  it('ticks slower the more people there are', () => {
    const ticks: number[] = []
    for (const people of [2, 100, 500, 5000]) {
      const presence = new Presence(ms => { ticks.push(ms); return () => {} })
      for (let i = 0; i < people; i++) presence.join(reader(`r${i}`).session)
      presence.update(reader('ada').session, [{ clientId: 1, clock: 1, state: {} }], all)
    }
    expect(ticks).toEqual([30, 50, 250, 250])
  })

  it('tells of very many changes over several ticks, each person\'s latest once', () => {
    const { after, tick } = clock()
    const presence = new Presence(after)
    const [ada, bob] = [reader('ada'), reader('bob')]
    presence.join(bob.session)
    const text = 'x'.repeat(4000)
    for (let id = 1; id <= 200; id++) presence.update(ada.session, [{ clientId: id, clock: 1, state: { text } }], all)
    for (let id = 1; id <= 200; id++) presence.update(ada.session, [{ clientId: id, clock: 2, state: { text } }], all)
    tick()
    const first = bob.seen.length
    expect(first).toBeGreaterThan(10)
    expect(first).toBeLessThan(100)
    for (let i = 0; i < 5; i++) tick()
    expect(bob.seen.map(({ clientId, clock: at }) => [clientId, at])).toEqual(Array.from({ length: 200 }, (_, i) => [i + 1, 2]))
  })

  it('tells who does not read nothing, and everything once it has read', () => {
    const { after, tick } = clock()
    const presence = new Presence(after)
    const [ada, bob] = [reader('ada'), reader('bob')]
    presence.join(bob.session)
    presence.stop(bob.session)
    presence.update(ada.session, [{ clientId: 1, clock: 1, state: {} }], all)
    tick()
    expect(bob.seen).toEqual([])
    presence.resume(bob.session)
    expect(bob.seen).toEqual([{ clientId: 1, clock: 1, state: { user: { id: 'ada', name: 'ADA', kind: 'user' } } }])
    presence.update(ada.session, [{ clientId: 1, clock: 2, state: {} }], all)
    tick()
    expect(bob.seen).toHaveLength(2)
  })

  it('a late echo by another session of the same person does not hide that one left', () => {
    const { after, tick } = clock()
    const presence = new Presence(after)
    const [phone, laptop, bob] = [reader('ada'), reader('ada'), reader('bob')]
    for (const { session } of [phone, laptop, bob]) presence.join(session)
    presence.update(phone.session, [{ clientId: 1, clock: 1, state: {} }], all)
    tick()
    presence.leave(phone.session)
    presence.update(laptop.session, [{ clientId: 1, clock: 1, state: {} }], all)
    tick()
    expect(bob.seen.at(-1)).toEqual({ clientId: 1, clock: 2, state: null })
    presence.update(phone.session, [{ clientId: 1, clock: 3, state: {} }], all)
    tick()
    expect(bob.seen.at(-1)).toMatchObject({ clock: 3, state: {} })
  })

  it('shows nothing for an id that was somebody else\'s, although nobody shows it now', () => {
    const { presence, tick, ada, bob } = meeting()
    presence.update(ada.session, [{ clientId: 1, clock: 1, state: {} }], all)
    presence.leave(ada.session)
    tick()
    bob.seen.length = 0
    presence.update(bob.session, [{ clientId: 1, clock: 9, state: { echo: true } }], all)
    tick()
    expect(bob.seen).toEqual([])
  })
})

describe('the presence codec', () => {
  it('reads what it writes', () => {
    const entries = [{ clientId: 7, clock: 2, state: { user: { name: 'Zoë' } } }, { clientId: 2 ** 32 - 1, clock: 0, state: null }]
    expect(decodePresence(encodePresence(entries))).toEqual(entries)
  })

  it('leaves out a state that is too large or no object, and gives null for bytes that are no awareness update', () => {
    expect(decodePresence(encodePresence([{ clientId: 1, clock: 1, state: { text: 'x'.repeat(5000) } }]))).toEqual([])
    const broken = [[], [1], [200, 200, 200, 200, 200, 200, 200, 200, 200], [1, 1, 1, 1, 65], [0, 0]]
    for (const bytes of broken) expect(decodePresence(new Uint8Array(bytes))).toBeNull()
  })
})
