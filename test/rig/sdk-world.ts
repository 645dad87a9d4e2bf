/** People with devices: SDK clients of the real server, each under a name of its own, in one conversation. Needs `fake-indexeddb/auto`. */
import { openConversation } from '../../client/sync/conversation.ts'
import type { Conversation, ConversationOptions } from '../../client/sync/conversation.ts'
import { openDeviceStore } from '../../client/sync/store/indexeddb.ts'
import type { DeviceStore } from '../../client/sync/store/indexeddb.ts'
import { setMember } from '../../server/directory/membership.ts'
import { createNoIdentity } from '../../server/identity/none.ts'
import type { Identity } from '../../server/identity/port.ts'
import { conversationName, parseUserId } from '../../shared/ids.ts'
import type { UserId } from '../../shared/ids.ts'
import type { Role } from '../../shared/wire/frame.ts'
import { newConversationId } from './conversation.ts'
import { startInProcess } from './in-process.ts'
import type { InProcessServer } from './in-process.ts'
import { until } from './until.ts'

export interface SdkWorld {
  server: InProcessServer
  /** A new conversation with these members; the first one owns it. */
  converse(...members: string[]): Promise<void>
  setRole(person: string, role: Role): Promise<void>
  remove(person: string): Promise<void>
  /** What a browser with this person's cookie connects by. */
  socketOf(person: string): typeof WebSocket
  /** A page of the person on a device of this name; the same name is the same storage. It is closed with the conversation. */
  open(person: string, device?: string, options?: Partial<ConversationOptions>): Conversation
  /** Closes all pages. */
  closePages(): Promise<void>
  close(): Promise<void>
}

export const createSdkWorld = async (): Promise<SdkWorld> => {
  const server = await startInProcess({ identity: byCookie })
  let name = conversationName(newConversationId())!
  const pages: Conversation[] = []
  const devices = new Map<string, DeviceStore>()
  const storeOf = (person: string, device: string): DeviceStore => {
    const key = `${person} on ${device} in ${name}`
    const store = devices.get(key) ?? openDeviceStore({ userId: key })
    devices.set(key, store)
    return store
  }
  const closePages = async (): Promise<void> => {
    await Promise.all(pages.splice(0).map(page => page.close()))
  }
  const setRole = async (person: string, role: Role): Promise<void> =>
    void await server.directory.change(name, setMember({ id: idOf(person), role, name: person }))
  return {
    server,
    setRole,
    socketOf,
    remove: async person => {
      await server.directory.change(name, ({ members }) => ({ members: new Map([...members].filter(([id]) => id !== idOf(person))) }))
    },
    closePages,
    converse: async (owner = 'ada', ...others) => {
      await closePages()
      name = conversationName(newConversationId())!
      await server.directory.create(name, { kind: 'user', id: idOf(owner), name: owner }, Date.now())
      for (const other of others) await setRole(other, 'editor')
    },
    open: (person, device = 'laptop', options = {}) => {
      const store = storeOf(person, device).document(name)
      const page = openConversation({
        name, url: server.syncUrl, store, userId: person, userName: person, WebSocket: socketOf(person), ...options
      })
      pages.push(page)
      return page
    },
    close: async () => {
      await closePages()
      await Promise.all([...devices.values()].map(device => device.close()))
      await server.close()
    }
  }
}

/** All that this page wrote is on the server's disk, and the page has what was there when it connected. */
export const settled = (page: Conversation): Promise<unknown> =>
  until('all is on the server', () => page.view().synced && page.view().pending === 0 && !page.hasUnsaved)

const byCookie: Identity = {
  ...createNoIdentity(),
  authenticate: async ({ cookie = '' }) => {
    const id = parseUserId(cookie.replace(/^person=/, ''))
    return id && { kind: 'user', id, name: id }
  }
}

const idOf = (person: string): UserId => parseUserId(person)!

/** Node's WebSocket sends headers; a browser's sends the cookie by itself. */
const socketOf = (person: string): typeof WebSocket => class extends WebSocket {
  constructor(url: string | URL, protocols: string | string[] = []) {
    const init = { protocols: [protocols].flat(), headers: { cookie: `person=${person}` } }
    super(url, init as never)
  }
}
