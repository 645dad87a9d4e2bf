/** What every device can be told to do, whatever program runs on it. */
import type * as Y from 'yjs'
import type { Message, Request } from '../../shared/conversation/schema.ts'
import type { AgentId, DocumentName, DraftId, MessageId, RequestId } from '../../shared/ids.ts'
import type { RequestOutcome } from '../../shared/wire/frame.ts'
import type { Clock } from './clock.ts'
import type { Chance } from './chance.ts'
import type { DataFolder } from './data-folder.ts'
import type { Connectivity } from './line.ts'
import type { Network } from './network.ts'
import type { Person } from './people.ts'
import type { Witness } from './witness.ts'

export interface DevicePorts {
  label: string
  person: Person
  clock: Clock
  chance: Chance
  /** To know what is true, which no device does. */
  data: DataFolder
  network: Network
  witness: Witness
  /** A text that nothing else holds. */
  text: () => string
  /** Asks the server's API what became of a request of the conversation. */
  outcomeOf: (id: RequestId) => Promise<RequestOutcome | null>
  /** The epoch that a document is in now, if it was ever opened. */
  epochOf: (name: DocumentName) => string | undefined
}

export interface Sending {
  text: string
  to: AgentId[]
  /** Left out: what it shows last. */
  parentId?: MessageId
  replaces?: Message
}

export interface Device {
  readonly label: string
  readonly person: Person
  readonly line: Connectivity
  /** The conversation; another `Y.Doc` after a reload. Null while a page opens. */
  readonly talk: Y.Doc | null
  /** The shared artifact. */
  readonly board: Y.Doc | null
  send(sending: Sending): void
  /** Says what stands in a shared draft, as this device shows it. */
  sendDraft(id: DraftId): void
  /** Anything but a message. */
  ask(request: Exclude<Request, { type: 'send' }>): void
  /** The same request as on another device of this person. */
  repeat(id: RequestId, request: Request): void
  /** Takes one of its open requests back. */
  takeBack(): void
  /** The page is gone with what it had not stored, and is opened again. */
  reload(): void
  /** The device is gone with all that it stored; the person goes on with a new one. */
  vanish(): void
  /** Makes sure that it tries to connect. */
  connect(): void
  /** Lets go of everything when the simulation is over. */
  close(): void
  /** All copies that it shows of a document; null for one that is not read yet. */
  replicas(name: DocumentName): readonly (Y.Doc | null)[]
  /** Something befalls its tabs, if it is one with tabs. */
  disturbTabs(): void
  /** Requests that were made here since the device was new. */
  readonly own: ReadonlySet<RequestId>
  /** As far as its program knows; then it lets its person type in this document. */
  mayWrite(name: DocumentName): boolean
  /** What it shows to its person as refused, with the text that was kept; left to them included. Null: its program hears of no refusals. */
  readonly refused: ReadonlyMap<RequestId, string> | null
  /** Its program brings back what its person typed into a draft that was sent without it. */
  readonly bringsBack: boolean
  /** Why it is not at rest; null: it is. */
  readonly unrest: string | null
}
