/** Devices that come back to a server whose document began anew meanwhile: nothing doubles, nothing comes back, nothing unsent is lost. */
import 'fake-indexeddb/auto'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createApi } from './api.ts'
import { openConversation } from './conversation.ts'
import type { Conversation, ConversationOptions } from './conversation.ts'
import { openDeviceStore } from './store/indexeddb.ts'
import type { DeviceStore } from './store/indexeddb.ts'
import { textOf } from '../../shared/conversation/read.ts'
import { conversationName } from '../../shared/ids.ts'
import type { AgentId, DocumentName } from '../../shared/ids.ts'
import { squashLimits } from '../../server/room/squash.ts'
import { newConversationId } from '../../test/rig/conversation.ts'
import { startInProcess } from '../../test/rig/in-process.ts'
import type { InProcessOptions, InProcessServer } from '../../test/rig/in-process.ts'
import { temporaryFolder } from '../../test/rig/server-process.ts'
import { until } from '../../test/rig/until.ts'

const squashAlways = { ...squashLimits, clients: 0 }
const nobody = { to: [] as AgentId[] }

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let server: InProcessServer
let data: string
let id: string
let name: DocumentName
let users = 0
let opened: Conversation[] = []
let devices: DeviceStore[] = []

const stop = async (): Promise<void> => {
  await server.close()
}
/** On the same port, so that devices find it. */
const startAgain = async (options: InProcessOptions = {}): Promise<void> => {
  server = await startInProcess({ dataFolder: data, port: server.port, ...options })
}
const device = (user: string): DeviceStore => {
  const store = openDeviceStore({ userId: user })
  devices.push(store)
  return store
}
const open = (on: DeviceStore, options: Partial<ConversationOptions> = {}): Conversation => {
  const store = on.document(name)
  const conversation = openConversation({ name, url: server.syncUrl, store, userId: 'local', userName: 'Local', ...options })
  opened.push(conversation)
  return conversation
}
const freshUser = (): string => `epochs-${++users}`
const texts = (conversation: Conversation): string[] => conversation.view().messages.map(({ message }) => textOf(message.parts))
const deliveries = (conversation: Conversation): string[] => conversation.view().messages.map(({ delivery }) => delivery.state)
const answered = (conversation: Conversation) =>
  until('all is answered', () => conversation.view().synced && conversation.view().pending === 0)

/** What a device that was never here sees. */
const onTheServer = async (): Promise<string[]> => {
  const reader = open(device(freshUser()))
  await until('it is synced', () => reader.view().synced)
  return texts(reader)
}

/** A socket that sends and, from the moment it is made deaf, hears nothing. */
let deaf = false
class DeafSocket extends WebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols)
    this.addEventListener('message', event => { if (deaf) event.stopImmediatePropagation() })
  }
}

beforeEach(async () => {
  deaf = false
  folder = await temporaryFolder()
  data = join(folder.path, 'data')
  server = await startInProcess({ dataFolder: data })
  id = newConversationId()
  name = conversationName(id)!
})

afterEach(async () => {
  await Promise.all(opened.map(conversation => conversation.close()))
  await Promise.all(devices.map(store => store.close()))
  opened = []
  devices = []
  await server.close()
  await folder.remove()
})

/** A device with two messages that everybody has and three that it wrote offline, closed, as after the browser was closed. */
const offlineDevice = async (): Promise<string> => {
  const user = freshUser()
  const store = device(user)
  const conversation = open(store)
  await conversation.send('one', nobody)
  await conversation.send('two', nobody)
  await answered(conversation)
  conversation.disconnect()
  for (const text of ['three', 'four', 'five']) await conversation.send(text, nobody)
  await conversation.close()
  await store.close()
  return user
}

const backup = async (): Promise<void> => {
  await stop()
  await cp(data, join(folder.path, 'backup'), { recursive: true })
  await startAgain()
}
const restore = async (): Promise<void> => {
  await stop()
  data = join(folder.path, 'backup')
  await startAgain({ beginNewEpochs: true })
}

