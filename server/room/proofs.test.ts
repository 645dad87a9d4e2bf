/** What is open by a credential ends with it. */
import { beforeEach, describe, expect, it } from 'vitest'
import { ManualTime, settle } from '../../test/rig/manual-time.ts'
import { RevocableIdentity } from '../../test/rig/revocable-identity.ts'
import type { BotId, UserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Renamed } from '../identity/port.ts'
import { Proofs } from './proofs.ts'

const DAY = 24 * 60 * 60 * 1000

let time: ManualTime
let identity: RevocableIdentity
let proofs: Proofs
let ends: string[]

const begin = (lifetime: number | null = null): void => {
  time = new ManualTime()
  identity = new RevocableIdentity(lifetime === null ? null : () => time.now() + lifetime)
  proofs = new Proofs({ identity, now: time.now, after: time.after })
  ends = []
}
const enter = async (who: string): Promise<void> => {
  const proof = await proofs.enter({ cookie: `person=${who}`, address: '' })
  proof!.whenEnded(code => ends.push(`${who} ${code}`))
}

beforeEach(() => begin())

describe('what is open by a proof', () => {
  it('ends when that credential is revoked, and no other of the same person does', async () => {
    for (const who of ['ada.laptop', 'ada.laptop', 'ada.phone', 'bob.laptop']) await enter(who)
    identity.revoke({ credential: 'ada.laptop' })
    expect(ends).toEqual(['ada.laptop signed-out', 'ada.laptop signed-out'])
    expect(proofs.size).toBe(2)
  })

  it('ends on every device when the person is revoked', async () => {
    for (const who of ['ada.laptop', 'ada.phone', 'bob.laptop']) await enter(who)
    identity.revoke({ user: 'ada' as UserId })
    expect(ends).toEqual(['ada.laptop signed-out', 'ada.phone signed-out'])
  })

  it('ends for a person\'s bots when the person is revoked', async () => {
    const of = { id: 'ada' as UserId, name: 'Ada' }
    const acting = { id: 'bot-1' as BotId, name: 'Bot', of }
    const bot: Principal = { kind: 'agent', id: 'agent:bot' as UserId, name: 'Bot', bot: acting, credential: 'token-1' }
    const held = new Proofs({
      identity: { authenticate: async () => bot, onRevoked: listener => identity.onRevoked(listener) }, now: time.now, after: time.after,
    })
    const proof = await held.enter({ address: '' })
    proof!.whenEnded(code => ends.push(code))
    identity.revoke({ user: 'bob' as UserId })
    expect(ends).toEqual([])
    identity.revoke({ user: 'ada' as UserId })
    expect([ends, held.size]).toEqual([['signed-out'], 0])
  })

  it('ends once', async () => {
    await enter('ada.laptop')
    identity.revoke({ credential: 'ada.laptop' })
    identity.revoke({ user: 'ada' as UserId })
    expect(ends).toHaveLength(1)
  })

  it('never begins when the proof is revoked while it is looked at', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    identity.hold = promise
    const entering = proofs.enter({ cookie: 'person=ada.laptop', address: '' })
    await settle()
    identity.revoke({ credential: 'ada.laptop' })
    resolve()
    expect(await entering).toBeNull()
    expect(proofs.size).toBe(0)
  })

  it('goes on under the new name when a bot is renamed, while it is looked at too', async () => {
    const of = { id: 'ada' as UserId, name: 'Ada' }
    const acting = { id: 'bot-1' as BotId, name: 'Old', of }
    const bot: Principal = { kind: 'agent', id: 'agent:bot' as UserId, name: 'Old · bot of Ada', bot: acting }
    let rename: (renamed: Renamed) => void = () => {}
    const asked = Promise.withResolvers<Principal>()
    const held = new Proofs({
      identity: { authenticate: () => asked.promise, onRevoked: () => () => {}, onRenamed: listener => {
        rename = listener
        return () => {}
      } },
      now: time.now, after: time.after,
    })
    const entering = held.enter({ address: '' })
    rename({ bot: acting.id, name: 'New' })
    asked.resolve(bot)
    const proof = (await entering)!
    expect(proof.principal).toMatchObject({ id: bot.id, name: 'New · bot of Ada', bot: { id: acting.id, name: 'New' } })
    const told: string[] = []
    proof.whenRenamed(({ name }) => told.push(name))
    rename({ bot: 'bot-2' as BotId, name: 'Other' })
    rename({ bot: acting.id, name: 'Newer' })
    expect(told).toEqual(['Newer · bot of Ada'])
  })

  it('ends at once when the proof was revoked before anybody listened', async () => {
    const proof = await proofs.enter({ cookie: 'person=ada.laptop', address: '' })
    identity.revoke({ credential: 'ada.laptop' })
    proof!.whenEnded(code => ends.push(code))
    expect(ends).toEqual(['signed-out'])
  })

  it('ends when the proof expires, neither before nor long after', async () => {
    begin(5000)
    await enter('ada.laptop')
    await time.advance(4999)
    expect(ends).toEqual([])
    await time.advance(1)
    expect(ends).toEqual(['ada.laptop sign-in-expired'])
    expect(time.pending).toBe(0)
  })

  it('ends at once when it expired while it was looked at', async () => {
    begin(0)
    await enter('ada.laptop')
    expect(ends).toEqual(['ada.laptop sign-in-expired'])
    expect([time.pending, proofs.size]).toEqual([0, 0])
  })

  it('ends in 400 days when that is when the proof expires, though timers do not reach that far', async () => {
    begin(400 * DAY)
    await enter('ada.laptop')
    await time.advance(400 * DAY - 1)
    expect(ends).toEqual([])
    await time.advance(1)
    expect(ends).toHaveLength(1)
  })

  it('leaves no timer and no listener behind when it is closed', async () => {
    begin(5000)
    const proof = await proofs.enter({ cookie: 'person=ada.laptop', address: '' })
    proof!.whenEnded(code => ends.push(code))
    proof!.leave()
    expect([time.pending, proofs.size]).toEqual([0, 0])
    identity.revoke({ credential: 'ada.laptop' })
    expect(ends).toEqual([])
  })
})
