/** `/api/conversations`: list, create, delete, read messages. */
import { Hono } from 'hono'
import type { ConversationListItem, MessagePage } from '../../shared/api/schemas.ts'
import { listQuery, messagesQuery, newConversation, PAGE_SIZE } from '../../shared/api/schemas.ts'
import { readMessages, readMeta } from '../../shared/conversation/read.ts'
import { SkeinError } from '../../shared/errors.ts'
import type { DocumentName, MessageId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Directory } from '../directory/port.ts'
import type { Rooms } from '../room/port.ts'
import type { Gatekeeper } from './access.ts'
import { signedIn } from './context.ts'
import type { SignedIn } from './context.ts'
import type { ConversationListing } from './conversation-list.ts'
import type { Feed } from './feed.ts'
import type { Identity } from '../identity/port.ts'
import { readBody, readQuery } from './validation.ts'

export interface ConversationsOptions {
  identity: Identity
  gatekeeper: Gatekeeper
  list: ConversationListing
  rooms: Rooms
  feed: Feed
  directory: Pick<Directory, 'remove'>
  erase: (name: DocumentName) => Promise<void>
  newId: () => string
  /** Milliseconds since 1970. */
  now: () => number
}

export const conversationRoutes = (options: ConversationsOptions): Hono<SignedIn> => {
  const { identity, directory, gatekeeper, list, rooms, feed, erase, newId, now } = options
  const app = new Hono<SignedIn>()
  const known = signedIn(identity)

  app.get('/', known, async c => {
    const { before, limit } = readQuery(c, listQuery)
    return c.json(await list.page(c.var.principal, before, limit))
  })

  app.post('/', known, async c => {
    const { id, title } = await readBody(c, newConversation)
    const { name, entry, role } = await gatekeeper.create(id ?? newId(), c.var.principal)
    if (title && role !== 'viewer') await nameOnce(rooms, name, c.var.principal, title)
    void feed.announce(name)
    const item: ConversationListItem = await list.item({ name, role, createdAt: entry.createdAt })
    return c.json(item, 201)
  })

  app.delete('/:id', known, async c => {
    const { name, role } = await gatekeeper.enter(c.req.param('id'), c.var.principal)
    if (role !== 'owner') throw new SkeinError('not-allowed', 'Only the owner of the conversation may delete it, so nothing was changed.')
    // The tombstone first: from here on nobody comes in, and what a crash leaves is erased at the next start.
    await directory.remove(name, now())
    await erase(name)
    void feed.announce(name)
    return c.body(null, 204)
  })

  app.get('/:id/messages', known, async c => {
    const { name } = await gatekeeper.enter(c.req.param('id'), c.var.principal)
    const { after, limit } = readQuery(c, messagesQuery)
    return c.json(await messagesAfter(rooms, name, after, limit))
  })

  return app
}

/** Gives a conversation its title unless it has one: asking twice for the same conversation must not undo a later renaming. */
const nameOnce = (rooms: Rooms, name: DocumentName, principal: Principal, title: string): Promise<void> =>
  rooms.use(name, async room => {
    if (await room.read(doc => readMeta(doc).title)) return
    await room.write(principal.id, writer => writer.setMeta('title', title))
  })

const messagesAfter = (rooms: Rooms, name: DocumentName, after: MessageId | undefined, limit = PAGE_SIZE): Promise<MessagePage> =>
  rooms.use(name, room => room.read(doc => {
    const all = readMessages(doc)
    const start = after === undefined ? 0 : all.findIndex(message => message.id === after) + 1
    if (after !== undefined && start === 0) throw new SkeinError('target-unknown', 'The message of `after` is not in the conversation; read from the start.')
    const messages = all.slice(start, start + limit)
    return { messages, next: start + limit < all.length ? messages.at(-1)!.id : null }
  }))
