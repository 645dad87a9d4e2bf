/** What becomes of edits that no server confirmed when the server's document turns out to have begun anew. */
import 'fake-indexeddb/auto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type * as Y from 'yjs'
import { openConversation } from './conversation.ts'
import type { Conversation, ConversationOptions } from './conversation.ts'
import type { DocumentOptions } from './document-options.ts'
import type { DocumentStore } from './port.ts'
import { openDeviceStore } from './store/indexeddb.ts'
import type { DeviceStore } from './store/indexeddb.ts'
import { openDocument } from './synced-document.ts'
import type { SyncedDocument } from './synced-document.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { readDrafts, textOf } from '../../shared/conversation/read.ts'
import type { Message } from '../../shared/conversation/schema.ts'
import { putSharedDraft } from '../../shared/conversation/write.ts'
import { conversationName, parseDocumentName } from '../../shared/ids.ts'
import type { DocumentName, DraftId, MessageId } from '../../shared/ids.ts'
import { until } from '../../test/rig/until.ts'
import { TinyServer } from '../../test/sync/tiny-server.ts'

let server: TinyServer
let opened: { close: () => Promise<void> }[]
let device: DeviceStore
let users = 0

beforeEach(async () => {
  server = await TinyServer.start()
  opened = []
  device = openDeviceStore({ userId: `kept-${++users}` })
})

afterEach(async () => {
  await Promise.all(opened.map(document => document.close()))
  await device.close()
  await server.stop()
})

const boardName = parseDocumentName('artifact/a1')!
const talkName = conversationName('c1')!

const board = (options: Partial<DocumentOptions> = {}): SyncedDocument => {
  const document = openDocument({ name: boardName, url: server.url, store: device.document(boardName), ...options })
  opened.push(document)
  return document
}
const talk = (options: Partial<ConversationOptions> = {}): Conversation => {
  const store = device.document(talkName)
  const page = openConversation({ name: talkName, url: server.url, store, userId: 'ada', userName: 'Ada', ...options })
  opened.push(page)
  return page
}
const bodyOf = (doc: Y.Doc): string => doc.getText('body').toString()
const synced = (document: SyncedDocument) => until('it is synced', () => document.synced && !document.hasUnsaved)
const settled = (page: Conversation) => until('it is settled', () => page.view().synced && page.view().pending === 0 && !page.hasUnsaved)
const draftTexts = (doc: Y.Doc): string[] => readDrafts(doc).map(({ parts }) => textOf(parts)).sort()
const noneKept = (name: DocumentName) => until('no earlier version is kept', async () => (await device.document(name).kept!.list()).length === 0)
const refused = (page: Conversation): string[] =>
  page.view().messages.flatMap(({ message, delivery }) => delivery.state === 'refused' ? [`${textOf(message.parts)}: ${delivery.code}`] : [])

describe('a free document with edits that were never confirmed', () => {
  it('is kept as an earlier version when the server begins anew, until the person lets it go', async () => {
    const first = board()
    await synced(first)
    first.doc.getText('body').insert(0, 'said. ')
    await synced(first)
    first.disconnect()
    first.doc.getText('body').insert(6, 'Never sent.')
    server.beginEpoch('epoch-2')
    server.change(doc => doc.getText('body').insert(0, 'restored'))
    first.connect()
    await until('the new one is there', () => bodyOf(first.doc) === 'restored')
    await first.close()
    const again = board()
    await synced(again)
    const versions = await again.keptVersions()
    expect(versions.map(({ doc }) => bodyOf(doc))).toEqual(['said. Never sent.'])
    expect(bodyOf(again.doc)).toBe('restored')
    await again.letGo(versions[0]!.id)
    expect(await again.keptVersions()).toEqual([])
  })

  it('is kept too when they were written before the page was loaded, and when the new beginning was under way', async () => {
    const first = board()
    await synced(first)
    first.disconnect()
    first.doc.getText('body').insert(0, 'a')
    await first.close()
    server.beginEpoch('epoch-2')
    const store = device.document(boardName)
    let begin = (): void => {}
    const begun = new Promise<void>(resolve => { begin = resolve })
    let asked = false
    const second = board({ store: slowly(store, async () => {
      asked = true
      await begun
    }) })
    await until('it begins anew', () => asked)
    second.doc.getText('body').insert(1, 'b')
    begin()
    await synced(second)
    expect(bodyOf(second.doc)).toBe('')
    await until('both are kept', async () => (await second.keptVersions()).map(({ doc }) => bodyOf(doc)).join() === 'ab')
  })

  it('is not kept when all of them were confirmed, on a page that was just loaded either', async () => {
    const first = board()
    await synced(first)
    first.doc.getText('body').insert(0, 'confirmed')
    await synced(first)
    await first.close()
    server.beginEpoch('epoch-2')
    const second = board()
    await until('the new one is there', () => second.synced && bodyOf(second.doc) === '')
    expect(await second.keptVersions()).toEqual([])
  })
})