describe('three messages that were written offline', () => {
  const expected = ['one', 'two', 'three', 'four', 'five']

  it('are sent once, in order, after a squash', async () => {
    const user = await offlineDevice()
    await stop()
    await startAgain({ squashAt: squashAlways })
    const back = open(device(user))
    await until('they are saved', () => deliveries(back).join() === 'saved,saved,saved,saved,saved')
    expect(texts(back)).toEqual(expected)
    expect(await onTheServer()).toEqual(expected)
  })

  it('are sent once, in order, by a page that stayed open over the squash', async () => {
    const open_ = open(device(freshUser()))
    await open_.send('one', nobody)
    await open_.send('two', nobody)
    await answered(open_)
    await stop()
    for (const text of ['three', 'four', 'five']) await open_.send(text, nobody)
    await startAgain({ squashAt: squashAlways })
    await until('they are saved', () => deliveries(open_).join() === 'saved,saved,saved,saved,saved')
    expect(texts(open_)).toEqual(expected)
    expect(await onTheServer()).toEqual(expected)
  })

  it('are sent once after an older backup was restored, and what came after it does not come back', async () => {
    const user = await offlineDevice()
    await backup()
    const other = open(device(freshUser()))
    await until('it is synced', () => other.view().synced)
    await other.send('after the backup', nobody)
    await answered(other)
    const back = open(device(user))
    back.disconnect()
    await back.ready
    await restore()
    back.connect()
    await until('they are saved', () => deliveries(back).join() === 'saved,saved,saved,saved,saved')
    expect(texts(back)).toEqual(expected)
    await until('the other device follows', () => texts(other).join() === expected.join())
    expect(await onTheServer()).toEqual(expected)
  })

  it('are sent once to a server that lost everything, and what it lost does not come back', async () => {
    const user = await offlineDevice()
    await stop()
    data = join(folder.path, 'empty')
    await startAgain()
    const back = open(device(user))
    await until('they are saved', () => deliveries(back).join() === 'saved,saved,saved')
    expect(texts(back)).toEqual(['three', 'four', 'five'])
    expect(await onTheServer()).toEqual(['three', 'four', 'five'])
  })

  it('stay readable, with the reason, when the conversation was deleted meanwhile; nothing else of it stays', async () => {
    const user = await offlineDevice()
    await createApi({ origin: server.url, memory: { getItem: () => null, setItem: () => {} } }).deleteConversation(id)
    for (let visit = 0; visit < 2; visit++) {
      const store = device(user)
      const back = open(store)
      await until('it is told', () => back.view().closedBy && back.view().loaded && texts(back).length === 3)
      expect(back.view().closedBy).toMatchObject({ code: 4410, reason: expect.stringContaining('deleted') })
      expect(texts(back)).toEqual(['three', 'four', 'five'])
      expect(back.view().messages[0]!.delivery).toMatchObject({ state: 'refused', code: 'gone' })
      expect((await store.unsent()).get(name)).toHaveLength(3)
      await back.close()
      await store.close()
      const left = await until('the old databases are gone', async () => {
        const all = await contents()
        return all.includes('"one"') ? null : all
      })
      expect(left).toContain('three')
    }
    expect(await server.log.list('')).toEqual([])
  })
})

/** Everything in every IndexedDB database, as text. */
const contents = async (): Promise<string> => {
  const names = (await indexedDB.databases()).map(({ name: found }) => found!).filter(found => found.includes(`epochs-${users}`))
  const parts = await Promise.all(names.map(async found => {
    const db = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(found)
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(new Error(`${found} does not open`))
    })
    const stores = [...db.objectStoreNames]
    const values = await Promise.all(stores.map(store => new Promise<unknown[]>(resolve => {
      const request: IDBRequest<unknown[]> = db.transaction(store).objectStore(store).getAll()
      request.onsuccess = () => resolve(request.result)
    })))
    db.close()
    return values.flat().map(value => value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : JSON.stringify(value)).join('\n')
  }))
  return parts.join('\n')
}

