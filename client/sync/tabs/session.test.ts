/** Several tabs of one device, without a network: one owner, and nothing lost when it ends, hangs or freezes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PING_EVERY, STUCK_AFTER } from './role.ts'
import { TabSession } from './session.ts'
import { openConversation } from '../conversation.ts'
import type { Conversation, ConversationOptions } from '../conversation.ts'
import { textOf } from '../../../shared/conversation/read.ts'
import { conversationName } from '../../../shared/ids.ts'
import type { RequestId } from '../../../shared/ids.ts'
import type { FakeTab } from '../../../test/rig/fake-tab.ts'
import { ManualTime, settle } from '../../../test/rig/manual-time.ts'
import { seededRandom } from '../../../test/rig/seed.ts'
import { TabWorld } from '../../../test/rig/tab-world.ts'
import { until } from '../../../test/rig/until.ts'
import { TinyServer } from '../../../test/sync/tiny-server.ts'

const STUCK = PING_EVERY * 1.25 * (STUCK_AFTER + 2)

interface Talk {
  tab: FakeTab
  conversation: Conversation
}

let time: ManualTime
let world: TabWorld
let talks: Talk[]

const begin = (random: () => number): void => {
  time = new ManualTime()
  world = new TabWorld(time, random)
  talks = []
}

const sessionOf = (tab: FakeTab): TabSession =>
  new TabSession({ surroundings: tab.surroundings(), key: 'ada conversation/c1', openStore: () => tab.store() })

const talk = (name: string, options: Partial<ConversationOptions> = {}): Talk => {
  const tab = world.open(name)
  const tabs = sessionOf(tab)
  const conversation = openConversation({
    name: conversationName('c1')!, url: 'ws://127.0.0.1:9/sync', connect: false, userId: 'ada', userName: 'Ada',
    store: tabs.store, tabs, now: time.now, ...options
  })
  talks.push({ tab, conversation })
  return talks.at(-1)!
}

const texts = ({ conversation }: Talk): string[] => conversation.view().messages.map(({ message }) => textOf(message.parts))
const deliveries = ({ conversation }: Talk): string[] => conversation.view().messages.map(({ delivery }) => delivery.state)
const onDisk = (): string[] => [...world.disk.outbox.values()].flatMap(({ request }) => request.type === 'send' ? [textOf(request.message.parts)] : []).sort()
const pass = async (ms: number): Promise<void> => {
  for (let passed = 0; passed < ms; passed += PING_EVERY / 4) {
    await time.advance(PING_EVERY / 4)
    await world.quiet()
  }
}
const fourTabs = async (options: Partial<ConversationOptions> = {}): Promise<[Talk, Talk, Talk, Talk]> => {
  const opened = []
  for (const name of ['a', 'b', 'c', 'd']) {
    opened.push(talk(name, options))
    await world.quiet()
  }
  return opened as [Talk, Talk, Talk, Talk]
}

beforeEach(() => begin(seededRandom(1)))
afterEach(async () => {
  for (const { tab, conversation } of talks) {
    world.crash(tab)
    void conversation.close()
  }
})

describe('tabs without a network', () => {
  it('show at once what one of them wrote, and where it is safe', async () => {
    const all = await fourTabs()
    expect(world.owner?.name).toBe('a')
    for (const each of [all[2], all[0]]) {
      await time.advance(1)
      const sent = each.conversation.send(`from ${each.tab.name}`)
      await world.quiet()
      await sent
    }
    for (const each of all) {
      expect(texts(each)).toEqual(['from c', 'from a'])
      expect(deliveries(each)).toEqual(['on-device', 'on-device'])
      expect(each.conversation.view()).toMatchObject({ pending: 2, loaded: true, connection: 'offline' })
    }
    expect(world.trespasses).toEqual([])
  })

  it('show what one of them takes back as gone in all', async () => {
    const all = await fourTabs()
    const sent = all[1].conversation.send('never mind')
    await world.quiet()
    const discarded = all[3].conversation.discard(await sent)
    await world.quiet()
    await discarded
    for (const each of all) expect(texts(each)).toEqual([])
    expect(onDisk()).toEqual([])
  })

  it('do not say that it is on this device before the owner stored it', async () => {
    const [owner, other] = await fourTabs()
    owner.tab.state = 'stuck'
    let stored = false
    void other.conversation.send('hello').then(() => {
      stored = true
    })
    await world.quiet()
    expect(stored).toBe(false)
    expect(deliveries(other)).toEqual(['writing'])
    owner.tab.state = 'runs'
    await world.quiet()
    expect(stored).toBe(true)
    expect(onDisk()).toEqual(['hello'])
  })

  it('lose nothing when the owner crashes with what it was handed', async () => {
    const all = await fourTabs()
    all[0].tab.state = 'stuck'
    const sent = all[2].conversation.send('hello')
    await world.quiet()
    world.crash(all[0].tab)
    await world.quiet()
    await sent
    expect(world.owner).not.toBe(null)
    expect(onDisk()).toEqual(['hello'])
    for (const each of all.slice(1)) expect(deliveries(each)).toEqual(['on-device'])
  })

  it('take the lock from an owner that is stuck, and it follows when it runs again', async () => {
    const all = await fourTabs()
    all[0].tab.state = 'stuck'
    const sent = all[2].conversation.send('hello')
    await pass(STUCK)
    await sent
    expect(world.owner?.name).not.toBe('a')
    expect(onDisk()).toEqual(['hello'])
    all[0].tab.state = 'runs'
    await world.quiet()
    expect(texts(all[0])).toEqual(['hello'])
    const again = all[0].conversation.send('back again')
    await world.quiet()
    await again
    expect(onDisk()).toEqual(['back again', 'hello'])
    for (const each of all) expect(texts(each)).toEqual(['hello', 'back again'])
    expect(world.trespasses).toEqual([])
  })

  it('see nothing come back that was discarded, from an owner that got stuck before it wrote', async () => {
    const all = await fourTabs()
    void all[0].conversation.send('hello')
    await settle()
    world.stop(all[0].tab, 'stuck', 0)
    await pass(STUCK)
    const [shown] = all[2].conversation.view().messages
    const discarded = all[2].conversation.discard(shown!.message.id as string as RequestId)
    await world.quiet()
    await discarded
    expect(onDisk()).toEqual([])
    world.goOn(all[0].tab)
    await pass(STUCK)
    expect(onDisk()).toEqual([])
    for (const each of all) expect(texts(each)).toEqual([])
  })

  it('keep an owner that can write when one that was robbed, and has not heard of it, draws its number late', async () => {
    const [a, b] = [talk('a'), talk('b')]
    // It was granted the lock, and stopped before it looked into the store.
    await until('it asks the store', async () => !await world.step() || world.owner === a.tab && world.isReading(a.tab))
    world.stop(a.tab, 'stuck', 0)
    await pass(STUCK)
    expect(world.owner).toBe(b.tab)
    const before = b.conversation.send('before')
    await world.quiet()
    await before
    world.goOn(a.tab)
    const sent = [a.conversation.send('from a'), b.conversation.send('from b')]
    await pass(STUCK)
    await Promise.all(sent)
    expect(onDisk()).toEqual(['before', 'from a', 'from b'])
    for (const each of [a, b]) expect(texts(each).sort()).toEqual(['before', 'from a', 'from b'])
  })

  it('leave an owner alone that answers', async () => {
    await fourTabs()
    await pass(STUCK * 5)
    expect(world.owner?.name).toBe('a')
  })

  it('hand over when the owner is frozen, and it follows when it goes on', async () => {
    const all = await fourTabs()
    all[0].tab.freeze()
    await world.quiet()
    expect(world.owner?.name).toBe('b')
    const sent = all[3].conversation.send('meanwhile')
    await world.quiet()
    await sent
    all[0].tab.goOn()
    await world.quiet()
    expect(texts(all[0])).toEqual(['meanwhile'])
    expect(world.owner?.name).toBe('b')
  })

  it('close with everything written: the owner, then a follower that is the last', async () => {
    const [a, b] = [talk('a'), talk('b')]
    await world.quiet()
    void a.conversation.send('from a')
    void b.conversation.send('from b')
    const closed = Promise.all([a.conversation.close(), b.conversation.close()])
    await world.quiet()
    await closed
    expect(onDisk()).toEqual(['from a', 'from b'])
    expect(world.owner).toBe(null)
    const later = talk('c')
    await world.quiet()
    expect(texts(later).sort()).toEqual(['from a', 'from b'])
  })
})

describe('tabs with a server', () => {
  let server: TinyServer
  let running = true
  let turning: Promise<void>

  beforeEach(async () => {
    server = await TinyServer.start()
    running = true
    turning = turn()
  })

  afterEach(async () => {
    running = false
    await turning
    for (const { conversation } of talks) conversation.disconnect()
    await server.stop()
  })

  const turn = async (): Promise<void> => {
    while (running) await world.step()
  }
  const online = () => fourTabsOnline({ url: server.url, connect: true })
  const fourTabsOnline = async (options: Partial<ConversationOptions>): Promise<Talk[]> => {
    const all = ['a', 'b', 'c', 'd'].map(name => talk(name, options))
    for (const { conversation } of all) await until('it is online', () => conversation.view().connection === 'online' && conversation.view().synced)
    return all
  }

  it('have one connection, and all show what is said and that it is saved', async () => {
    const all = await online()
    for (const each of all) await each.conversation.send(`from ${each.tab.name}`)
    for (const each of all) await until('all is saved', () => texts(each).length === 4 && deliveries(each).every(state => state === 'saved'))
    expect(server.connections).toBe(1)
    expect(server.messages).toHaveLength(4)
    for (const each of all) expect(each.conversation.view()).toMatchObject({ pending: 0, role: 'owner', closedBy: null })
  })

  it('go on with a new connection when the owner crashes, and each message is sent once', async () => {
    const all = await online()
    const owner = all.find(({ tab }) => tab === world.owner)!
    const others = all.filter(each => each !== owner)
    server.deaf = true
    const sent = others.map(each => each.conversation.send(`from ${each.tab.name}`))
    await Promise.all(sent)
    world.crash(owner.tab)
    owner.conversation.disconnect()
    server.deaf = false
    for (const each of others) await until('all is saved', () => texts(each).length === 3 && deliveries(each).every(state => state === 'saved'))
    expect(server.messages).toHaveLength(3)
  })

  it('show a refusal in all tabs, and no longer when one of them discards it', async () => {
    server.judge = () => ({ status: 'refused', code: 'viewer', reason: 'You may only read.' })
    const all = await online()
    const id = await all[2]!.conversation.send('let me')
    for (const each of all) await until('it is refused', () => deliveries(each).join() === 'refused')
    await all[1]!.conversation.discard(id)
    for (const each of all) await until('it is gone', () => texts(each).length === 0)
    expect(world.disk.outbox.size).toBe(0)
  })

  it('begin anew together when the server has another lineage, with what is still to be sent', async () => {
    const all = await online()
    await all[0]!.conversation.send('old')
    for (const each of all) await until('it is saved', () => deliveries(each).join() === 'saved')
    const before = all.map(({ conversation }) => conversation.doc)
    // Not over a connection that is dying: what became of that nobody would know.
    for (const { conversation } of all) conversation.disconnect()
    server.beginEpoch('epoch-2')
    await all[3]!.conversation.send('new')
    for (const { conversation } of all) conversation.connect()
    for (const each of all) await until('only the new one is there', () => texts(each).join() === 'new' && deliveries(each).join() === 'saved')
    for (const [i, { conversation }] of all.entries()) expect(conversation.doc).not.toBe(before[i])
    expect(server.messages.map(({ metadata }) => metadata.parentId)).toEqual([null])
  })

  it('ask what became of a message that a tab had sent before another took over and the server began anew', async () => {
    const options = { url: server.url, connect: true, outcomeOf: async () => null }
    const stuck = talk('a', options)
    await until('it is online', () => stuck.conversation.view().connection === 'online' && stuck.conversation.view().synced)
    server.mute = true
    void stuck.conversation.send('once')
    world.stop(stuck.tab, 'stuck', 0)
    await until('the server has it', () => server.proposed.length === 1)
    stuck.conversation.disconnect()
    server.mute = false
    server.beginEpoch('epoch-2')
    const next = talk('b', options)
    await until('it takes over', async () => {
      await time.advance(PING_EVERY / 4)
      return next.conversation.view().synced
    })
    world.goOn(stuck.tab)
    for (const each of [stuck, next]) await until('it is known', () => ['refused', 'saved'].includes(deliveries(each).join()))
    expect(server.proposed).toHaveLength(1)
    expect(next.conversation.view().messages[0]!.delivery).toMatchObject({ state: 'refused', code: 'outcome-unknown' })
  })

  it('ask what became of a message that the owner sent for another tab and did not live to note', async () => {
    const options = { url: server.url, connect: true, outcomeOf: async () => null }
    const owner = talk('a', options)
    await until('it is online', () => owner.conversation.view().connection === 'online' && owner.conversation.view().synced)
    const other = talk('b', options)
    await until('it follows', () => other.conversation.view().connection === 'online' && other.conversation.view().synced)
    running = false
    await turning
    await world.quiet()
    server.mute = true
    void other.conversation.send('once')
    await until('the server has it', async () => {
      if (server.proposed.length === 0) owner.tab.runOne()
      await settle()
      return server.proposed.length === 1
    })
    world.crash(owner.tab)
    owner.conversation.disconnect()
    server.mute = false
    server.beginEpoch('epoch-2')
    running = true
    turning = turn()
    await until('it is known', () => ['refused', 'saved'].includes(deliveries(other).join()))
    expect(server.proposed).toHaveLength(1)
    expect(other.conversation.view().messages[0]!.delivery).toMatchObject({ state: 'refused', code: 'outcome-unknown' })
  })

  it('see each other, and who types', async () => {
    const all = await online()
    all[3]!.conversation.setTyping(true)
    for (const each of all) {
      await until('there are four, and one types', () => {
        const { people } = each.conversation.view()
        return people.length === 4 && people.filter(({ typing }) => typing).length === 1 && people.filter(({ self }) => self).length === 1
      })
    }
  })
})
