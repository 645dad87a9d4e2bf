/** On which connections something was sent, and in which role that connection was let in: whether its sender may write there. */
import * as Y from 'yjs'
import { proposalsIn } from '../../server/room/proposals.ts'
import type { LogRecord } from '../../server/log/port.ts'
import type { UserId } from '../../shared/ids.ts'
import type { Role } from '../../shared/wire/frame.ts'

interface Connection {
  /** Null: it was not let in yet. */
  readonly role: Role | null
}

export class Senders {
  /** Of requests, by person and id. */
  readonly #requests = new Map<string, Connection[]>()
  /** Of structs, by client: those of these clocks, the end not included. */
  readonly #structs = new Map<number, { from: number, to: number, connection: Connection }[]>()

  note(by: UserId, update: Uint8Array, connection: Connection): void {
    const decoded = Y.decodeUpdate(update)
    for (const { id } of proposalsIn(decoded)) add(this.#requests, `${by} ${id}`, connection)
    for (const { id: { client, clock }, length } of decoded.structs) {
      add(this.#structs, client, { from: clock, to: clock + length, connection })
    }
  }

  /** @returns what the record accepts, though it was sent by viewers alone */
  ofViewers({ ledger, update, joined }: LogRecord): string[] {
    // Only the server joins: all else in it was looked at before, when who sent it had the role that counted.
    if (joined) return []
    const accepted = ledger.filter(({ outcome }) => outcome.status === 'accepted').map(({ principal, requestId }) => `${principal} ${requestId}`)
    // Of a refused request a tombstone is left.
    const items = Y.decodeUpdate(update).structs.filter(struct => struct instanceof Y.Item && !(struct.content instanceof Y.ContentDeleted))
    return [
      ...accepted.filter(key => areViewers(this.#requests.get(key))),
      ...items.filter(({ id }) => areViewers(this.#sendersOf(id))).map(({ id: { client, clock } }) => `${client}/${clock}`)
    ]
  }

  #sendersOf({ client, clock }: Y.ID): Connection[] {
    const sent = this.#structs.get(client) ?? []
    return sent.filter(({ from, to }) => from <= clock && clock < to).map(({ connection }) => connection)
  }
}

const areViewers = (senders: readonly Connection[] = []): boolean => senders.length > 0 && senders.every(({ role }) => role === 'viewer')

const add = <K, V>(map: Map<K, V[]>, key: K, value: V): void => {
  const values = map.get(key)
  if (values) values.push(value)
  else map.set(key, [value])
}