describe('a message that was sent and whose outcome was never heard', () => {
  /** Sent and stored at the server; the device hears nothing of it and loses its connection. */
  const sendUnheard = async (user = freshUser()): Promise<Conversation> => {
    const conversation = open(device(user), { WebSocket: DeafSocket })
    await conversation.send('one', nobody)
    await answered(conversation)
    await backup()
    await until('it is back', () => conversation.view().connection === 'online' && conversation.view().synced)
    deaf = true
    await conversation.send('did you get this?', nobody)
    await until('the server has it', async () => (await onTheServer()).length === 2)
    expect(deliveries(conversation)).toEqual(['saved', 'on-device'])
    return conversation
  }

  it('is left to the person when an older backup was restored, and is sent again by hand only', async () => {
    const conversation = await sendUnheard()
    await restore()
    deaf = false
    await until('the person is asked', () => deliveries(conversation).includes('refused'))
    expect(conversation.view().messages[1]!.delivery).toMatchObject({ code: 'outcome-unknown' })
    expect(await onTheServer()).toEqual(['one'])
    await conversation.resend(conversation.view().messages[1]!.message.id as never)
    await answered(conversation)
    expect(await onTheServer()).toEqual(['one', 'did you get this?'])
    expect(deliveries(conversation)).toEqual(['saved', 'saved'])
  })

  it('does not take with it what was written after it, offline', async () => {
    const conversation = await sendUnheard()
    await stop()
    await conversation.send('and this?', nobody)
    await startAgain()
    await restore()
    deaf = false
    await until('all is settled', () => conversation.view().pending === 0 && conversation.view().synced)
    expect(await onTheServer()).toEqual(['one', 'and this?'])
    expect(texts(conversation)).toEqual(['one', 'and this?', 'did you get this?'])
    expect(deliveries(conversation)).toEqual(['saved', 'saved', 'refused'])
  })

  it('is still left to the person when the page was closed before it came back', async () => {
    const user = freshUser()
    const conversation = await sendUnheard(user)
    await conversation.close()
    await restore()
    deaf = false
    const again = open(device(user))
    await until('the person is asked', () => deliveries(again).includes('refused'))
    expect(again.view().messages[1]!.delivery).toMatchObject({ code: 'outcome-unknown' })
    await again.close()
    expect(await onTheServer()).toEqual(['one'])
  })

  it('is found in the document after a squash, once', async () => {
    const conversation = await sendUnheard()
    await stop()
    await startAgain({ squashAt: squashAlways })
    deaf = false
    await until('it is saved', () => deliveries(conversation).join() === 'saved,saved')
    expect(await onTheServer()).toEqual(['one', 'did you get this?'])
  })

  it('that is no message is asked for at the ledger, which survives a squash', async () => {
    const conversation = await sendUnheard()
    const retitled = conversation.setMeta('title', 'A new title')
    await until('the server has it', async () => {
      const reader = open(device(freshUser()))
      await until('it is synced', () => reader.view().synced)
      return reader.view().title === 'A new title'
    })
    await retitled
    await stop()
    await startAgain({ squashAt: squashAlways })
    deaf = false
    await answered(conversation)
    expect(conversation.view()).toMatchObject({ title: 'A new title', refused: [] })
  })

  it('and that the server never got is sent by itself after a squash, since nothing was lost', async () => {
    const conversation = open(device(freshUser()))
    await conversation.send('one', nobody)
    await answered(conversation)
    server.failNextWrite('before')
    const stopped = new Promise(resolve => { conversation.subscribe(() => { if (conversation.view().connection !== 'online') resolve(null) }) })
    await conversation.send('did you get this?', nobody)
    await stopped
    await stop()
    await startAgain({ squashAt: squashAlways })
    await until('it is saved', () => deliveries(conversation).join() === 'saved,saved')
    expect(await onTheServer()).toEqual(['one', 'did you get this?'])
  })

  /** A device whose message was sent to a server of another lineage, which did not answer. */
  const withOneSentElsewhere = async (): Promise<DeviceStore> => {
    const store = device(freshUser())
    const conversation = open(store)
    await conversation.send('one', nobody)
    await answered(conversation)
    await conversation.close()
    const request = { type: 'send' as const, createdAt: 1, message: { parts: [{ type: 'text' as const, text: 'lost' }], parentId: null } }
    const side = store.document(name)
    await side.putOutbox({ id: newConversationId() as never, request, stored: true, refusal: null, askedIn: 'another epoch' })
    await side.close()
    return store
  }
  const refused = { status: 'refused', code: 'message-empty', reason: 'Said before.' } as const

  it('is asked about again when the server could not be asked', async () => {
    let asked = 0
    const again = open(await withOneSentElsewhere(), { outcomeOf: async () => {
      asked++
      if (asked === 1) throw new Error('no network')
      return refused
    } })
    await until('it was asked', () => asked === 1)
    expect(deliveries(again)).toEqual(['saved', 'on-device'])
    await until('the answer is shown', () => deliveries(again).includes('refused'))
    expect(again.view().messages[1]!.delivery).toMatchObject({ code: 'message-empty' })
    expect(await onTheServer()).toEqual(['one'])
  })

  it('is asked about again when the server begins anew before it has answered', async () => {
    const store = await withOneSentElsewhere()
    await backup()
    const first = Promise.withResolvers<null>()
    let asked = 0
    const again = open(store, { outcomeOf: () => ++asked === 1 ? first.promise : Promise.resolve(refused) })
    await until('it was asked', () => asked === 1)
    await restore()
    await until('it was asked again', () => asked === 2)
    first.resolve(null)
    await until('the answer is shown', () => deliveries(again).includes('refused'))
    expect(again.view().messages[1]!.delivery).toMatchObject({ code: 'message-empty' })
  })
})

it('a first message whose server died before it was stored is sent by itself when the server is back: nothing began anew', async () => {
  const conversation = open(device(freshUser()))
  await until('it is synced', () => conversation.view().synced)
  await stop()
  await conversation.send('hello', nobody)
  await startAgain()
  await until('it is saved', () => deliveries(conversation).join() === 'saved')
  server.failNextWrite('before')
  await conversation.send('and again', nobody)
  await until('it is saved', () => deliveries(conversation).join() === 'saved,saved')
  expect(await onTheServer()).toEqual(['hello', 'and again'])
})
