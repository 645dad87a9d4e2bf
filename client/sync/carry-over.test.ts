/** What this person wrote in shared drafts of an earlier life of a conversation, when the server's turns out to have begun anew. */
import 'fake-indexeddb/auto'
import { beforeEach, describe, expect, it } from 'vitest'
import type * as Y from 'yjs'
import type { Conversation } from './conversation.ts'
import type { DocumentOptions } from './document-options.ts'
import type { DeviceStore } from './store/indexeddb.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { readDrafts, textOf } from '../../shared/conversation/read.ts'
import type { Message } from '../../shared/conversation/schema.ts'
import { putSharedDraft } from '../../shared/conversation/write.ts'
import type { DraftId, MessageId } from '../../shared/ids.ts'
import { deviceForEachTest, NAME, slowToRebuild } from '../../test/rig/device-of-test.ts'
import { until } from '../../test/rig/until.ts'
import { pagesForEachTest } from '../../test/sync/pages.ts'
import type { TinyServer } from '../../test/sync/tiny-server.ts'

const { tab } = deviceForEachTest()
const pages = pagesForEachTest()
let device: DeviceStore

beforeEach(() => {
  device = tab()
})

const talk = (options: Partial<DocumentOptions> = {}): Conversation => pages.talk({ store: device.document(NAME), ...options })
const settled = (page: Conversation) => until('it is settled', () => page.view().synced && page.view().pending === 0 && !page.hasUnsaved)
const draftTexts = (doc: Y.Doc): string[] => readDrafts(doc).map(({ parts }) => textOf(parts)).sort()
const noneKept = () => until('no earlier version is kept', async () => (await device.document(NAME).kept!.list()).length === 0)
const refused = (page: Conversation): string[] =>
  page.view().messages.flatMap(({ message, delivery }) => delivery.state === 'refused' ? [`${textOf(message.parts)}: ${delivery.code}`] : [])

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
  /** Ada typed into a draft of Ben's; the server has it all. */
  const writeIntoBens = async (): Promise<{ page: Conversation, id: DraftId }> => {
    const id = '0190a000-0000-7000-8000-000000000001' as DraftId
    pages.server.change(doc => putSharedDraft(doc, id, { kind: 'shared', authorId: 'ben', parentId: null, createdAt: 5 }, 'hello'))
    const page = talk()
    await settled(page)
    page.draftText(id)!.insert(5, ' world')
    await settled(page)
    return { page, id }
  }

  it('goes on in a draft of this person when the server begins anew without it, once', async () => {
    const page = await writeOffline('hello', ' world')
    pages.server.beginEpoch('epoch-2')
    page.connect()
    await settled(page)
    await until('it is on the server', () => draftTexts(pages.server.doc).join() === 'hello world')
    await noneKept()
    await page.close()
    const again = talk()
    await settled(again)
    expect(draftTexts(again.doc)).toEqual(['hello world'])
  })

  it('is kept as refused when it was written while the device was about to forget the deleted conversation', async () => {
    const store = device.document(NAME)
    let begin = (): void => {}
    const begun = new Promise<void>(resolve => { begin = resolve })
    let asked = false
    const page = talk({
      store: slowToRebuild(store, async () => {
        asked = true
        await begun
      })
    })
    await settled(page)
    const id = page.openDraft()
    await settled(page)
    pages.server.cut(4410, 'This was deleted.')
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
    pages.server.beginEpoch('epoch-2')
    page.connect()
    await settled(page)
    await until('it is on the server', () => draftTexts(pages.server.doc).join() === 'hello world')
    await noneKept()
  })

  it('goes on beside the draft that still stands there', async () => {
    const page = await writeOffline('hello', ' world')
    const copy = copyOf(pages.server)
    pages.server.beginEpoch('epoch-2')
    copy(pages.server)
    page.connect()
    await until('both are on the server', () => draftTexts(pages.server.doc).join() === ' world,hello')
    await settled(page)
    await noneKept()
  })

  it('goes on when the page was closed meanwhile, also where it was closed before the server was in sync', async () => {
    await (await writeOffline('hello', ' world')).close()
    pages.server.beginEpoch('epoch-2')
    pages.server.deaf = true
    const deafened = talk()
    await until('it began anew', async () => (await device.document(NAME).kept!.list()).length === 1)
    await deafened.close()
    pages.server.deaf = false
    const page = talk()
    await until('it is on the server', () => draftTexts(pages.server.doc).join() === 'hello world')
    await settled(page)
    await noneKept()
  })

  it('goes on once after a refused frame', async () => {
    const page = await writeOffline('hello', ' world')
    pages.server.refuses = { code: 'malformed', reason: 'Not valid.', times: 1 }
    page.connect()
    await until('it is on the server', () => draftTexts(pages.server.doc).join() === ' world,hello')
    await settled(page)
    await noneKept()
  })

  it('is kept as a refused message, once, for who may no longer write', async () => {
    const page = await writeOffline('hello', ' world')
    pages.server.role = 'viewer'
    pages.server.refuses = { code: 'viewer', reason: 'You may only read.', times: 1 }
    page.connect()
    await until('it is kept', () => refused(page).length > 0)
    await noneKept()
    expect(refused(page)).toEqual([' world: viewer'])
    expect(draftTexts(pages.server.doc)).toEqual(['hello'])
    await page.close()
    const again = talk()
    await until('it is synced', () => again.view().synced)
    expect(refused(again)).toEqual([' world: viewer'])
  })

  it('is kept as a refused message when the conversation was deleted', async () => {
    const page = await writeOffline('hello', ' world')
    page.connect()
    pages.server.holdsSaved = true
    await until('it is online', () => page.view().connection === 'online')
    pages.server.cut(4410, 'gone: It was deleted.')
    await until('it is kept', () => refused(page).length > 0)
    expect(refused(page)).toEqual(['hello world: gone'])
    await until('the rest of it is gone', () => draftTexts(page.doc).length === 0)
    await noneKept()
  })

  it.each(['', ', on a page that is loaded again'])('goes on when it had come back, unconfirmed, from a draft that is gone%s', async reloads => {
    const { page, id } = await writeIntoBens()
    pages.server.holdsSaved = true
    pages.server.change(doc => openRoots(doc).drafts.delete(id))
    await until('it came back', () => draftTexts(pages.server.doc).join() === ' world')
    if (reloads) await page.close()
    pages.server.beginEpoch('epoch-2')
    pages.server.holdsSaved = false
    if (reloads) talk()
    else pages.server.cut()
    await until('it is on the server', () => draftTexts(pages.server.doc).join() === ' world')
    await noneKept()
  })

  it.each(['', ', on a page that is loaded again'])('goes on when the server had it, and the draft was sent without it before it began anew%s', async reloads => {
    const { page, id } = await writeIntoBens()
    if (reloads) await page.close()
    pages.server.beginEpoch('epoch-2')
    pages.server.change(doc => void openRoots(doc).messages.push([sentFrom(id, 'hello')]))
    if (reloads) talk()
    else pages.server.cut()
    await until('it is on the server', () => draftTexts(pages.server.doc).join() === ' world')
    await noneKept()
  })

  it('goes on when the draft was copied into a new beginning, and then sent without it', async () => {
    const page = await writeOffline('hello', '')
    const copy = copyOf(pages.server)
    const { id } = readDrafts(page.doc)[0]!
    pages.server.beginEpoch('epoch-2')
    copy(pages.server)
    page.connect()
    await until('the new one is there', () => page.view().synced && draftTexts(page.doc).join() === 'hello')
    await noneKept()
    pages.server.change(doc => {
      openRoots(doc).messages.push([sentFrom(id, 'hell')])
      openRoots(doc).drafts.delete(id)
    })
    await until('it is on the server', () => draftTexts(pages.server.doc).join() === 'o')
  })

  it('makes no draft where all of it was confirmed, and others deleted some of it before the server began anew', async () => {
    const page = await writeOffline('hello', '')
    const { id } = readDrafts(page.doc)[0]!
    pages.server.beginEpoch('epoch-2')
    pages.server.change(doc => putSharedDraft(doc, id, { kind: 'shared', authorId: 'ada', parentId: null, createdAt: 5 }, 'he'))
    page.connect()
    await until('the new one is there', () => draftTexts(page.doc).join() === 'he')
    await settled(page)
    await noneKept()
    expect(draftTexts(pages.server.doc)).toEqual(['he'])
  })

  it('makes no draft where all of it was confirmed', async () => {
    const page = await writeOffline('hello', '')
    page.connect()
    await settled(page)
    pages.server.beginEpoch('epoch-2')
    pages.server.cut()
    await until('the new one is there', () => page.view().synced && draftTexts(page.doc).length === 0)
    await page.close()
    const again = talk()
    await settled(again)
    expect(draftTexts(pages.server.doc)).toEqual([])
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
