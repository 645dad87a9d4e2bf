/**
 * A small world around the driver of agents: real rooms over a log whose disk does what the test says, one conversation, a reader who
 * sees what is durable and nothing else, and a clock that the test moves.
 */
import { randomUUID } from 'node:crypto'
import * as Y from 'yjs'
import { createDriver } from '../../server/agents/driver.ts'
import type { Driver } from '../../server/agents/driver.ts'
import { createProcessLeases } from '../../server/agents/leases.ts'
import type { ModelBudget } from '../../server/agents/model-budget.ts'
import type { RunLeases } from '../../server/agents/leases.ts'
import type { Agent } from '../../server/agents/port.ts'
import { createAgentRegistry } from '../../server/agents/registry.ts'
import type { ServerFiles } from '../../server/agents/server-files.ts'
import type { Timers } from '../../shared/timers.ts'
import { deriveRun } from '../../server/room/derive-run.ts'
import type { ConversationWriter } from '../../server/room/port.ts'
import { RoomRegistry } from '../../server/room/rooms.ts'
import { advanceRun } from '../../server/room/advance-run.ts'
import { readDrafts, readMessages, readRuns } from '../../shared/conversation/read.ts'
import type { Message, MessagePart, Run } from '../../shared/conversation/schema.ts'
import { conversationName, messageIdOf } from '../../shared/ids.ts'
import type { AgentId, DocumentName, MessageId, RunId } from '../../shared/ids.ts'
import { newRequestId } from './conversation.ts'
import { ManualTime, settle } from './manual-time.ts'
import { ScriptedAgent } from './scripted-agent.ts'
import { ScriptedLog } from './scripted-log.ts'

export interface AgentWorldOptions {
  log?: ScriptedLog
  time?: ManualTime
  /** Of the driver, when real time shall pass (an agent behind a socket). */
  timers?: Timers
  /** Of the driver; those of one process when left out. */
  leases?: RunLeases
  budget?: ModelBudget
  /** Of one person; any number when left out. */
  repliesAtOnce?: number
  /** Of the server, that messages may name; none when left out. */
  files?: ServerFiles
}

export interface LogLine {
  level: 'info' | 'warn' | 'error'
  fields: Record<string, unknown>
  message: string
}

export class AgentWorld {
  /** The conversation that is written to and read; a test may turn to another one. */
  name: DocumentName = conversationName('test')!
  readonly agents: readonly [Agent, ...Agent[]]
  readonly log: ScriptedLog
  readonly time: ManualTime
  readonly driver: Driver
  /** What the driver logged. */
  readonly lines: LogLine[] = []
  /** What people see: durable records alone. */
  readonly reader = new Y.Doc()
  /** Every text of the reply in progress that a reader has seen, in order. */
  readonly seen: string[] = []
  readonly #rooms: RoomRegistry
  readonly #drivers: Driver[] = []
  readonly #timers: Timers
  readonly #budget: ModelBudget | null
  readonly #repliesAtOnce: number
  readonly #files: ServerFiles | null

  private constructor(
    agents: readonly [Agent, ...Agent[]], log: ScriptedLog, time: ManualTime, timers: Timers, leases: RunLeases, budget: ModelBudget | null,
    repliesAtOnce: number, files: ServerFiles | null,
  ) {
    this.agents = agents
    this.log = log
    this.time = time
    this.#timers = timers
    this.#budget = budget
    this.#repliesAtOnce = repliesAtOnce
    this.#files = files
    log.onDurable = (name, { update }) => {
      if (name !== this.name) return
      Y.applyUpdate(this.reader, update)
      const [text] = this.draftTexts
      if (text !== undefined) this.seen.push(text)
    }
    let ids = 1000 * log.generation
    this.#rooms = new RoomRegistry({
      log,
      agents: { defaultAgent: agents[0].id, nameOf: id => agents.find(agent => agent.id === id)?.name, all: agents },
      onEvents: (...record) => { for (const driver of this.#drivers) driver.onEvents(...record) },
      onLoaded: (name, openRuns) => this.driver.recover(openRuns.map(runId => ({ name, runId }))),
      now: time.now,
      logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      budgets: null,
      compactAfter: 50,
      random: { uint32: () => ++ids, uuid: randomUUID },
      graceMs: 60_000,
      // Rooms stay: that they go after a while is not what these tests are about, and their timer would be one that waits.
      after: () => () => {},
      yieldToOthers: async () => {}
    })
    this.driver = this.addDriver(leases)
  }

