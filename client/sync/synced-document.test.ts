/** A free document on one device: kept, in sync, and saved only when the server says so. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { openConversation } from './conversation.ts'
import type { Conversation } from './conversation.ts'
import type { DocumentOptions } from './document-options.ts'
import { FIRST_PATIENCE } from './patience.ts'
import { memoryStore } from './store/memory.ts'
import { openDocument } from './synced-document.ts'
import type { SyncedDocument } from './synced-document.ts'
import { textOf } from '../../shared/conversation/read.ts'
import { conversationName, parseDocumentName } from '../../shared/ids.ts'
import { ManualTime } from '../../test/rig/manual-time.ts'
import { until } from '../../test/rig/until.ts'
import { TinyServer } from '../../test/sync/tiny-server.ts'

let server: TinyServer
let opened: { close: () => Promise<void> }[]

beforeEach(async () => {
  server = await TinyServer.start()
  opened = []
})

afterEach(async () => {
  await Promise.all(opened.map(document => document.close()))
  await server.stop()
})

const artifact = (options: Partial<DocumentOptions> = {}): SyncedDocument => {
  const document = openDocument({ name: parseDocumentName('artifact/a1')!, url: server.url, store: memoryStore(), ...options })
  opened.push(document)
  return document
}

const talk = (options: Partial<DocumentOptions> = {}): Conversation => {
  const name = conversationName('c1')!
  const conversation = openConversation({ name, url: server.url, store: memoryStore(), userId: 'ada', userName: 'Ada', ...options })
  opened.push(conversation)
  return conversation
}

const textIn = (doc: Y.Doc): string => doc.getText('body').toString()
const said = (conversation: Conversation): string[] => conversation.view().messages.map(({ message }) => textOf(message.parts))
const synced = (document: SyncedDocument) => until('it is synced', () => document.synced)
const talkSynced = (conversation: Conversation) => until('it is synced', () => conversation.view().synced)
const noted = (conversation: Conversation) => until('all is answered', () => conversation.view().synced && conversation.view().pending === 0)

describe('a free document', () => {
  it('is kept on the device and in sync with the server', async () => {
    const store = memoryStore()
    const first = artifact({ store })
    await first.ready
    first.doc.getText('body').insert(0, 'hello')
    await synced(first)
    await until('it is saved', () => !first.hasUnsaved)
    expect(textIn(server.doc)).toBe('hello')
    server.change(doc => doc.getText('body').insert(5, ' world'))
    await until('it arrived', () => textIn(first.doc) === 'hello world')
    await first.close()
    const second = artifact({ store, connect: false })
    await second.ready
    expect(textIn(second.doc)).toBe('hello world')
    expect(second).toMatchObject({ loaded: true, synced: false, connection: 'offline', role: 'owner' })
  })

  it('closes in order after Yjs took another client id for it', async () => {
    const document = artifact()
    await synced(document)
    document.doc.clientID++
    await document.close()
    expect(document.connection).toBe('offline')
  })

  it('is not saved before the server acknowledged it', async () => {
    const document = artifact()
    await synced(document)
    await until('the empty beginning is saved', () => !document.hasUnsaved)
    server.holdsSaved = true
    document.doc.getText('body').insert(0, 'x')
    await until('the server has it', () => textIn(server.doc) === 'x')
    expect(document.hasUnsaved).toBe(true)
    server.tell({ kind: 'saved', frames: 2 })
    await until('it is saved', () => !document.hasUnsaved)
  })

  it('does not take what an earlier visit left for saved until the server says so', async () => {
    const store = memoryStore()
    const first = artifact({ store, connect: false })
    await first.ready
    first.doc.getText('body').insert(0, 'offline')
    await first.close()
    server.holdsSaved = true
    const second = artifact({ store })
    await until('the server has it', () => textIn(server.doc) === 'offline')
    expect(second.hasUnsaved).toBe(true)
    server.tell({ kind: 'saved', frames: 1 })
    await until('it is saved', () => !second.hasUnsaved)
  })

  it('keeps what was written before the store was read', async () => {
    const store = memoryStore()
    const document = artifact({ store, connect: false })
    document.doc.getText('body').insert(0, 'early')
    await document.ready
    expect((await store.load()).updates).toHaveLength(1)
  })

  it('stays as it is on this device when the server refuses a change', async () => {
    const document = artifact()
    await synced(document)
    server.refuses = { code: 'not-allowed', reason: 'You may only read.', times: 1 }
    document.doc.getText('body').insert(0, 'mine')
    await until('it is closed', () => document.closedBy)
    expect(document.closedBy).toEqual({ code: 4403, reason: 'You may only read.' })
    expect(document.connection).toBe('offline')
    expect(textIn(document.doc)).toBe('mine')
    document.connect()
    expect(document.closedBy).toBe(null)
    await until('it is saved after all', () => textIn(server.doc) === 'mine')
  })

  it('says why the server ended a connection, for as long as it is tried again', async () => {
    const document = artifact()
    await synced(document)
    expect(document.interruption).toBe(null)
    server.cut(1013, 'not-saved: The disk is full.')
    await until('it is told', () => document.interruption)
    expect([document.interruption, document.closedBy]).toEqual(['The disk is full.', null])
    await until('it is back', () => document.connection === 'online')
    expect(document.interruption).toBe(null)
    server.cut()
    await until('it is cut', () => document.connection !== 'online')
    expect(document.interruption).toBe(null)
  })

  it('sets its unsaved edits aside when the server has another lineage', async () => {
    const kept: boolean[] = []
    const store = memoryStore()
    const document = artifact({ store: { ...store, rebuild: async (epoch, keepOld) => {
      kept.push(keepOld)
      return store.rebuild(epoch, keepOld)
    } } })
    await synced(document)
    document.disconnect()
    document.doc.getText('body').insert(0, 'unsent')
    server.beginEpoch('epoch-2')
    server.change(doc => doc.getText('body').insert(0, 'restored'))
    document.connect()
    await until('the new lineage is there', () => textIn(document.doc) === 'restored')
    expect(kept).toEqual([true])
    expect(textIn(server.doc)).toBe('restored')
  })
})

describe('another lineage', () => {
  it('is never merged: a new document begins and open requests are proposed again', async () => {
    const store = memoryStore()
    const conversation = talk({ store })
    await talkSynced(conversation)
    await conversation.send('old')
    await noted(conversation)
    conversation.disconnect()
    const open = await conversation.send('still to come')
    const before = conversation.doc
    server.beginEpoch('epoch-2')
    conversation.connect()
    await until('the request is answered', () => conversation.view().pending === 0)
    await noted(conversation)
    expect(conversation.doc).not.toBe(before)
    expect(said(conversation)).toEqual(['still to come'])
    expect(server.messages.map(({ id }) => id)).toEqual([open])
    expect(await store.load()).toMatchObject({ epoch: 'epoch-2', outbox: [] })
  })

  it('keeps what is asked for while the new document is not there yet', async () => {
    const store = memoryStore()
    let goOn = () => {}
    const waits = new Promise<void>(resolve => {
      goOn = resolve
    })
    let rebuilt = false
    const conversation = talk({ store: {
      ...store,
      rebuild: async (epoch, keepOld) => {
        await store.rebuild(epoch, keepOld)
        rebuilt = true
      },
      load: async () => {
        if (rebuilt) await waits
        return store.load()
      }
    } })
    await talkSynced(conversation)
    server.beginEpoch('epoch-2')
    server.cut()
    await until('it begins anew', () => rebuilt)
    await conversation.send('meanwhile')
    expect(said(conversation)).toEqual(['meanwhile'])
    // It is kept as a request; as a change of the old document it must not reach the new one's store.
    expect(await store.load()).toMatchObject({ updates: [], outbox: [{ request: { type: 'send' } }] })
    goOn()
    await until('the server has it', () => server.messages.length === 1)
    await noted(conversation)
    expect(said(conversation)).toEqual(['meanwhile'])
  })

  it('is recognised after a reload', async () => {
    const store = memoryStore()
    const first = talk({ store })
    await first.send('old')
    await noted(first)
    await first.close()
    server.beginEpoch('epoch-2')
    const second = talk({ store })
    await talkSynced(second)
    expect(said(second)).toEqual([])
  })

  it('is also begun when the server closes with 4409', async () => {
    const conversation = talk()
    await talkSynced(conversation)
    const before = conversation.doc
    server.cut(4409, 'epoch-changed: stale')
    await until('a new document began', () => conversation.doc !== before)
    await talkSynced(conversation)
    await conversation.send('hello')
    await noted(conversation)
    expect(said(conversation)).toEqual(['hello'])
  })

  it('ends the connection when every hello tells of another one', async () => {
    const conversation = talk()
    await talkSynced(conversation)
    server.everyHelloDiffers = true
    server.cut()
    await until('it stopped', () => conversation.view().closedBy)
    expect(conversation.view().closedBy?.code).toBe(4409)
  })

  it('keeps presence', async () => {
    const ada = talk()
    const bob = talk({ store: memoryStore() })
    await Promise.all([talkSynced(ada), talkSynced(bob)])
    ada.setTyping(true)
    server.beginEpoch('epoch-2')
    server.cut()
    await until('Bob sees Ada type, still', () => bob.view().synced && bob.view().people.some(({ self, typing }) => !self && typing))
  })
})

describe('somebody whose connection was lost', () => {
  it('sees those who stayed and have not changed since', async () => {
    const ada = talk()
    const bob = talk({ store: memoryStore() })
    await Promise.all([talkSynced(ada), talkSynced(bob)])
    ada.setTyping(true)
    const seesAda = (): boolean => bob.view().people.some(({ self, typing }) => !self && typing)
    await until('Bob sees Ada', seesAda)
    bob.disconnect()
    await until('Bob is alone', () => !seesAda())
    bob.connect()
    await until('Bob sees Ada again', seesAda)
  })
})

describe('a refused frame', () => {
  it('makes a conversation begin anew, once, and everything own arrives', async () => {
    const conversation = talk()
    await talkSynced(conversation)
    await conversation.send('first')
    await noted(conversation)
    const before = conversation.doc
    server.refuses = { code: 'client-id-taken', reason: 'Taken.', times: 1 }
    await conversation.send('second')
    await noted(conversation)
    expect(conversation.doc).not.toBe(before)
    expect(said(conversation)).toEqual(['first', 'second'])
  })

  it('ends the connection when it happens again at once, and keeps the text', async () => {
    const conversation = talk()
    await talkSynced(conversation)
    server.refuses = { code: 'malformed', reason: 'Not valid.', times: 2 }
    await conversation.send('cursed')
    await until('it stopped', () => conversation.view().closedBy)
    expect(conversation.view().closedBy).toEqual({ code: 4400, reason: 'Not valid.' })
    expect(said(conversation)).toEqual(['cursed'])
    expect(conversation.view().pending).toBe(1)
  })
})

describe('the connection', () => {
  it('stays closed when the server closed it for good, and says why', async () => {
    const document = artifact()
    await synced(document)
    server.cut(4403, 'not-allowed: Your role does not allow this here.')
    await until('it is closed', () => document.closedBy)
    expect(document.closedBy).toEqual({ code: 4403, reason: 'Your role does not allow this here.' })
  })

  it('does not send for ever what is too big for a frame', async () => {
    const document = artifact()
    await synced(document)
    server.cut(1009)
    await until('it is closed', () => document.closedBy)
    expect(document.closedBy).toMatchObject({ code: 1009, reason: expect.stringContaining('larger than the server accepts') as string })
  })

  it('comes back by itself after a break', async () => {
    const document = artifact()
    await synced(document)
    server.cut()
    await until('it is offline', () => document.connection === 'offline')
    await until('it is online', () => document.connection === 'online')
    expect(document.closedBy).toBe(null)
  })

  it('does not write into a conversation of a newer schema', async () => {
    server.schema = 99
    const conversation = talk()
    await until('it is closed', () => conversation.view().closedBy)
    expect(conversation.view()).toMatchObject({ closedBy: { code: 4426 }, synced: false })
  })

  it('is made anew when edits are not acknowledged for five seconds', async () => {
    const time = new ManualTime()
    const document = artifact({ now: time.now, after: time.after })
    await synced(document)
    await until('the beginning is saved', () => !document.hasUnsaved)
    server.deaf = true
    document.doc.getText('body').insert(0, 'x')
    expect(server.connections).toBe(1)
    await time.advance(FIRST_PATIENCE)
    server.deaf = false
    await until('there is a new connection', () => server.connections > 1)
    server.cut()
    await until('it is saved', async () => {
      await time.advance(100)
      return !document.hasUnsaved && textIn(server.doc) === 'x'
    })
  })

  it('reads no content before the server said hello', async () => {
    const peer = artifact()
    await synced(peer)
    const bare: Uint8Array[] = []
    class Mute extends WebSocket {
      override set onmessage(handler: ((event: MessageEvent) => void) | null) {
        super.onmessage = handler && (event => {
          const bytes = new Uint8Array(event.data as ArrayBuffer)
          if (bytes[0] === 100) bare.push(bytes)
          else handler.call(this, event)
        })
      }
    }
    server.change(doc => doc.getText('body').insert(0, 'x'))
    const document = artifact({ WebSocket: Mute })
    await until('hello was swallowed', () => bare.length > 0)
    server.change(doc => doc.getText('body').insert(0, 'y'))
    await until('the peer has it', () => textIn(peer.doc) === 'yx')
    expect(textIn(document.doc)).toBe('')
    expect(document.synced).toBe(false)
  })

  it('ignores control messages that it does not know, and that the server is about to stop', async () => {
    const document = artifact()
    await synced(document)
    server.tell({ kind: 'draining', afterMs: 10 })
    server.change(doc => doc.getText('body').insert(0, 'x'))
    await until('it arrived', () => textIn(document.doc) === 'x')
  })
})

describe('the local store', () => {
  it('is set aside when it holds something else than updates', async () => {
    const store = memoryStore()
    await store.append(new Uint8Array([1, 2, 3, 4]))
    server.change(doc => doc.getText('body').insert(0, 'from the server'))
    const document = artifact({ store })
    await synced(document)
    expect(textIn(document.doc)).toBe('from the server')
  })

  it('tells its problem', async () => {
    const store = memoryStore()
    let tell: (problem: string | null) => void = () => {}
    const conversation = talk({ connect: false, store: { ...store, watch: listener => {
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
    const document = artifact()
    await synced(document)
    await document.close()
    await document.close()
    await until('the server sees nobody', () => server.open === 0)
  })

  it('may still be read when the document is closed', async () => {
    const document = artifact()
    await document.close()
    await document.ready
    expect(document.loaded).toBe(false)
  })
})
