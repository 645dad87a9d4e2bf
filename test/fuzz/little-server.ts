/** A server that is nothing but the gate around a document: what the tests of the gate speak to. */
import * as Y from 'yjs'
import { applyClientUpdate } from '../../server/gate/apply.ts'
import { audit } from '../../server/gate/audit.ts'
import { judge } from '../../server/gate/judge.ts'
import { scan } from '../../server/gate/scan.ts'
import type { ClientOwner, Judged, Verdict } from '../../server/gate/verdict.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/ids.ts'
import type { Role } from '../../shared/wire/frame.ts'

export interface Sender {
  id: UserId
  /** Other ids that count as the sender's. */
  aliases?: readonly UserId[]
  role: Role
}

export const person = (id: string, role: Role = 'editor'): Sender => ({ id: id as UserId, role })

export class LittleServer {
  readonly doc = new Y.Doc()
  readonly kind: Judged
  /** The `update` events: what a log would hold. */
  readonly records: Uint8Array[] = []
  readonly owners = new Map<number, ClientOwner>()
  constructor(kind: Judged) {
    this.kind = kind
    // The same in every run, since the order of clients decides where things stand.
    this.doc.clientID = 11
    if (kind === 'conversation') openRoots(this.doc)
    this.owners.set(this.doc.clientID, { kind: 'server' })
    this.doc.on('update', (update: Uint8Array) => this.records.push(update))
  }

  /** Scan, judge and, when the verdict is to accept, apply, audit and take. Whatever throws after the verdict is the gate's fault. */
  receive(bytes: Uint8Array, sender: Sender): Verdict {
    const { verdict, bytes: canonical } = this.#decide(bytes, sender)
    if (verdict.kind === 'accept') this.#apply(canonical, verdict, sender)
    return verdict
  }

  judge(bytes: Uint8Array, sender: Sender): Verdict {
    return this.#decide(bytes, sender).verdict
  }

  #decide(bytes: Uint8Array, { id, aliases, role }: Sender): { verdict: Verdict, bytes: Uint8Array } {
    const scanned = scan(bytes, this.kind, client => Y.getState(this.doc.store, client))
    if (!scanned.ok) return { verdict: { kind: 'refuse', code: scanned.code, reason: scanned.reason }, bytes }
    const context = { kind: this.kind, doc: this.doc, principal: id, aliases, role, ownerOf: (client: number) => this.owners.get(client) }
    const verdict = judge(scanned, context)
    // As the write path does, before anything is applied.
    if (verdict.kind === 'accept' && verdict.requestIds.length > limits.requestsPerUpdate) {
      return { verdict: { kind: 'refuse', code: 'too-large', reason: 'The update has too many requests.' }, bytes: scanned.bytes }
    }
    return { verdict, bytes: scanned.bytes }
  }

  /** A server with the same document as this one had after so many records. */
  rebuilt(records: number, owners: ReadonlyMap<number, ClientOwner>): LittleServer {
    const server = new LittleServer(this.kind)
    server.doc.clientID = this.doc.clientID
    for (const record of this.records.slice(0, records)) {
      server.doc.transact(transaction => applyClientUpdate(transaction, server.doc, new Uint8Array(record)))
    }
    for (const [client, owner] of owners) server.owners.set(client, owner)
    return server
  }

  /** Writes as the server. */
  write(change: () => void): void {
    this.doc.transact(change)
  }

  #apply(bytes: Uint8Array, verdict: Extract<Verdict, { kind: 'accept' }>, { id }: Sender): void {
    this.doc.transact(transaction => {
      applyClientUpdate(transaction, this.doc, bytes)
      audit(transaction, verdict)
      if (this.kind === 'conversation') this.#take(verdict.requestIds)
    })
    for (const client of verdict.newClients) this.owners.set(client, { kind: 'principal', id })
  }

  /** Every living request becomes a message and leaves the outbox. */
  #take(requestIds: readonly string[]): void {
    const { messages, requests } = openRoots(this.doc)
    for (const id of requestIds) {
      const request = requests.get(id)
      if (request !== undefined) messages.push([{ id, request } as never])
      requests.delete(id)
    }
  }
}
