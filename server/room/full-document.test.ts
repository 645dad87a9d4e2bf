/** What a document still takes that is as large as it may be, and that the reserve for it has an end. */
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { openRoots } from '../../shared/conversation/document.ts'
import { proposeRedact, proposeStop, putRequest } from '../../shared/conversation/write.ts'
import type { Request } from '../../shared/conversation/schema.ts'
import { messageIdOf } from '../../shared/ids.ts'
import type { AgentId, MessageId, RequestId, RunId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Role } from '../../shared/wire/frame.ts'
import { newRequestId, say as sayIn } from '../../test/rig/conversation.ts'
import { settle } from '../../test/rig/manual-time.ts'
import { closeWorlds, talk, world } from '../../test/rig/rooms-world.ts'
import { ada, bob, conversation } from '../../test/rig/taking.ts'
import { deriveRun } from './derive-run.ts'
import { hasRoomFor, isGrowing } from './full-document.ts'

afterEach(closeWorlds)

const RESERVE_ENDS = limits.documentStructs + limits.endingStructs

interface Asks {
  principal?: Principal
  role?: Role
  known?: RequestId[]
  mayAsk?: (count: number) => boolean
}

/** Messages of Ada's, a reply that goes on, and whether there is room for what somebody asks, in a document of so many structs by then. */
const full = () => {
  const { doc, messages, say, write } = conversation()
  const mine = [say('one'), say('two')] as [MessageId, MessageId]
  const run = deriveRun({ requestId: newRequestId(), messageId: mine[0], agentId: 'slow' as AgentId, askedBy: ada.id, at: 1 })
  write(writer => writer.setRun(run))
  const document = { kind: 'conversation' as const, doc, messages }
  const hasRoom = (structs: number, requests: readonly Request[], asks: Asks = {}) => {
    const { principal = ada, role = 'editor', known = [], mayAsk = () => true } = asks
    const outbox = new Y.Doc()
    const ids = requests.map((_, n) => known[n] ?? newRequestId())
    requests.forEach((request, n) => putRequest(outbox, ids[n]!, request))
    const asker = { principal, role, known: new Map(known.map(id => [id, {} as never])), mayAsk }
    return hasRoomFor(document, { decoded: Y.decodeUpdate(Y.encodeStateAsUpdate(outbox)) }, asker, { structs, added: requests.length })
  }
  return { document, mine, run: run.id, hasRoom }
}

const redact = (id: MessageId): Request => proposeRedact(id, 1)
const stop = (id: RunId): Request => proposeStop(id, 1)
const nothing = [stop('no such run' as RunId), redact(messageIdOf(newRequestId()))]

describe('a full document', () => {
  it('is grown by nobody, whatever else the update brings', () => {
    const { hasRoom, mine } = full()
    const more: Request = { type: 'set-meta', createdAt: 1, key: 'title', value: 'more' }
    expect([hasRoom(limits.documentStructs, [more]), hasRoom(limits.documentStructs + 1, [more])]).toEqual([true, false])
    expect(hasRoom(limits.documentStructs + 1, [redact(mine[0]), more])).toBe(false)
  })

  it('has a reserve for what ends nothing (any more), and for tombstones', () => {
    const { hasRoom, document } = full()
    for (const request of nothing) expect([hasRoom(RESERVE_ENDS, [request]), hasRoom(RESERVE_ENDS + 1, [request])]).toEqual([true, false])
    const taken = new Y.Doc()
    openRoots(taken).requests.delete(sayIn(taken, 'not after all', { to: [], parentId: null }))
    expect(isGrowing(document, { decoded: Y.decodeUpdate(Y.encodeStateAsUpdate(taken)) })).toBe(false)
  })
})

describe('past the reserve', () => {
  const past = RESERVE_ENDS + 1000

  it('messages are taken out and replies are stopped, as many as there are', () => {
    const { hasRoom, mine, run } = full()
    expect([hasRoom(past, [redact(mine[0])]), hasRoom(past, [stop(run)]), hasRoom(past, [redact(mine[0]), redact(mine[1]), stop(run)])])
      .toEqual([true, true, true])
    expect(hasRoom(past, [redact(mine[0]), redact(mine[0])])).toBe(false)
    expect(hasRoom(past, [redact(mine[0]), nothing[0]!])).toBe(false)
  })

  it('only who may, and is listened to: else the request would stay and end nothing', () => {
    const { hasRoom, mine } = full()
    const asked = [redact(mine[0])]
    expect([hasRoom(past, asked, { principal: bob }), hasRoom(past, asked, { principal: bob, role: 'owner' })]).toEqual([false, true])
    expect(hasRoom(past, asked, { role: 'viewer' })).toBe(false)
    expect(hasRoom(past, asked, { known: [newRequestId()] })).toBe(false)
    expect(hasRoom(past, asked, { mayAsk: () => false })).toBe(false)
  })

  it('a room does so', async () => {
    const over = world()
    const page = await over.enter()
    await page.join()
    const id = messageIdOf(sayIn(page.doc, 'mine', { to: [], parentId: null }))
    await settle()
    await over.rooms.use(talk, room => room.write('test', ({ doc }) => {
      for (let n = 0; n < past; n++) openRoots(doc).reactions.set(`${n}`, n)
    }))
    putRequest(page.doc, newRequestId(), redact(id))
    await settle()
    expect([page.refusedBy, page.texts]).toEqual([null, []])
    putRequest(page.doc, newRequestId(), redact(id))
    await settle()
    expect(page.refusedBy).toBe('too-large')
  })
})
