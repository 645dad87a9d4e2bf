/** Taking: each request once, with one outcome, whoever brings it and however often. */
import { describe, expect, it } from 'vitest'
import { readRuns } from '../../shared/conversation/read.ts'
import type { Request } from '../../shared/conversation/schema.ts'
import { proposeRedact, proposeSend, putRequest } from '../../shared/conversation/write.ts'
import { messageIdOf } from '../../shared/ids.ts'
import type { AgentId, MessageId, RequestId, UserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import { messageTexts, newRequestId } from '../../test/rig/conversation.ts'
import { ada, bob, conversation } from '../../test/rig/taking.ts'
import { TransactionWriter } from './conversation-writer.ts'
import { MessageIndex } from './message-index.ts'
import { takeRequests } from './take.ts'

describe('the ledger\'s digest of what was asked for', () => {
  it('is of an accepted request, whenever it was written and in whatever order, and goes when the message is taken out', () => {
    const { say, ask, entry } = conversation()
    const parts = [{ type: 'data-x', a: 1, b: { c: 2, d: 3 } }, { type: 'text', text: 'Hello' }] as const
    const first = ask(proposeSend({ parts: [...parts], parentId: null, to: [] }, 500)).id
    const second = ask({ createdAt: 900, message: { to: [], parentId: null, parts: [{ b: { d: 3, c: 2 }, a: 1, type: 'data-x' }, parts[1]] }, type: 'send' }).id
    const other = say('Hello', ada, null, { to: [] })
    const [a, b, c] = [first, second, other as string as RequestId].map(id => entry(id)?.content)
    expect(a).toMatch(/^[\w-]{16}$/)
    expect([b === a, c === a]).toEqual([true, false])
    expect(entry(ask(proposeSend({ parts: [], parentId: null, to: ['nobody' as AgentId] }, 500)).id)?.content).toBeUndefined()
    const before = entry(first)
    ask(proposeRedact(messageIdOf(first), 500))
    const { content: _, ...rest } = before!
    expect(entry(first)).toEqual(rest)
  })
})

describe('taking', () => {
  it('takes several requests of one update in the order of their ids', () => {
    const { doc, take } = conversation()
    const [first, second] = [newRequestId(), newRequestId()]
    const send = (text: string, parentId: MessageId | null) => proposeSend({ parts: [{ type: 'text', text }], parentId, to: [] }, 1)
    take([[second, send('second', first as string as MessageId)], [first, send('first', null)]])
    expect(messageTexts(doc)).toEqual(['first', 'second'])
  })

  it('has one effect however often the same id arrives, and answers with the first outcome', () => {
    const { doc, take } = conversation()
    const id = newRequestId()
    const request = proposeSend({ parts: [{ type: 'text', text: 'once' }], parentId: null }, 1)
    expect(take([[id, request]])).toEqual(take([[id, request]]))
    expect(messageTexts(doc)).toEqual(['once'])
    expect(readRuns(doc).length).toBe(1)
  })

  it('tells the outcome to a second device whose copy of the request lost in the map', () => {
    const { take, doc } = conversation()
    const id = newRequestId()
    const request = proposeSend({ parts: [{ type: 'text', text: 'once' }], parentId: null }, 1)
    const [first] = take([[id, request]])
    const writer = new TransactionWriter(doc, { generation: 1, message: 11, transient: 12 }, new MessageIndex([]))
    const lost = takeRequests(writer, [id, newRequestId()], {
      principal: ada, role: 'owner', now: 1, agents: { defaultAgent: null, nameOf: () => undefined, all: [] }, mayAsk: () => true,
      taken: known => known === id ? { requestId: id, outcome: { status: 'accepted' }, principal: ada.id, at: 1 } : undefined
    })
    expect(lost).toEqual([first])
  })

  it('refuses an id that somebody else used', () => {
    const { ask } = conversation()
    const id = newRequestId()
    const request = proposeSend({ parts: [{ type: 'text', text: 'mine' }], parentId: null }, 1)
    ask(request, ada, 'owner', id)
    expect(ask(request, bob, 'editor', id)).toMatchObject({ status: 'refused', code: 'id-conflict' })
  })

  it('refuses what exceeds the person\'s hour, and still knows what was taken before', () => {
    const { take, ask, spendAll, doc } = conversation()
    const id = newRequestId()
    const request = proposeSend({ parts: [{ type: 'text', text: 'in time' }], parentId: null, to: [] }, 1)
    const first = take([[id, request]])
    spendAll()
    expect(ask(request)).toMatchObject({ status: 'refused', code: 'rate-limited' })
    expect(take([[id, request]])).toEqual(first)
    expect(messageTexts(doc)).toEqual(['in time'])
  })

  it('empties the outbox of keys that are no ids and of values that are no requests', () => {
    const { take } = conversation()
    const id = newRequestId()
    expect(take([['not-an-id', { type: 'send' }], [id, { type: 'send', parts: 'none' }]])).toMatchObject([{ requestId: id, outcome: { status: 'refused', code: 'invalid-request' } }])
  })
})

describe('whoever was a guest', () => {
  const account: Principal = { ...bob, aliases: [ada.id] }

  it('changes, takes out and asks again what the guest wrote, and the guest alone does not speak for the account', () => {
    const { say, ask, messages } = conversation()
    const [byGuest, byAccount] = [say('as a guest', ada, null, { to: [] }), say('as Bob', account, null, { to: [] })]
    const edit = (id: MessageId, by: Principal) =>
      ask(proposeSend({ parts: [{ type: 'text', text: 'better' }], parentId: null, replaces: id, to: [] }, 1), by, 'editor')
    expect(edit(byGuest, account)).toMatchObject({ status: 'accepted' })
    expect(edit(byAccount, ada)).toMatchObject({ code: 'not-author' })
    expect(ask(proposeRedact(byAccount, 1), ada, 'editor')).toMatchObject({ code: 'not-author' })
    expect(ask(proposeRedact(byGuest, 1), account, 'editor')).toMatchObject({ status: 'accepted' })
    expect(messages.get(byGuest)).toBeUndefined()
  })

  it('is told what became of the guest\'s requests', () => {
    const { ask } = conversation()
    const request = proposeSend({ parts: [{ type: 'text', text: 'once' }], parentId: null, to: [] }, 1)
    const { id } = ask(request, ada)
    expect(ask(request, account, 'owner', id)).toMatchObject({ status: 'accepted' })
    expect(ask(request, { ...bob, id: 'eve' as UserId }, 'owner', id)).toMatchObject({ code: 'id-conflict' })
  })

  it('reacts once, whichever of their ids did so first', () => {
    const { say, ask, doc } = conversation()
    const id = say('Hello', ada, null, { to: [] })
    const react = (by: Principal, on: boolean) => ask({ type: 'react', messageId: id, kind: 'thumbs-up', on, createdAt: 1 } as Request, by)
    react(ada, true)
    react(account, true)
    expect([...doc.getMap('reactions').keys()]).toEqual([`${id} bob thumbs-up`])
    react(ada, true)
    react(account, false)
    expect(doc.getMap('reactions').size).toBe(0)
  })
})

describe('taking from a map in which very many requests were', () => {
  it('looks only at the keys that were touched', () => {
    const { doc, write, take } = conversation()
    const request = proposeSend({ parts: [{ type: 'text', text: 'one' }], parentId: null }, 500)
    for (let n = 0; n < 50; n++) take([[newRequestId(), request]])
    const [touched, other] = [newRequestId(), newRequestId()]
    write(writer => {
      for (const id of [touched, other]) putRequest(doc, id, request)
      Object.assign(writer.roots.requests, { keys: () => { throw new Error('all keys were looked at') } })
      const agents = { defaultAgent: null, nameOf: () => undefined, all: [] }
      const taken = takeRequests(writer, [touched], { principal: ada, role: 'owner', now: 1, taken: () => undefined, agents, mayAsk: () => true }, [touched])
      expect(taken.map(({ requestId }) => requestId)).toEqual([touched])
    })
    expect([...doc.getMap('requests')._map.keys()].filter(key => doc.getMap('requests').has(key))).toEqual([other])
  })
})