describe('what was written offline in a shared draft', () => {
  /** Ada typed a draft that the server has, and goes on offline. */
  const writeOffline = async (confirmed: string, unsent: string): Promise<Conversation> => {
    const page = talk()
    await settled(page)
    const id = page.openDraft()
    page.draftText(id)!.insert(0, confirmed)
    await settled(page)
    page.disconnect()
    page.draftText(id)!.insert(confirmed.length, unsent)
    return page
  }

  it('goes on in a draft of this person when the server begins anew without it, once', async () => {
    const page = await writeOffline('hello', ' world')
    server.beginEpoch('epoch-2')
    page.connect()
    await settled(page)
    await until('it is on the server', () => draftTexts(server.doc).join() === 'hello world')
    await noneKept(talkName)
    await page.close()
    const again = talk()
    await settled(again)
    expect(draftTexts(again.doc)).toEqual(['hello world'])
  })

  it('is kept as refused when it was written while the device was about to forget the deleted conversation', async () => {
    const store = device.document(talkName)
    let begin = (): void => {}
    const begun = new Promise<void>(resolve => { begin = resolve })
    let asked = false
    const page = talk({
      store: slowly(store, async () => {
        asked = true
        await begun
      })
    })
    await settled(page)
    const id = page.openDraft()
    await settled(page)
    server.cut(4410, 'This was deleted.')
    await until('it is about to forget', () => asked)
    page.draftText(id)!.insert(0, 'last words')
    begin()
    await until('it has forgotten', () => page.view().closedBy !== null && readDrafts(page.doc).length === 0)
    await until('they stand there as refused', () => refused(page).length > 0)
    expect(refused(page)).toEqual(['last words: gone'])
  })

  it('goes on when it was sent and taken back before the server had it', async () => {
    const page = await writeOffline('hello', ' world')
    const { id } = readDrafts(page.doc)[0]!
    await page.discard(await page.sendDraft(id))
    expect(draftTexts(page.doc)).toEqual(['hello world'])
    server.beginEpoch('epoch-2')
    page.connect()
    await settled(page)
    await until('it is on the server', () => draftTexts(server.doc).join() === 'hello world')
    await noneKept(talkName)
  })

  it('goes on beside the draft that still stands there', async () => {
    const page = await writeOffline('hello', ' world')
    const copy = copyOf(server)
    server.beginEpoch('epoch-2')
    copy(server)
    page.connect()
    await until('both are on the server', () => draftTexts(server.doc).join() === ' world,hello')
    await settled(page)
    await noneKept(talkName)
  })

  it('goes on when the page was closed meanwhile, also where it was closed before the server was in sync', async () => {
    await (await writeOffline('hello', ' world')).close()
    server.beginEpoch('epoch-2')
    server.deaf = true
    const deafened = talk()
    await until('it began anew', async () => (await device.document(talkName).kept!.list()).length === 1)
    await deafened.close()
    server.deaf = false
    const page = talk()
    await until('it is on the server', () => draftTexts(server.doc).join() === 'hello world')
    await settled(page)
    await noneKept(talkName)
  })

  it('goes on once after a refused frame', async () => {
    const page = await writeOffline('hello', ' world')
    server.refuses = { code: 'malformed', reason: 'Not valid.', times: 1 }
    page.connect()
    await until('it is on the server', () => draftTexts(server.doc).join() === ' world,hello')
    await settled(page)
    await noneKept(talkName)
  })

  it('is kept as a refused message, once, for who may no longer write', async () => {
    const page = await writeOffline('hello', ' world')
    server.role = 'viewer'
    server.refuses = { code: 'viewer', reason: 'You may only read.', times: 1 }
    page.connect()
    await until('it is kept', () => refused(page).length > 0)
    await noneKept(talkName)
    expect(refused(page)).toEqual([' world: viewer'])
    expect(draftTexts(server.doc)).toEqual(['hello'])
    await page.close()
    const again = talk()
    await until('it is synced', () => again.view().synced)
    expect(refused(again)).toEqual([' world: viewer'])
  })

  it('is kept as a refused message when the conversation was deleted', async () => {
    const page = await writeOffline('hello', ' world')
    page.connect()
    server.holdsSaved = true
    await until('it is online', () => page.view().connection === 'online')
    server.cut(4410, 'gone: It was deleted.')
    await until('it is kept', () => refused(page).length > 0)
    expect(refused(page)).toEqual(['hello world: gone'])
    await until('the rest of it is gone', () => draftTexts(page.doc).length === 0)
    await noneKept(talkName)
  })

  it.each(['', ', on a page that is loaded again'])('goes on when it had come back, unconfirmed, from a draft that is gone%s', async reloads => {
    const id = '0190a000-0000-7000-8000-000000000001' as DraftId
    server.change(doc => putSharedDraft(doc, id, { kind: 'shared', authorId: 'ben', parentId: null, createdAt: 5 }, 'hello'))
    const page = talk()
    await settled(page)
    page.draftText(id)!.insert(5, ' world')
    await settled(page)
    server.holdsSaved = true
    server.change(doc => openRoots(doc).drafts.delete(id))
    await until('it came back', () => draftTexts(server.doc).join() === ' world')
    if (reloads) await page.close()
    server.beginEpoch('epoch-2')
    server.holdsSaved = false
    if (reloads) talk()
    else server.cut()
    await until('it is on the server', () => draftTexts(server.doc).join() === ' world')
    await noneKept(talkName)
  })

  it.each(['', ', on a page that is loaded again'])('goes on when the server had it, and the draft was sent without it before it began anew%s', async reloads => {
    const id = '0190a000-0000-7000-8000-000000000001' as DraftId
    server.change(doc => putSharedDraft(doc, id, { kind: 'shared', authorId: 'ben', parentId: null, createdAt: 5 }, 'hello'))
    const page = talk()
    await settled(page)
    page.draftText(id)!.insert(5, ' world')
    await settled(page)
    if (reloads) await page.close()
    server.beginEpoch('epoch-2')
    server.change(doc => void openRoots(doc).messages.push([sentFrom(id, 'hello')]))
    if (reloads) talk()
    else server.cut()
    await until('it is on the server', () => draftTexts(server.doc).join() === ' world')
    await noneKept(talkName)
  })

  it('goes on when the draft was copied into a new beginning, and then sent without it', async () => {
    const page = await writeOffline('hello', '')
    const copy = copyOf(server)
    const { id } = readDrafts(page.doc)[0]!
    server.beginEpoch('epoch-2')
    copy(server)
    page.connect()
    await until('the new one is there', () => page.view().synced && draftTexts(page.doc).join() === 'hello')
    await noneKept(talkName)
    server.change(doc => {
      openRoots(doc).messages.push([sentFrom(id, 'hell')])
      openRoots(doc).drafts.delete(id)
    })
    await until('it is on the server', () => draftTexts(server.doc).join() === 'o')
  })

  it('makes no draft where all of it was confirmed, and others deleted some of it before the server began anew', async () => {
    const page = await writeOffline('hello', '')
    const { id } = readDrafts(page.doc)[0]!
    server.beginEpoch('epoch-2')
    server.change(doc => putSharedDraft(doc, id, { kind: 'shared', authorId: 'ada', parentId: null, createdAt: 5 }, 'he'))
    page.connect()
    await until('the new one is there', () => draftTexts(page.doc).join() === 'he')
    await settled(page)
    await noneKept(talkName)
    expect(draftTexts(server.doc)).toEqual(['he'])
  })

  it('makes no draft where all of it was confirmed', async () => {
    const page = await writeOffline('hello', '')
    page.connect()
    await settled(page)
    server.beginEpoch('epoch-2')
    server.cut()
    await until('the new one is there', () => page.view().synced && draftTexts(page.doc).length === 0)
    await page.close()
    const again = talk()
    await settled(again)
    expect(draftTexts(server.doc)).toEqual([])
  })
})

