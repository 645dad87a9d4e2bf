/** What a device does when its person may do less: by the real server, with real stores. */
import 'fake-indexeddb/auto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { errorTable } from '../../shared/errors.ts'
import { createSdkWorld, settled } from '../../test/rig/sdk-world.ts'
import type { SdkWorld } from '../../test/rig/sdk-world.ts'
import { textOfMessage } from '../../test/rig/conversation.ts'
import { until } from '../../test/rig/until.ts'
import type { Conversation } from './conversation.ts'

let world: SdkWorld
beforeAll(async () => { world = await createSdkWorld() })
afterAll(() => world.close())
beforeEach(() => world.converse('ada', 'ben'))

const texts = (page: Conversation): string[] => page.view().messages.map(({ message }) => textOfMessage(message))
const refusals = (page: Conversation): [string, string][] => page.view().messages.flatMap(({ message, delivery }) =>
  delivery.state === 'refused' ? [[textOfMessage(message), delivery.code] as [string, string]] : [])
const said = async (page: Conversation, text: string): Promise<void> => {
  await page.send(text, { to: [] })
  await settled(page)
}

describe('an editor who is made a viewer', () => {
  it('hears of it while the conversation is open, and what they ask for from then on is refused with its text kept', async () => {
    const ben = world.open('ben')
    await settled(ben)
    const roles: unknown[] = []
    ben.subscribe(() => { if (roles.at(-1) !== ben.role) roles.push(ben.role) })
    await world.setRole('ben', 'viewer')
    await until('he is told', () => ben.role === 'viewer')
    expect(ben.view().role).toBe('viewer')
    await ben.send('too late', { to: [] })
    await until('it is refused', () => refusals(ben).length > 0)
    expect(refusals(ben)).toEqual([['too late', 'viewer']])
    await world.setRole('ben', 'editor')
    await until('he is told again', () => ben.role === 'editor')
    await ben.resend(ben.view().messages[0]!.message.id as never)
    await settled(ben)
    expect([texts(ben), refusals(ben)]).toEqual([['too late'], []])
    expect(roles.filter(role => role !== undefined)).toEqual(['viewer', 'editor'])
  })

  it('offline: what they wrote meanwhile comes back refused, on a later page too', async () => {
    const ben = world.open('ben')
    await said(ben, 'while he could')
    ben.disconnect()
    await ben.send('written offline', { to: [] })
    await world.setRole('ben', 'viewer')
    ben.connect()
    await until('it is refused', () => refusals(ben).length > 0)
    await ben.close()
    const again = world.open('ben')
    await settled(again)
    expect(texts(again)).toEqual(['while he could', 'written offline'])
    expect(refusals(again)).toEqual([['written offline', 'viewer']])
  })

  it('keeps what they typed in a shared draft that the server did not get', async () => {
    const ben = world.open('ben')
    await settled(ben)
    const draft = ben.openDraft()
    ben.draftText(draft)!.insert(0, 'so far')
    await settled(ben)
    ben.disconnect()
    ben.draftText(draft)!.insert(6, ' and more')
    await world.setRole('ben', 'viewer')
    ben.connect()
    await until('it is kept', () => refusals(ben).length > 0)
    expect(refusals(ben)).toEqual([[' and more', 'viewer']])
    await until('the draft is as the server has it', () => ben.view().connection === 'online' && ben.draftText(draft)?.toJSON() === 'so far')
  })
})

describe('somebody who is removed', () => {
  const bothHaveIt = async (): Promise<[ada: Conversation, ben: Conversation]> => {
    const [ada, ben] = [world.open('ada'), world.open('ben')]
    await said(ada, 'said before')
    await until('ben has it', () => texts(ben).length === 1)
    return [ada, ben]
  }
  const removedOffline = async (): Promise<[ada: Conversation, ben: Conversation]> => {
    const [ada, ben] = await bothHaveIt()
    ben.disconnect()
    await world.remove('ben')
    await ben.send('written after it', { to: [] })
    return [ada, ben]
  }

  it('while the conversation is open: nothing of it stays on the device', async () => {
    const [, ben] = await bothHaveIt()
    await world.remove('ben')
    await until('he is told', () => ben.view().closedBy)
    expect(ben.view().closedBy).toEqual({ code: 4404, reason: errorTable['no-longer-member'].message })
    await until('it is gone', () => texts(ben).length === 0)
    await ben.close()
    const again = world.open('ben', 'laptop', { connect: false })
    await again.ready
    expect([texts(again), again.view().drafts]).toEqual([[], []])
  })

  it('offline: what they wrote after it comes back refused and is kept, and nothing else', async () => {
    const [ada, ben] = await removedOffline()
    await ben.setMeta('title', 'A title')
    ben.connect()
    await until('it is refused', () => refusals(ben).length > 0)
    await until('the rest is gone', () => texts(ben).length === 1)
    await ben.close()
    const again = world.open('ben', 'laptop', { connect: false })
    await again.ready
    expect(texts(again)).toEqual(['written after it'])
    expect(refusals(again)).toEqual([['written after it', 'no-longer-member']])
    expect(again.view().pending).toBe(0)
    expect(texts(ada)).toEqual(['said before'])
  })

  it('and let in again: the conversation is there again, and what was kept can be sent', async () => {
    const [, ben] = await removedOffline()
    ben.connect()
    await until('it is refused', () => refusals(ben).length > 0)
    await ben.close()
    await world.setRole('ben', 'editor')
    const again = world.open('ben')
    await until('it is there', () => texts(again).includes('said before'))
    await again.resend(again.view().messages.find(({ delivery }) => delivery.state === 'refused')!.message.id as never)
    await settled(again)
    expect(texts(again)).toEqual(['said before', 'written after it'])
  })

  it('of which somebody else is told: the device forgets nothing of its own person', async () => {
    const [ada, ben] = [world.open('ada'), world.open('ben')]
    await said(ada, 'said before')
    await until('ben has it', () => texts(ben).length === 1)
    await ben.close()
    // The browser has a stranger's cookie by now.
    const stranger = world.open('ben', 'laptop', { WebSocket: world.socketOf('mallory') })
    await until('it is closed', () => stranger.view().closedBy)
    expect(stranger.view().closedBy?.code).toBe(errorTable.unauthenticated.close)
    expect(texts(stranger)).toEqual(['said before'])
    await stranger.close()
    const again = world.open('ben')
    await until('it is there', () => texts(again).length === 1)
  })
})
