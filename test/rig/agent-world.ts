/**
 * A small world around the driver of agents: one conversation whose records become durable, fail or get lost as the test says, a reader
 * who sees what is durable and nothing else, and a clock.
 */
import * as Y from 'yjs'
import { createAgentRegistry } from '../../server/agents/registry.ts'
import { createDriver } from '../../server/agents/driver.ts'
import type { Driver } from '../../server/agents/driver.ts'
import type { Agent } from '../../server/agents/port.ts'
import type { Timers } from '../../server/agents/timers.ts'
import { TransactionWriter } from '../../server/room/conversation-writer.ts'
import { deriveRun } from '../../server/room/derive-run.ts'
import { MessageIndex } from '../../server/room/message-index.ts'
import type { ConversationWriter, Room, Rooms } from '../../server/room/port.ts'
import { sealRun } from '../../server/room/seal-run.ts'
import type { StoredEvent } from '../../shared/conversation/event.ts'
import { isFinished, readDrafts, readMessages, readRuns } from '../../shared/conversation/read.ts'
import type { Message, MessagePart, Run } from '../../shared/conversation/schema.ts'
import { SkeinError } from '../../shared/errors.ts'
import { conversationName, messageIdOf } from '../../shared/ids.ts'
import type { AgentId, DocumentName, MessageId, RequestId, RunId } from '../../shared/ids.ts'
import { ManualTime, settle } from './manual-time.ts'
import { newRequestId } from './conversation.ts'

interface Pending {
  update: Uint8Array
  events: StoredEvent[]
  resolve: () => void
  reject: (error: Error) => void
}

export class AgentWorld implements Rooms {
  readonly name: DocumentName = conversationName('test')!
  readonly time: ManualTime
  readonly lines: { level: 'info' | 'warn' | 'error', fields: Record<string, unknown>, message: string }[] = []
  readonly records: Uint8Array[]
  /** What people see: durable records alone. */
  readonly reader = new Y.Doc()
  /** Every text of the reply that a reader has seen, in order. */
  readonly seen: string[] = []
  readonly driver: Driver
  readonly agents: readonly [Agent, ...Agent[]]
  /** `auto`: at once; `hold`: when `release` is called; `fail`: not at all; `lie`: stored, but reported as failed. */
  disk: 'auto' | 'hold' | 'fail' | 'lie' = 'auto'
  /** What `use` rejects with. */
  unavailable: Error | null = null
  readonly #pending: Pending[] = []
  #doc: Y.Doc | null = null
  #clientId = 100

  /** @param timers of the driver, when real time shall pass (an agent behind a socket) */
  constructor(
    agents: readonly [Agent, ...Agent[]],
    { records = [], time = new ManualTime(), timers = time }: { records?: readonly Uint8Array[], time?: ManualTime, timers?: Timers } = {}
  ) {
    this.agents = agents
    this.time = time
    this.records = [...records]
    for (const record of this.records) Y.applyUpdate(this.reader, record)
    const line = (level: 'info' | 'warn' | 'error') => (fields: object, message: string): void => {
      this.lines.push({ level, fields: { ...fields }, message })
    }
    this.driver = createDriver({
      rooms: this,
      agents: createAgentRegistry(agents),
      now: time.now,
      timers,
      log: { info: line('info'), warn: line('warn'), error: line('error') }
    })
  }

  /**
   * The world after a crash: what was durable is all there is, and the driver is told of the open runs. The old world's clock stands still.
   * @param time a new one, as the old world's timers died with it
   */
  restart(agents: readonly [Agent, ...Agent[]], time = new ManualTime(this.time.now())): AgentWorld {
    const world = new AgentWorld(agents, { records: this.records, time })
    world.#clientId = this.#clientId + 2
    world.driver.recover(world.runs.filter(run => !isFinished(run)).map(run => ({ name: this.name, runId: run.id })))
    return world
  }

