/** Who is here, per room. A state's `user` is the server's word; a client may show presence only under client ids that are its own. */
import { encodeFrame } from '../../shared/wire/codec.ts'
import type { UserId } from '../../shared/ids.ts'
import type { Timers } from '../../shared/timers.ts'
import { Outgoing } from '../room/outgoing.ts'
import type { Session } from '../room/session.ts'
import { encodeEntry, joinPresence } from './presence-codec.ts'
import type { PresenceEntry } from './presence-codec.ts'

/** Ids whose last principal is remembered. */
const REMEMBERED = 10_000
/** Changes of one room leave together, at most this often (milliseconds): the more people, the more there is to tell everybody. */
const SHORTEST_TICK_MS = 30
const LONGEST_TICK_MS = 250
const TICK_MS_PER_READER = 0.5
/** Of what changed in a tick; the rest is told with the next one. */
const TICK_BYTES = 256 * 1024

interface Present {
  clock: number
  session: Session
  /** As others are told. */
  encoded: Uint8Array
}

/** From the first state on that somebody shows: most rooms never have one. */
class Shown {
  readonly present = new Map<number, Present>()
  /** Whose an id was when it was last shown or removed, and at which clock: a late echo of it shows nothing, nor hides that it left. */
  readonly last = new Map<number, { principal: UserId, clock: number }>()
  /** As others are to be told, in the order in which it changed. */
  readonly changed = new Map<number, Uint8Array>()
}

export class Presence {
  #shown: Shown | null = null
  /** Who is told of changes. */
  readonly #sessions = new Set<Session>()
  #stopped: Set<Session> | null = null
  /** Everybody's state, for newcomers; null: somebody's has changed. */
  #everybody: Outgoing | null = null
  readonly #after: Timers['after']
  #cancelTick: (() => void) | null = null

  constructor(after: Timers['after']) {
    this.#after = after
  }

  /** The session gets every change from now on, and at once who is here. */
  join(session: Session): void {
    this.#sessions.add(session)
    this.tell(session)
  }

  /** The session does not read: it is told nothing until it is {@link resume}d. */
  stop(session: Session): void {
    if (this.#sessions.delete(session)) (this.#stopped ??= new Set()).add(session)
  }

  resume(session: Session): void {
    if (this.#stopped?.delete(session)) this.join(session)
  }

  /** Sends the session everybody's state. */
  tell(session: Session): void {
    if (!this.#shown || this.#shown.present.size === 0 || this.#stopped?.has(session)) return
    this.#everybody ??= frameOf([...this.#shown.present.values()].map(({ encoded }) => encoded))
    session.deliver(this.#everybody)
  }

  /** @param mayUse whether the session's principal may act under a client id; others' entries (stock providers echo them) are ignored */
  update(session: Session, entries: readonly PresenceEntry[], mayUse: (clientId: number) => boolean): void {
    for (const entry of entries) {
      const before = this.#shown?.present.get(entry.clientId)
      if (before ? before.session.principal.id !== session.principal.id : entry.state === null) continue
      if (before && entry.clock <= before.clock && !(entry.clock === before.clock && entry.state === null)) continue
      const last = before ? undefined : this.#shown?.last.get(entry.clientId)
      if (last && (last.principal !== session.principal.id || entry.clock < last.clock)) continue
      if (!before && !mayUse(entry.clientId)) continue
      if (entry.state === null) this.#remove(entry)
      else this.#show(session, { ...entry, state: { ...entry.state, user: userOf(session, entry.state['user']) } })
    }
  }

  leave(session: Session): void {
    this.#sessions.delete(session)
    this.#stopped?.delete(session)
    for (const [clientId, { clock, session: owner }] of [...this.#shown?.present ?? []]) {
      if (owner === session) this.#remove({ clientId, clock: clock + 1, state: null })
    }
  }

  #show(session: Session, entry: PresenceEntry): void {
    const { clientId, clock } = entry
    const encoded = encodeEntry(entry)
    const { present, last, changed } = this.#shown ??= new Shown()
    present.set(clientId, { clock, session, encoded })
    last.set(clientId, { principal: session.principal.id, clock })
    if (last.size > REMEMBERED) last.delete(last.keys().next().value!)
    this.#announce(changed, clientId, encoded)
  }

  #remove(entry: PresenceEntry): void {
    if (!this.#shown) return
    const { present, last, changed } = this.#shown
    present.delete(entry.clientId)
    const removed = last.get(entry.clientId)
    if (removed) removed.clock = entry.clock
    this.#announce(changed, entry.clientId, encodeEntry(entry))
  }

  #announce(changed: Map<number, Uint8Array>, clientId: number, encoded: Uint8Array): void {
    this.#everybody = null
    changed.set(clientId, encoded)
    this.#schedule(changed)
  }

  #schedule(changed: Map<number, Uint8Array>): void {
    const tick = Math.min(LONGEST_TICK_MS, Math.max(SHORTEST_TICK_MS, TICK_MS_PER_READER * this.#sessions.size))
    this.#cancelTick ??= this.#after(tick, () => this.#flush(changed))
  }

  #flush(changed: Map<number, Uint8Array>): void {
    this.#cancelTick = null
    const told: Uint8Array[] = []
    let bytes = 0
    for (const [clientId, encoded] of changed) {
      bytes += encoded.length
      if (told.length > 0 && bytes > TICK_BYTES) break
      told.push(encoded)
      changed.delete(clientId)
    }
    if (changed.size > 0) this.#schedule(changed)
    const outgoing = frameOf(told)
    for (const session of this.#sessions) session.deliver(outgoing)
  }
}

const frameOf = (entries: readonly Uint8Array[]): Outgoing => new Outgoing(encodeFrame({ type: 'awareness', update: joinPresence(entries) }))

/** Name and id are the server's word; a colour may be the client's wish. */
const userOf = ({ principal }: Session, wish: unknown): Record<string, unknown> => {
  const color = typeof wish === 'object' && wish !== null ? (wish as { color?: unknown }).color : undefined
  return { ...typeof color === 'string' && /^#[0-9a-f]{3,8}$/i.test(color) && { color }, id: principal.id, name: principal.name, kind: principal.kind }
}
