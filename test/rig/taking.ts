/** A conversation on the server, without the gate and the log: requests are put into it and taken at once. */
import { expect } from 'vitest'
import * as Y from 'yjs'
import { TransactionWriter } from '../../server/room/conversation-writer.ts'
import { MessageIndex } from '../../server/room/message-index.ts'
import { takeRequests } from '../../server/room/take.ts'
import type { Taken } from '../../server/room/take.ts'
import type { LedgerEntry } from '../../server/log/port.ts'
import type { Request } from '../../shared/conversation/schema.ts'
import { proposeSend, putRequest } from '../../shared/conversation/write.ts'
import type { AgentId, MessageId, RequestId, UserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Role } from '../../shared/wire/frame.ts'
import { newRequestId } from './conversation.ts'

export const bot = 'echo' as AgentId
const all = [{ id: bot, name: 'Echo' }, { id: 'oracle' as AgentId, name: 'The Oracle' }]
export const ada: Principal = { kind: 'user', id: 'ada' as UserId, name: 'Ada' }
export const bob: Principal = { kind: 'user', id: 'bob' as UserId, name: 'Bob' }

export const conversation = () => {
  const doc = new Y.Doc()
  const messages = new MessageIndex([])
  const ledger = new Map<RequestId, LedgerEntry>()
  let now = 1000
  let mayAsk = true
  const write = (change: (writer: TransactionWriter) => void): TransactionWriter => {
    const writer = new TransactionWriter(doc, { generation: 1, message: 11, transient: 12 }, messages)
    doc.clientID = 12
    doc.transact(() => change(writer))
    return writer
  }
  const take = (requests: [RequestId | string, Request | unknown][], principal = ada, role: Role = 'owner'): Taken[] => {
    let taken: Taken[] = []
    write(writer => {
      for (const [id, request] of requests) putRequest(doc, id as RequestId, request as Request)
      const agents = { defaultAgent: bot, nameOf: (id: AgentId) => all.find(agent => agent.id === id)?.name, all }
      const context = { principal, role, now: now++, taken: (id: RequestId) => ledger.get(id), agents, mayAsk: () => mayAsk }
      taken = takeRequests(writer, requests.map(([id]) => id), context)
      for (const entry of writer.ledger) ledger.set(entry.requestId, entry)
    })
    expect(doc.getMap('requests').size).toBe(0)
    return taken
  }
  const ask = (request: unknown, principal = ada, role: Role = 'owner', id = newRequestId()) => ({ id, ...take([[id, request]], principal, role)[0]!.outcome })
  const say = (text: string, principal = ada, parentId: MessageId | null = null, extra = {}) =>
    ask(proposeSend({ parts: [{ type: 'text', text }], parentId, ...extra }, 500), principal).id as string as MessageId
  const spendAll = (): void => { mayAsk = false }
  const entry = (id: RequestId): LedgerEntry | undefined => ledger.get(id)
  return { spendAll, doc, take, ask, say, write, messages, entry }
}
