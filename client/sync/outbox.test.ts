/** What the outbox of the owner notes of what another tab asked for. */
import { beforeEach, expect, it } from 'vitest'
import * as Y from 'yjs'
import { Outbox } from './outbox.ts'
import type { DocumentStore } from './port.ts'
import { memoryStore } from './store/memory.ts'
import type { OutboxEntry } from './view.ts'
import type { Request } from '../../shared/conversation/schema.ts'
import { putRequest } from '../../shared/conversation/write.ts'
import type { RequestId } from '../../shared/ids.ts'
import { newConversationId } from '../../test/rig/conversation.ts'
import { ManualTime, settle } from '../../test/rig/manual-time.ts'

const hello: Request = { type: 'send', createdAt: 1, message: { parts: [{ type: 'text', text: 'Hello' }], parentId: null } }

let doc: Y.Doc
let online: boolean
let noted: OutboxEntry[]
/** Lets the writes that wait be done. */
let write: () => void
let holds: number
let id: RequestId
let outbox: Outbox

beforeEach(() => {
  doc = new Y.Doc()
  online = true
  noted = []
  holds = 0
  id = newConversationId() as string as RequestId
  const { promise, resolve } = Promise.withResolvers<null>()
  write = () => resolve(null)
  const store: DocumentStore = {
    ...memoryStore(),
    putOutbox: async entry => {
      await promise
      noted.push(entry)
    }
  }
  outbox = new Outbox({
    store,
    doc: () => doc,
    isSealed: () => false,
    lastMessage: () => null,
    isOnline: () => online,
    isSynced: () => true,
    holdUntil: noted => {
      holds++
      void noted.then(() => holds--)
    },
    outcomeOf: () => Promise.resolve(null),
    changed: () => {},
    after: new ManualTime().after
  })
  outbox.met('epoch a')
})

it('a request that another tab put into the document is held back until it is noted where it goes', async () => {
  putRequest(doc, id, hello)
  outbox.takeIn()
  expect(holds).toBe(1)
  write()
  await settle()
  expect(holds).toBe(0)
  expect(noted).toMatchObject([{ id, request: hello, askedIn: 'epoch a' }])
})

it('it stays noted as sent when its tab hands it in after the connection was lost', async () => {
  putRequest(doc, id, hello)
  outbox.takeIn()
  online = false
  write()
  await outbox.adopt({ id, request: hello, stored: false, refusal: null, askedIn: null })
  expect(outbox.get(id)).toMatchObject({ askedIn: 'epoch a' })
  expect(noted.every(({ askedIn }) => askedIn === 'epoch a')).toBe(true)
})

it('without a connection it is noted as sent nowhere', async () => {
  online = false
  putRequest(doc, id, hello)
  outbox.takeIn()
  write()
  await settle()
  expect(noted).toMatchObject([{ id, askedIn: null }])
})

it('what was let go of is not taken in again', async () => {
  putRequest(doc, id, hello)
  outbox.takeIn()
  void outbox.forget(id)
  outbox.takeIn()
  write()
  await settle()
  expect(outbox.all).toEqual([])
})
