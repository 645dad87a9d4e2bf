/**
 * A document and its server: one connection for each generation of the document, while that is wanted. What the server says is carried
 * out here; whether both may be merged is decided in lineage.ts.
 */
import type { Awareness } from 'y-protocols/awareness'
import type * as Y from 'yjs'
import { readCloseReason } from './close-reason.ts'
import { Connection } from './connection.ts'
import type { DocumentHooks, DocumentOptions } from './document-options.ts'
import type { DocumentStatus } from './document-status.ts'
import { followLineage, startLineage } from './lineage.ts'
import type { LineageEffect, LineageEvent } from './lineage.ts'
import type { DocumentStore, Surroundings } from './port.ts'
import { isDrawnName, whyNotFound } from '../../shared/drawn-name.ts'
import { errorTable } from '../../shared/errors.ts'
import { documentKind } from '../../shared/ids.ts'
import type { Control, Hello, RoleChange } from '../../shared/wire/frame.ts'

export interface ServerLinkOptions extends Pick<DocumentOptions, 'name' | 'url' | 'userId' | 'WebSocket' | 'connect'> {
  surroundings: Surroundings
  store: DocumentStore
  status: DocumentStatus
  hooks: DocumentHooks
  /** The server has confirmed all that was written here; called more than once. */
  confirmed: () => void
  /** The device's copy and the server's must not be merged. @param epoch the server's; null while it is not known */
  beginAnew: (epoch: string | null) => void
  /** Something else than the status changed. */
  touch: () => void
}

export interface Linked {
  doc: Y.Doc
  awareness: Awareness
  /** Of the server's content in the document; null: there is none. */
  epoch: string | null
  /** It holds something that the server may lack. */
  unsent: boolean
}

export class ServerLink {
  readonly #options: ServerLinkOptions
  #connection: Connection | null = null
  #lineage = startLineage
  #isWanted: boolean

  constructor(options: ServerLinkOptions) {
    this.#options = options
    this.#isWanted = options.connect ?? true
  }

  /** Null while this tab has none: before the store is read, between two generations, and where another tab has it. */
  get connection(): Connection | null {
    return this.#connection
  }

  connect(): void {
    this.#isWanted = true
    this.#connection?.connect()
  }

  disconnect(): void {
    this.#isWanted = false
    this.#connection?.disconnect()
  }

  /** To be called for each document that takes the place of another, after {@link end}. */
  begin({ doc, awareness, epoch, unsent }: Linked): void {
    const { name, url, WebSocket: given, surroundings, status } = this.#options
    this.#tell({ type: 'read', epoch })
    this.#connection = new Connection({ name, url, doc, awareness, unsent, WebSocket: given ?? WebSocket, surroundings }, {
      hello: hello => this.#meet(hello),
      synced: () => this.#synced(),
      saved: () => this.#tell({ type: 'saved' }),
      answered: control => this.#answered(control),
      role: change => this.#change(change),
      closed: (code, reason) => this.#closed(code, reason),
      interrupted: reason => status.know({ interruption: readCloseReason(reason) || null }),
      changed: () => {
        if (this.#connection?.hasUnsaved === false) this.#options.confirmed()
        this.#options.touch()
      }
    })
    if (this.#isWanted) this.#connection.connect()
  }

  end(): void {
    this.#connection?.destroy()
    this.#connection = null
  }

  #meet(hello: Hello): boolean {
    const { status, hooks, store } = this.#options
    status.know({ hello, role: hello.role })
    const effect = this.#tell({ type: 'met', hello })
    if (effect?.type !== 'merge') return false
    status.note({ closedBy: null, interruption: null })
    status.forgotten = null
    hooks.met(hello.epoch, hello.continues ?? [])
    void store.setEpoch(hello.epoch, hello.role)
    return true
  }

  #synced(): void {
    const { status, hooks, touch } = this.#options
    this.#tell({ type: 'synced' })
    status.note({ synced: true })
    hooks.synced()
    touch()
  }

  #answered(control: Extract<Control, { kind: 'result' | 'refused' }>): void {
    if (control.kind === 'result') this.#options.hooks.result(control.requestId, control.outcome)
    else this.#tell({ type: 'refused', code: control.code, reason: control.reason })
  }

  #change({ role, userId }: RoleChange): void {
    const { status, store } = this.#options
    this.#tell({ type: 'role', role, userId })
    const { hello } = status.known
    if (role === null || !hello) return
    status.know({ role, hello: { ...hello, role } })
    void store.setEpoch(hello.epoch, role)
  }

  #closed(code: number, reason: string): void {
    const { status } = this.#options
    if (code !== errorTable['epoch-changed'].close) status.know({ closedBy: { code, reason: readCloseReason(reason) } })
    this.#tell({ type: 'closed', code, epoch: status.known.hello?.epoch ?? null })
  }

  #tell(event: LineageEvent): LineageEffect | null {
    const { name, userId } = this.#options
    const [lineage, effect] = followLineage(this.#lineage, event, { isConversation: documentKind(name) === 'conversation', userId })
    this.#lineage = lineage
    switch (effect?.type) {
      case 'rebuild':
        this.#options.beginAnew(effect.epoch)
        break
      case 'forget':
        this.#forget(effect.code)
        break
      case 'stop':
        this.disconnect()
        this.#options.status.know({ closedBy: { code: errorTable[effect.code].close, reason: effect.reason } })
        break
      case 'merge':
      case undefined:
        break
    }
    return effect
  }

  /** What was said where this person does not belong any more stays on no device of theirs; own work that was never sent does. */
  #forget(code: 'gone' | 'no-longer-member'): void {
    const { name, status, hooks, beginAnew } = this.#options
    this.#isWanted = false
    status.forgotten = code
    if (code === 'no-longer-member') {
      const { close, message } = errorTable[code]
      const reason = isDrawnName(name) ? message : `${whyNotFound(name)} What you had not sent is kept on this device.`
      status.know({ closedBy: { code: close, reason } })
    }
    hooks.gone(code)
    beginAnew(null)
  }
}