  /** A person's message; a run of each of the agents stands in the same record. */
  async say(text: string, to: readonly AgentId[] = [this.agents[0].id]): Promise<{ messageId: MessageId, runIds: RunId[] }> {
    const requestId: RequestId = newRequestId()
    const messageId = messageIdOf(requestId)
    const at = this.time.now()
    const runs = to.map(agentId => deriveRun({ requestId, messageId, agentId, askedBy: 'ann', at }))
    await this.use(this.name, room => room.write('ann', writer => {
      const parentId = readMessages(writer.doc).at(-1)?.id ?? null
      const parts: MessagePart[] = [{ type: 'text', text }]
      writer.appendMessage({ id: messageId, role: 'user', parts, metadata: { parentId, authorId: 'ann', authorName: 'Ann', createdAt: at, acceptedAt: at, status: 'complete' } })
      for (const run of runs) writer.setRun(run)
    }))
    await settle()
    return { messageId, runIds: runs.map(run => run.id) }
  }

  /** As the room takes a `stop`. */
  async stop(runId: RunId): Promise<void> {
    await this.write('ann', writer => {
      const run = readRuns(writer.doc).find(({ id }) => id === runId)
      if (run) sealRun(writer, run, { type: 'stopped', at: this.time.now() }, {})
    })
    await settle()
  }

  /** Makes the oldest waiting record durable. */
  async release(): Promise<void> {
    const next = this.#pending.shift()
    if (next) this.#store(next)
    await settle()
  }

  get waiting(): number {
    return this.#pending.length
  }

  get runs(): Run[] {
    return readRuns(this.reader)
  }

  get run(): Run {
    const run = this.runs.at(-1)
    if (!run) throw new Error('there is no run')
    return run
  }

  get messages(): Message[] {
    return readMessages(this.reader)
  }

  get replies(): Message[] {
    return this.messages.filter(({ role }) => role === 'assistant')
  }

  /** Text of the drafts as readers see it. */
  get draftTexts(): string[] {
    return readDrafts(this.reader).map(({ parts }) => textOfParts(parts))
  }

  async use<T>(name: DocumentName, use: (room: Room) => Promise<T>): Promise<T> {
    if (this.unavailable) throw this.unavailable
    const doc = this.#load()
    return use({
      name,
      read: async reader => {
        if (doc !== this.#doc) throw new SkeinError('not-saved')
        return reader(doc)
      },
      write: async (actor, change) => {
        if (doc !== this.#doc) throw new SkeinError('not-saved')
        return this.write(actor, change)
      }
    })
  }

  /** One transaction, one record. */
  write<T>(actor: string, change: (writer: ConversationWriter) => T): Promise<T> {
    const doc = this.#load()
    const ids = { generation: 1, message: this.#clientId, transient: this.#clientId + 1 }
    const writer = new TransactionWriter(doc, ids, new MessageIndex([]))
    const updates: Uint8Array[] = []
    const onUpdate = (update: Uint8Array): void => { updates.push(update) }
    doc.on('update', onUpdate)
    const result = doc.transact(() => change(writer))
    doc.off('update', onUpdate)
    const [update] = updates
    if (!update) return Promise.resolve(result)
    const events = writer.events.map(event => ({ ...event, actor, at: this.time.now() }))
    return new Promise((resolve, reject) => this.#append({ update, events, resolve: () => resolve(result), reject }))
  }

  #load(): Y.Doc {
    if (this.#doc) return this.#doc
    const doc = new Y.Doc()
    for (const record of this.records) Y.applyUpdate(doc, record)
    this.#clientId += 2
    doc.clientID = this.#clientId + 1
    this.#doc = doc
    return doc
  }

  #append(pending: Pending): void {
    switch (this.disk) {
      case 'hold':
        this.#pending.push(pending)
        return
      case 'auto':
        queueMicrotask(() => this.#store(pending))
        return
      case 'lie':
      case 'fail':
        if (this.disk === 'lie') {
          this.records.push(pending.update)
          Y.applyUpdate(this.reader, pending.update)
        }
        this.#doc = null
        pending.reject(new SkeinError('not-saved'))
    }
  }

  #store({ update, events, resolve }: Pending): void {
    this.records.push(update)
    Y.applyUpdate(this.reader, update)
    const text = this.draftTexts[0]
    if (text !== undefined) this.seen.push(text)
    this.driver.onEvents(this.name, this.records.length - 1, events)
    resolve()
  }
}

export const textOfParts = (parts: readonly MessagePart[]): string =>
  parts.map(part => part.type === 'text' && typeof part.text === 'string' ? part.text : '').join('')
