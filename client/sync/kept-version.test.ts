/** A free document with edits that no server confirmed, when the server's turns out to have begun anew. */
import 'fake-indexeddb/auto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { DocumentOptions } from './document-options.ts'
import type { DeviceStore } from './store/indexeddb.ts'
import type { SyncedDocument } from './synced-document.ts'
import { parseDocumentName } from '../../shared/ids.ts'
import { deviceForEachTest, slowToRebuild } from '../../test/rig/device-of-test.ts'
import { until } from '../../test/rig/until.ts'
import { pagesForEachTest, textIn } from '../../test/sync/pages.ts'

const { tab } = deviceForEachTest()
const pages = pagesForEachTest()
let device: DeviceStore

beforeEach(() => {
  device = tab()
})

const boardName = parseDocumentName('artifact/a1')!
const board = (options: Partial<DocumentOptions> = {}): SyncedDocument => pages.artifact({ store: device.document(boardName), ...options })
const synced = (document: SyncedDocument) => until('it is synced', () => document.synced && !document.hasUnsaved)

describe('a free document with edits that were never confirmed', () => {
  it('is kept as an earlier version when the server begins anew, until the person lets it go', async () => {
    const first = board()
    await synced(first)
    first.doc.getText('body').insert(0, 'said. ')
    await synced(first)
    first.disconnect()
    first.doc.getText('body').insert(6, 'Never sent.')
    pages.server.beginEpoch('epoch-2')
    pages.server.change(doc => doc.getText('body').insert(0, 'restored'))
    first.connect()
    await until('the new one is there', () => textIn(first.doc) === 'restored')
    await first.close()
    const again = board()
    await synced(again)
    const versions = await again.keptVersions()
    expect(versions.map(({ doc }) => textIn(doc))).toEqual(['said. Never sent.'])
    expect(textIn(again.doc)).toBe('restored')
    await again.letGo(versions[0]!.id)
    expect(await again.keptVersions()).toEqual([])
  })

  it('is kept too when they were written before the page was loaded, and when the new beginning was under way', async () => {
    const first = board()
    await synced(first)
    first.disconnect()
    first.doc.getText('body').insert(0, 'a')
    await first.close()
    pages.server.beginEpoch('epoch-2')
    const store = device.document(boardName)
    let begin = (): void => {}
    const begun = new Promise<void>(resolve => { begin = resolve })
    let asked = false
    const second = board({ store: slowToRebuild(store, async () => {
      asked = true
      await begun
    }) })
    await until('it begins anew', () => asked)
    second.doc.getText('body').insert(1, 'b')
    begin()
    await synced(second)
    expect(textIn(second.doc)).toBe('')
    await until('both are kept', async () => (await second.keptVersions()).map(({ doc }) => textIn(doc)).join() === 'ab')
  })

  it('is not kept when all of them were confirmed, on a page that was just loaded either', async () => {
    const first = board()
    await synced(first)
    first.doc.getText('body').insert(0, 'confirmed')
    await synced(first)
    await first.close()
    pages.server.beginEpoch('epoch-2')
    const second = board()
    await until('the new one is there', () => second.synced && textIn(second.doc) === '')
    expect(await second.keptVersions()).toEqual([])
  })
})