/** The server's content, with which a new lineage can begin: struct by struct, under other client ids. */
const copyOf = ({ doc }: TinyServer) => {
  const drafts = readDrafts(doc)
  return (other: TinyServer): void => other.change(fresh => {
    for (const { id, head, parts } of drafts) if (head.kind === 'shared') putSharedDraft(fresh, id, head, textOf(parts))
  })
}

/** What Ben said when he sent the draft. */
const sentFrom = (draftId: DraftId, text: string): Message => ({
  id: '0190a000-0000-7000-8000-000000000002' as MessageId,
  role: 'user',
  parts: [{ type: 'text', text }],
  metadata: { parentId: null, authorId: 'ben', createdAt: 6, acceptedAt: 6, status: 'complete', draftId }
})

/** The store, with a new generation that takes its time. */
const slowly = (store: DocumentStore, wait: () => Promise<void>): DocumentStore => ({
  load: () => store.load(),
  append: (update, own) => store.append(update, own),
  markSaved: async () => store.markSaved?.(),
  setEpoch: (epoch, role) => store.setEpoch(epoch, role),
  putOutbox: entry => store.putOutbox(entry),
  deleteOutbox: id => store.deleteOutbox(id),
  rebuild: async (epoch, keepOld) => {
    await wait()
    await store.rebuild(epoch, keepOld)
  },
  ...store.kept && { kept: store.kept },
  watch: listener => store.watch(listener),
  close: () => store.close()
})