  /** One more process that works on the runs of this conversation; the rooms stay one, as they are where one node owns each. */
  addDriver(leases: RunLeases): Driver {
    const line = (level: LogLine['level']) => (fields: object, message: string): void => {
      this.lines.push({ level, fields: { ...fields }, message })
    }
    const driver = createDriver({
      rooms: this.#rooms,
      agents: createAgentRegistry(this.agents),
      now: this.time.now,
      timers: this.#timers,
      leases,
      budget: this.#budget,
      repliesAtOnce: this.#repliesAtOnce,
      files: this.#files,
      openRuns: () => this.log.openRuns(),
      log: { info: line('info'), warn: line('warn'), error: line('error') }
    })
    this.#drivers.push(driver)
    return driver
  }

  /** Starts as a server does: what the log holds is loaded, and the driver is told of the open runs. */
  static async start(
    agents: readonly [Agent, ...Agent[]],
    options: AgentWorldOptions = {}
  ): Promise<AgentWorld> {
    const { log = ScriptedLog.empty(), time = new ManualTime(), timers = time, leases = createProcessLeases() } = options
    const { budget, repliesAtOnce = Infinity, files = null } = options
    const world = new AgentWorld(agents, log, time, timers, leases, budget ?? null, repliesAtOnce, files)
    for (const update of (await log.read(world.name))?.updates ?? []) Y.applyUpdate(world.reader, update)
    world.driver.recover(await log.openRuns())
    await settle()
    return world
  }

  /**
   * The world after a crash. What is not durable is gone; the old world's clock stands still.
   * @param time a new one, as the old world's timers died with it
   */
  crash(
    agents: readonly [Agent, ...Agent[]], time = new ManualTime(this.time.now()), leases?: RunLeases, repliesAtOnce = Infinity,
  ): Promise<AgentWorld> {
    return AgentWorld.start(agents, { log: this.log.afterCrash(), time, ...leases && { leases }, repliesAtOnce })
  }

  /** A person's message, and in the same record a run of each agent that shall answer. */
  async say(text: string, to: readonly AgentId[] = [this.agents[0].id], by = 'ann'): Promise<{ messageId: MessageId, runIds: RunId[] }> {
    const requestId = newRequestId()
    const messageId = messageIdOf(requestId)
    const at = this.time.now()
    const runs = to.map(agentId => deriveRun({ requestId, messageId, agentId, askedBy: by, at }))
    await this.write(by, writer => {
      const parentId = readMessages(writer.doc).at(-1)?.id ?? null
      const metadata = { parentId, authorId: by, authorName: by, createdAt: at, acceptedAt: at, status: 'complete' } as const
      writer.appendMessage({ id: messageId, role: 'user', parts: [{ type: 'text', text }], metadata })
      for (const run of runs) writer.setRun(run)
    })
    return { messageId, runIds: runs.map(run => run.id) }
  }

  /** As the room takes a `stop`. */
  stop(runId: RunId): Promise<void> {
    return this.write('ann', writer => {
      const run = readRuns(writer.doc).find(({ id }) => id === runId)
      if (run) advanceRun(writer, run, { type: 'stopped', at: this.time.now() }, {})
    })
  }

  async write(actor: string, change: (writer: ConversationWriter) => void): Promise<void> {
    await this.#rooms.use(this.name, room => room.write(actor, change))
    await settle()
  }

  /** Makes the oldest record that waits for the disk durable. */
  async release(): Promise<void> {
    this.log.release()
    await settle()
  }

  /** Writes so far. */
  get writes(): number {
    return this.log.writes
  }

  /** Stored records so far: pieces of a reply share some. */
  get records(): number {
    return this.log.recordCount(this.name)
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

  /** Text of this run's reply in progress as readers see it. */
  draftTextOf({ draftId }: Run): string | undefined {
    const draft = readDrafts(this.reader).find(({ id }) => id === draftId)
    return draft && textOfParts(draft.parts)
  }

  /** Text of the drafts as readers see it. */
  get draftTexts(): string[] {
    return readDrafts(this.reader).map(({ parts }) => textOfParts(parts))
  }
}

export const textOfParts = (parts: readonly MessagePart[]): string =>
  parts.map(part => part.type === 'text' && typeof part.text === 'string' ? part.text : '').join('')

/** An agent that was asked, and what it is to reply. */
export const asked = async () => {
  const agent = new ScriptedAgent()
  const world = await AgentWorld.start([agent])
  const { messageId, runIds } = await world.say('How are you?')
  return { agent, world, messageId, runId: runIds[0]!, reply: agent.reply1 }
}
