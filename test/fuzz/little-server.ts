/** A server that is nothing but the gate around a document: what the tests of the gate speak to. */
import * as Y from 'yjs'
import { applyClientUpdate } from '../../server/gate/apply.ts'
import { audit } from '../../server/gate/audit.ts'
import { judge } from '../../server/gate/judge.ts'
import { scan } from '../../server/gate/scan.ts'
import type { ClientOwner, Judged, Verdict } from '../../server/gate/verdict.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import type { UserId } from '../../shared/ids.ts'
import type { Role } from '../../shared/wire/frame.ts'

export interface Sender {
  id: UserId
  role: Role
}

export const person = (id: string, role: Role = 'editor'): Sender => ({ id: id as UserId, role })

export class LittleServer {
  readonly doc = new Y.Doc()
  readonly kind: Judged
  /** The `update` events: what a log would hold. */
  readonly records: Uint8Array[] = []
  readonly owners = new Map<number, ClientOwner>()
  /** Milliseconds that the slowest decision took, application included. */
  slowest = 0

  constructor(kind: Judged) {
    this.kind = kind
    if (kind === 'conversation') openRoots(this.doc)
    this.owners.set(this.doc.clientID, { kind: 'server' })
    this.doc.on('update', (update: Uint8Array) => this.records.push(update))
  }

  /** Scan, judge and, when the verdict is to accept, apply, audit and take. Whatever throws after the verdict is the gate's fault. */
  receive(bytes: Uint8Array, sender: Sender): Verdict {
    const start = performance.now()
    const verdict = this.judge(bytes, sender)
    if (verdict.kind === 'accept') this.#apply(bytes, verdict, sender)
    this.slowest = Math.max(this.slowest, performance.now() - start)
    return verdict
  }

  judge(bytes: Uint8Array, { id, role }: Sender): Verdict {
    const scanned = scan(bytes, this.kind)
    if (!scanned.ok) return { kind: 'refuse', code: scanned.code, reason: scanned.reason }
    return judge(scanned.decoded, { kind: this.kind, doc: this.doc, principal: id, role, ownerOf: client => this.owners.get(client) })
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
