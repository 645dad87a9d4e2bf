/** A server that holds another lineage, refuses a frame or has a newer schema: what becomes of the device's document. */
import { describe, expect, it } from 'vitest'
import { memoryStore } from './store/memory.ts'
import { until } from '../../test/rig/until.ts'
import { noted, pagesForEachTest, said, talkSynced } from '../../test/sync/pages.ts'

const pages = pagesForEachTest()

describe('another lineage', () => {
  it('is never merged: a new document begins and open requests are proposed again', async () => {
    const store = memoryStore()
    const conversation = pages.talk({ store })
    await talkSynced(conversation)
    await conversation.send('old')
    await noted(conversation)
    conversation.disconnect()
    const open = await conversation.send('still to come')
    const before = conversation.doc
    pages.server.beginEpoch('epoch-2')
    conversation.connect()
    await until('the request is answered', () => conversation.view().pending === 0)
    await noted(conversation)
    expect(conversation.doc).not.toBe(before)
    expect(said(conversation)).toEqual(['still to come'])
    expect(pages.server.messages.map(({ id }) => id)).toEqual([open])
    expect(await store.load()).toMatchObject({ epoch: 'epoch-2', outbox: [] })
  })

  it('keeps what is asked for while the new document is not there yet', async () => {
    const store = memoryStore()
    let goOn = () => {}
    const waits = new Promise<void>(resolve => {
      goOn = resolve
    })
    let rebuilt = false
    const conversation = pages.talk({ store: {
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
    pages.server.beginEpoch('epoch-2')
    pages.server.cut()
    await until('it begins anew', () => rebuilt)
    await conversation.send('meanwhile')
    expect(said(conversation)).toEqual(['meanwhile'])
    // It is kept as a request; as a change of the old document it must not reach the new one's store.
    expect(await store.load()).toMatchObject({ updates: [], outbox: [{ request: { type: 'send' } }] })
    goOn()
    await until('the server has it', () => pages.server.messages.length === 1)
    await noted(conversation)
    expect(said(conversation)).toEqual(['meanwhile'])
  })

  it('is recognised after a reload', async () => {
    const store = memoryStore()
    const first = pages.talk({ store })
    await first.send('old')
    await noted(first)
    await first.close()
    pages.server.beginEpoch('epoch-2')
    const second = pages.talk({ store })
    await talkSynced(second)
    expect(said(second)).toEqual([])
  })

  it('is also begun when the server closes with 4409', async () => {
    const conversation = pages.talk()
    await talkSynced(conversation)
    const before = conversation.doc
    pages.server.cut(4409, 'epoch-changed: stale')
    await until('a new document began', () => conversation.doc !== before)
    await talkSynced(conversation)
    await conversation.send('hello')
    await noted(conversation)
    expect(said(conversation)).toEqual(['hello'])
  })

  it('ends the connection when every hello tells of another one', async () => {
    const conversation = pages.talk()
    await talkSynced(conversation)
    pages.server.everyHelloDiffers = true
    pages.server.cut()
    await until('it stopped', () => conversation.view().closedBy)
    expect(conversation.view().closedBy?.code).toBe(4409)
  })

  it('keeps presence', async () => {
    const ada = pages.talk()
    const bob = pages.talk({ store: memoryStore() })
    await Promise.all([talkSynced(ada), talkSynced(bob)])
    ada.setTyping(true)
    pages.server.beginEpoch('epoch-2')
    pages.server.cut()
    await until('Bob sees Ada type, still', () => bob.view().synced && bob.view().people.some(({ self, typing }) => !self && typing))
  })
})

describe('a refused frame', () => {
  it('makes a conversation begin anew, once, and everything own arrives', async () => {
    const conversation = pages.talk()
    await talkSynced(conversation)
    await conversation.send('first')
    await noted(conversation)
    const before = conversation.doc
    pages.server.refuses = { code: 'client-id-taken', reason: 'Taken.', times: 1 }
    await conversation.send('second')
    await noted(conversation)
    expect(conversation.doc).not.toBe(before)
    expect(said(conversation)).toEqual(['first', 'second'])
  })

  it('ends the connection when it happens again at once, and keeps the text', async () => {
    const conversation = pages.talk()
    await talkSynced(conversation)
    pages.server.refuses = { code: 'malformed', reason: 'Not valid.', times: 2 }
    await conversation.send('cursed')
    await until('it stopped', () => conversation.view().closedBy)
    expect(conversation.view().closedBy).toEqual({ code: 4400, reason: 'Not valid.' })
    expect(said(conversation)).toEqual(['cursed'])
    expect(conversation.view().pending).toBe(1)
  })
})

it('nothing is written into a conversation of a newer schema', async () => {
  pages.server.schema = 99
  const conversation = pages.talk()
  await until('it is closed', () => conversation.view().closedBy)
  expect(conversation.view()).toMatchObject({ closedBy: { code: 4426 }, synced: false })
})
