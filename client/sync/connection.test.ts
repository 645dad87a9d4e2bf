/** A connection that is lost, ended, hangs or says too little. */
import { describe, expect, it } from 'vitest'
import { FIRST_PATIENCE } from './patience.ts'
import { memoryStore } from './store/memory.ts'
import { ManualTime } from '../../test/rig/manual-time.ts'
import { until } from '../../test/rig/until.ts'
import { pagesForEachTest, synced, talkSynced, textIn } from '../../test/sync/pages.ts'

const pages = pagesForEachTest()

describe('the connection', () => {
  it('stays closed when the server closed it for good, and says why', async () => {
    const document = pages.artifact()
    await synced(document)
    pages.server.cut(4403, 'not-allowed: Your role does not allow this here.')
    await until('it is closed', () => document.closedBy)
    expect(document.closedBy).toEqual({ code: 4403, reason: 'Your role does not allow this here.' })
  })

  it('does not send for ever what is too big for a frame', async () => {
    const document = pages.artifact()
    await synced(document)
    pages.server.cut(1009)
    await until('it is closed', () => document.closedBy)
    expect(document.closedBy).toMatchObject({ code: 1009, reason: expect.stringContaining('larger than the server accepts') as string })
  })

  it('comes back by itself after a break', async () => {
    const time = new ManualTime()
    const document = pages.artifact({ now: time.now, after: time.after })
    await synced(document)
    pages.server.cut()
    await until('it is offline', () => document.connection === 'offline')
    await until('it is online', async () => {
      await time.advance(100)
      return document.connection === 'online'
    })
    expect(document.closedBy).toBe(null)
  })

  it('is made anew when edits are not acknowledged for five seconds', async () => {
    const time = new ManualTime()
    const document = pages.artifact({ now: time.now, after: time.after })
    await synced(document)
    await until('the beginning is saved', () => !document.hasUnsaved)
    pages.server.deaf = true
    document.doc.getText('body').insert(0, 'x')
    expect(pages.server.connections).toBe(1)
    await time.advance(FIRST_PATIENCE)
    pages.server.deaf = false
    await until('there is a new connection', () => pages.server.connections > 1)
    pages.server.cut()
    await until('it is saved', async () => {
      await time.advance(100)
      return !document.hasUnsaved && textIn(pages.server.doc) === 'x'
    })
  })

  it('reads no content before the server said hello', async () => {
    const peer = pages.artifact()
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
    pages.server.change(doc => doc.getText('body').insert(0, 'x'))
    const document = pages.artifact({ WebSocket: Mute })
    await until('hello was swallowed', () => bare.length > 0)
    pages.server.change(doc => doc.getText('body').insert(0, 'y'))
    await until('the peer has it', () => textIn(peer.doc) === 'yx')
    expect(textIn(document.doc)).toBe('')
    expect(document.synced).toBe(false)
  })

  it('ignores control messages that it does not know, and that the server is about to stop', async () => {
    const document = pages.artifact()
    await synced(document)
    pages.server.tell({ kind: 'draining', afterMs: 10 })
    pages.server.change(doc => doc.getText('body').insert(0, 'x'))
    await until('it arrived', () => textIn(document.doc) === 'x')
  })
})

describe('somebody whose connection was lost', () => {
  it('sees those who stayed and have not changed since', async () => {
    const ada = pages.talk()
    const bob = pages.talk({ store: memoryStore() })
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
