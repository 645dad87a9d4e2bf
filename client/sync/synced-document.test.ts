/** A free document on one device: kept, in sync, and saved only when the server says so. */
import { describe, expect, it } from 'vitest'
import { memoryStore } from './store/memory.ts'
import { ManualTime } from '../../test/rig/manual-time.ts'
import { until } from '../../test/rig/until.ts'
import { pagesForEachTest, synced, textIn } from '../../test/sync/pages.ts'

const pages = pagesForEachTest()

describe('a free document', () => {
  it('is kept on the device and in sync with the server', async () => {
    const store = memoryStore()
    const first = pages.artifact({ store })
    await first.ready
    first.doc.getText('body').insert(0, 'hello')
    await synced(first)
    await until('it is saved', () => !first.hasUnsaved)
    expect(textIn(pages.server.doc)).toBe('hello')
    pages.server.change(doc => doc.getText('body').insert(5, ' world'))
    await until('it arrived', () => textIn(first.doc) === 'hello world')
    await first.close()
    const second = pages.artifact({ store, connect: false })
    await second.ready
    expect(textIn(second.doc)).toBe('hello world')
    expect(second).toMatchObject({ loaded: true, synced: false, connection: 'offline', role: 'owner' })
  })

  it('closes in order after Yjs took another client id for it', async () => {
    const document = pages.artifact()
    await synced(document)
    document.doc.clientID++
    await document.close()
    expect(document.connection).toBe('offline')
  })

  it('is not saved before the server acknowledged it', async () => {
    const document = pages.artifact()
    await synced(document)
    await until('the empty beginning is saved', () => !document.hasUnsaved)
    pages.server.holdsSaved = true
    document.doc.getText('body').insert(0, 'x')
    await until('the server has it', () => textIn(pages.server.doc) === 'x')
    expect(document.hasUnsaved).toBe(true)
    pages.server.tell({ kind: 'saved', frames: 2 })
    await until('it is saved', () => !document.hasUnsaved)
  })

  it('does not take what an earlier visit left for saved until the server says so', async () => {
    const store = memoryStore()
    const first = pages.artifact({ store, connect: false })
    await first.ready
    first.doc.getText('body').insert(0, 'offline')
    await first.close()
    pages.server.holdsSaved = true
    const second = pages.artifact({ store })
    await until('the server has it', () => textIn(pages.server.doc) === 'offline')
    expect(second.hasUnsaved).toBe(true)
    pages.server.tell({ kind: 'saved', frames: 1 })
    await until('it is saved', () => !second.hasUnsaved)
  })

  it('keeps what was written before the store was read', async () => {
    const store = memoryStore()
    const document = pages.artifact({ store, connect: false })
    document.doc.getText('body').insert(0, 'early')
    await document.ready
    expect((await store.load()).updates).toHaveLength(1)
  })

  it('stays as it is on this device when the server refuses a change', async () => {
    const document = pages.artifact()
    await synced(document)
    pages.server.refuses = { code: 'not-allowed', reason: 'You may only read.', times: 1 }
    document.doc.getText('body').insert(0, 'mine')
    await until('it is closed', () => document.closedBy)
    expect(document.closedBy).toEqual({ code: 4403, reason: 'You may only read.' })
    expect(document.connection).toBe('offline')
    expect(textIn(document.doc)).toBe('mine')
    document.connect()
    expect(document.closedBy).toBe(null)
    await until('it is saved after all', () => textIn(pages.server.doc) === 'mine')
  })

  it('says why the server ended a connection, for as long as it is tried again', async () => {
    const time = new ManualTime()
    const document = pages.artifact({ now: time.now, after: time.after })
    await synced(document)
    expect(document.interruption).toBe(null)
    pages.server.cut(1013, 'not-saved: The disk is full.')
    await until('it is told', () => document.interruption)
    expect([document.interruption, document.closedBy]).toEqual(['The disk is full.', null])
    await until('it is back', async () => {
      await time.advance(100)
      return document.connection === 'online'
    })
    expect(document.interruption).toBe(null)
    pages.server.cut()
    await until('it is cut', () => document.connection !== 'online')
    expect(document.interruption).toBe(null)
  })

  it('sets its unsaved edits aside when the server has another lineage', async () => {
    const kept: boolean[] = []
    const store = memoryStore()
    const document = pages.artifact({ store: { ...store, rebuild: async (epoch, keepOld) => {
      kept.push(keepOld)
      return store.rebuild(epoch, keepOld)
    } } })
    await synced(document)
    document.disconnect()
    document.doc.getText('body').insert(0, 'unsent')
    pages.server.beginEpoch('epoch-2')
    pages.server.change(doc => doc.getText('body').insert(0, 'restored'))
    document.connect()
    await until('the new lineage is there', () => textIn(document.doc) === 'restored')
    expect(kept).toEqual([true])
    expect(textIn(pages.server.doc)).toBe('restored')
  })
})

describe('the local store', () => {
  it('is set aside when it holds something else than updates', async () => {
    const store = memoryStore()
    await store.append(new Uint8Array([1, 2, 3, 4]))
    pages.server.change(doc => doc.getText('body').insert(0, 'from the server'))
    const document = pages.artifact({ store })
    await synced(document)
    expect(textIn(document.doc)).toBe('from the server')
  })

  it('tells its problem', async () => {
    const store = memoryStore()
    let tell: (problem: string | null) => void = () => {}
    const conversation = pages.talk({ connect: false, store: { ...store, watch: listener => {
      tell = listener
      return () => {}
    } } })
    await conversation.ready
    tell('No space.')
    expect(conversation.view().storageProblem).toBe('No space.')
    tell(null)
    expect(conversation.view().storageProblem).toBe(null)
  })

  it('is let go of once, however often the document is closed', async () => {
    const document = pages.artifact()
    await synced(document)
    await document.close()
    await document.close()
    await until('the server sees nobody', () => pages.server.open === 0)
  })

  it('may still be read when the document is closed', async () => {
    const document = pages.artifact()
    await document.close()
    await document.ready
    expect(document.loaded).toBe(false)
  })
})
