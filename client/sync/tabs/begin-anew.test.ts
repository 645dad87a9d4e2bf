/** Tabs of one person when the server begins anew while they write: what none of them could send is kept, whichever of them wrote it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type * as Y from 'yjs'
import { TabSession } from './session.ts'
import { openConversation } from '../conversation.ts'
import type { Conversation } from '../conversation.ts'
import { openDocument } from '../synced-document.ts'
import type { SyncedDocument } from '../synced-document.ts'
import { readDrafts, textOf } from '../../../shared/conversation/read.ts'
import { conversationName, parseDocumentName } from '../../../shared/ids.ts'
import type { FakeTab } from '../../../test/rig/fake-tab.ts'
import { ManualTime } from '../../../test/rig/manual-time.ts'
import { seededRandom } from '../../../test/rig/seed.ts'
import { TabWorld } from '../../../test/rig/tab-world.ts'
import { until } from '../../../test/rig/until.ts'
import { TinyServer } from '../../../test/sync/tiny-server.ts'

let time: ManualTime
let world: TabWorld
let server: TinyServer
let running: boolean
let turning: Promise<void>
let closers: (() => void)[]

beforeEach(async () => {
  time = new ManualTime()
  world = new TabWorld(time, seededRandom(7))
  server = await TinyServer.start()
  running = true
  closers = []
  turning = turn()
})

afterEach(async () => {
  running = false
  await turning
  for (const close of closers) close()
  await server.stop()
})

const turn = async (): Promise<void> => {
  while (running) await world.step()
}

const inTab = (name: string) => {
  const tab = world.open(name)
  const tabs = new TabSession({ surroundings: tab.surroundings(), key: 'ada', openStore: () => tab.store() })
  return { tab, options: { url: server.url, store: tabs.store, tabs, now: time.now } }
}

interface Board { tab: FakeTab, document: SyncedDocument }
interface Talk { tab: FakeTab, page: Conversation }

const board = (name: string): Board => {
  const { tab, options } = inTab(name)
  const document = openDocument({ name: parseDocumentName('artifact/a1')!, ...options })
  closers.push(() => document.disconnect())
  return { tab, document }
}
const talk = (name: string): Talk => {
  const { tab, options } = inTab(name)
  const page = openConversation({ name: conversationName('c1')!, userId: 'ada', userName: 'Ada', ...options })
  closers.push(() => page.disconnect())
  return { tab, page }
}
const bodyOf = (doc: Y.Doc): string => doc.getText('body').toString()
const draftTexts = (doc: Y.Doc): string[] => readDrafts(doc).map(({ parts }) => textOf(parts)).sort()
const words = (texts: string[]): string => texts.join(' ').split(/\s+/).filter(word => word !== '').sort().join(' ')

describe('a free document in four tabs', () => {
  const fourTabs = async (): Promise<Board[]> => {
    const all = ['a', 'b', 'c', 'd'].map(board)
    for (const { document } of all) await until('it is in sync', () => document.synced && document.connection === 'online')
    all[0]!.document.doc.getText('body').insert(0, 'begun ')
    for (const { document } of all) await until('all have it', () => bodyOf(document.doc) === 'begun ' && !document.hasUnsaved)
    return all
  }
  const write = ({ document }: Board, text: string): void => document.doc.getText('body').insert(document.doc.getText('body').length, text)

  it('keeps what each of them wrote and the server never got as one earlier version, which every tab can read and let go', async () => {
    const all = await fourTabs()
    server.deaf = true
    for (const each of all) write(each, `${each.tab.name} `)
    for (const { document } of all) await until('all show all', () => words([bodyOf(document.doc)]) === 'a b begun c d')
    server.deaf = false
    server.beginEpoch('epoch-2')
    server.cut()
    for (const { document } of all) await until('the new one is there', () => document.synced && bodyOf(document.doc) === '')
    for (const { document } of all) {
      const versions = await document.keptVersions()
      expect(versions.map(({ doc }) => words([bodyOf(doc)]))).toEqual(['a b begun c d'])
    }
    const [version] = await all[2]!.document.keptVersions()
    await all[2]!.document.letGo(version!.id)
    for (const { document } of all) expect(await document.keptVersions()).toEqual([])
  })

  it('keeps what a follower writes while the owner has begun anew already and it has not heard of it', async () => {
    const all = await fourTabs()
    const owner = all.find(({ tab }) => tab === world.owner)!
    const follower = all.find(each => each !== owner)!
    follower.tab.state = 'stuck'
    server.beginEpoch('epoch-2')
    server.cut()
    await until('the owner has begun anew', () => owner.document.synced && bodyOf(owner.document.doc) === '')
    expect(world.disk.kept.size).toBe(0)
    write(follower, 'meanwhile')
    follower.tab.goOn()
    await until('it is kept', async () => (await owner.document.keptVersions()).map(({ doc }) => bodyOf(doc)).join() === 'begun meanwhile')
    for (const { document } of all) await until('all show the new one', () => bodyOf(document.doc) === '' && !document.hasUnsaved)
    expect(bodyOf(server.doc)).toBe('')
  })

  it('keeps it too when the owner that had begun anew is gone before it could be told', async () => {
    const all = await fourTabs()
    const owner = all.find(({ tab }) => tab === world.owner)!
    const others = all.filter(each => each !== owner)
    for (const { tab } of others) tab.state = 'stuck'
    server.beginEpoch('epoch-2')
    server.cut()
    await until('the owner has begun anew', () => owner.document.synced && bodyOf(owner.document.doc) === '')
    for (const each of others) write(each, `${each.tab.name} `)
    world.crash(owner.tab)
    owner.document.disconnect()
    for (const { tab } of others) tab.goOn()
    const expected = words(['begun', ...others.map(({ tab }) => tab.name)])
    await until('it is kept', async () => {
      const versions = await others[0]!.document.keptVersions()
      return versions.length === 1 && words([bodyOf(versions[0]!.doc)]) === expected
    })
    for (const { document } of others) await until('all show the new one', () => document.synced && bodyOf(document.doc) === '' && !document.hasUnsaved)
  })
})

describe('a shared draft that several tabs write in', () => {
  it('goes on with the words of all of them, once, when the server begins anew', async () => {
    const all = ['a', 'b', 'c', 'd'].map(talk)
    for (const { page } of all) await until('it is in sync', () => page.view().synced && page.view().connection === 'online')
    const id = all[1]!.page.openDraft()
    all[1]!.page.draftText(id)!.insert(0, 'begun ')
    for (const { page } of all) await until('all have it', () => page.draftText(id)?.toString() === 'begun ' && !page.hasUnsaved)
    const owner = all.find(({ tab }) => tab === world.owner)!
    const late = all.find(each => each !== owner && each !== all[1])!
    server.deaf = true
    for (const { tab, page } of all) if (tab !== late.tab) page.draftText(id)!.insert(page.draftText(id)!.length, `${tab.name} `)
    const offline = words(['begun', ...all.filter(each => each !== late).map(({ tab }) => tab.name)])
    for (const { page } of all) await until('all show all', () => words([page.draftText(id)!.toString()]) === offline)
    // This one does not hear of the new beginning at once, and writes on.
    late.tab.state = 'stuck'
    server.deaf = false
    server.beginEpoch('epoch-2')
    server.cut()
    await until('the words are on the server again', () => words(draftTexts(server.doc)) === offline)
    late.page.draftText(id)!.insert(0, 'late ')
    late.tab.goOn()
    const whole = words([offline, 'late'])
    await until('its words too', () => words(draftTexts(server.doc)) === whole)
    for (const { page } of all) await until('all tabs show them', () => words(draftTexts(page.doc)) === whole && !page.hasUnsaved)
    await until('nothing is kept apart any more', () => world.disk.kept.size === 0)
    expect(words(draftTexts(server.doc))).toBe(whole)
    expect(world.trespasses).toEqual([])
  })
})
