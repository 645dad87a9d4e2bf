/**
 * The driver of agent runs: a run is a durable job in its conversation, and this carries it out.
 *
 * Runs begin when the record that created them is durable, and again for those that are found open and that nobody has a lease of: at
 * start, every few seconds, and whenever a conversation is loaded, since a record may have been written although its append was reported
 * as failed. No run is left without an end, whatever ended an attempt.
 */
import { AtOnce } from '../../shared/at-once.ts'
import { KeyedQueue } from '../../shared/keyed-queue.ts'
import type { Run, Summary } from '../../shared/conversation/schema.ts'
import { errorTable, SkeinError } from '../../shared/errors.ts'
import type { DocumentName, RunId } from '../../shared/ids.ts'
import type { EventListener, Rooms } from '../room/port.ts'
import type { Logger } from '../telemetry/port.ts'
import type { Tracing } from '../telemetry/tracing-port.ts'
import { runAttempt } from './attempt.ts'
import type { AttemptPorts } from './attempt.ts'
import type { ModelBudget } from './model-budget.ts'
import type { RunLeases } from './leases.ts'
import type { ServerFiles } from './server-files.ts'
import type { AgentRegistry } from './port.ts'
import { RunTrace } from './run-trace.ts'
import { RecentMap } from '../../shared/recent-map.ts'
import { wait } from '../../shared/timers.ts'
import type { Timers } from '../../shared/timers.ts'

export interface DriverPorts {
  rooms: Rooms
  agents: AgentRegistry
  /** Milliseconds since 1970. */
  now(): number
  timers: Timers
  log: Pick<Logger, 'info' | 'warn' | 'error'>
  leases: RunLeases
  /** Of language models; null: nobody counts. */
  budget: ModelBudget | null
  /** How many replies may go on at once for one person; any number when left out. */
  repliesAtOnce?: number
  /** Null: nothing is traced. */
  tracing?: Tracing | null
  /** That messages may name; null: none. */
  files?: ServerFiles | null
  /** All runs that have no end yet, as the log has them. */
  openRuns(): Promise<readonly OpenRun[]>
}

export interface OpenRun {
  name: DocumentName
  runId: RunId
}

export interface Driver {
  /** To be called with the events of every durable record. */
  onEvents: EventListener
  /** Takes up the runs that the log reports as open, now and every few seconds. @throws what reading the log throws, the first time */
  start(): Promise<void>
  /** Takes up these, also when it was given up to work on them. */
  recover(runs: readonly OpenRun[]): void
  /** The conversation is deleted: its attempts end and nothing of them is written. */
  abandon(name: DocumentName): Promise<void>
  /** Aborts all attempts and waits for them. Their runs stay open in the log; the next start takes them up. */
  close(): Promise<void>
}

/** What this driver is doing about a run. */
interface Work {
  name: DocumentName
  control: AbortController
  /** When it was begun (milliseconds since 1970). */
  since: number
  trace: RunTrace
  done: Promise<void>
}

/** In memory, beside those that are stored: a megabyte. */
const REMEMBERED_SUMMARIES = 64

/** Between two looks for runs that nobody works on. */
export const RECOVER_EVERY_MS = 5_000

/**
 * Waits before the next attempt after a room could not be loaded or written: about two minutes in all. A disk that fails is then tried
 * again once in so many milliseconds for as long as the server runs, since that asks no model for anything; after any other error the next
 * load of the conversation takes over.
 */
const RETRY_MS = [250, 500, 1000, 2000, 5000, 10_000, 20_000, 40_000, 40_000] as const
const DISK_RETRY_MS = 60_000

export const createDriver = (ports: DriverPorts): Driver => {
  const { rooms, agents, now, timers, log, leases, budget, repliesAtOnce = Infinity, tracing = null, files = null, openRuns } = ports
  const working = new Map<RunId, Work>()
  /** Runs that cannot be written, until somebody loads their conversation. */
  const givenUp = new Set<RunId>()
  const goingOn = new AtOnce<string>()
  const preparing = new KeyedQueue<DocumentName>()
  const summaries = new RecentMap<Summary>(REMEMBERED_SUMMARIES)
  let closed = false
  let cancelRecovery = (): void => undefined

  const take = (name: DocumentName, runId: RunId): void => {
    if (closed || working.has(runId)) return
    const control = new AbortController()
    const own = { name, control, since: now(), trace: new RunTrace(tracing, name, runId) }
    // Not within the call that released the record: others are still to hear of it.
    const done = Promise.resolve().then(() => withLease(runId, own)).finally(() => {
      working.delete(runId)
      own.trace.end()
    })
    working.set(runId, { ...own, done })
  }

  const withLease = async (runId: RunId, own: Omit<Work, 'done'>): Promise<void> => {
    const lease = await leases.acquire(runId).catch((error: unknown) => {
      log.warn({ conversation: own.name, run: runId, err: error }, 'nobody knows who works on a run, so it waits for the next look')
      return null
    })
    // Who holds it works on it; when it ends without an end of the run, the next look finds that.
    if (!lease) return
    try {
      await work(runId, own, AbortSignal.any([own.control.signal, lease.lost]))
    } finally {
      lease.release()
    }
  }

  const recover = async (): Promise<void> => {
    for (const { name, runId } of await openRuns()) if (!givenUp.has(runId)) take(name, runId)
  }

  const recoverLater = (): void => {
    cancelRecovery = timers.after(RECOVER_EVERY_MS, () => {
      recover().catch((error: unknown) => log.warn({ err: error }, 'open runs could not be listed'))
        .finally(() => { if (!closed) recoverLater() })
    })
  }

  const work = async (runId: RunId, { name, since, trace }: Omit<Work, 'done'>, signal: AbortSignal): Promise<void> => {
    const ports: AttemptPorts = {
      agents,
      now,
      timers,
      budget,
      enter: ({ askedBy, state, agentId, bot }) => {
        const waitsForOthers = bot !== undefined || agents.find(agentId)?.isLanguageModel === true
        if (!waitsForOthers) return () => {}
        // What had begun before the server stopped goes on.
        return goingOn.take(askedBy, state === 'pending' ? repliesAtOnce : Infinity)
      },
      files,
      inTurn: (room, task) => preparing.run(room.name, task),
      summaries,
      trace,
      onTransition: (run, details) => {
        trace.changed(run, details)
        log.info({ ...fieldsOf(name, run), ...trace.fields, ms: now() - since }, 'run')
      },
      onUnexpected: (run, error) => log.error({ ...fieldsOf(name, run), ...trace.fields, err: error }, 'the agent failed without a reason')
    }
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        return await rooms.use(name, room => runAttempt(ports, room, runId, signal))
      } catch (error) {
        if (signal.aborted) return
        const delay = mayRetry(error) ? RETRY_MS[failures] ?? (isOfTheDisk(error) ? DISK_RETRY_MS : undefined) : undefined
        const fields = { conversation: name, run: runId, ...trace.fields, failures: failures + 1, err: error }
        if (delay === undefined) {
          givenUp.add(runId)
          // Nobody loads a deleted conversation any more: what is left of it on the disk is on its way out.
          if (isGone(error)) return
          return log.error(fields, 'run left open until its conversation is loaded anew: it cannot be written')
        }
        log.warn({ ...fields, retryMs: delay }, 'run interrupted: its conversation could not be written')
        await wait(timers, delay, signal)
      }
    }
  }

  return {
    onEvents(name, _sequence, events) {
      for (const event of events) {
        if (event.type === 'run.created') {
          const { fields } = new RunTrace(tracing, name, event.runId)
          log.info({ conversation: name, run: event.runId, agent: event.agentId, state: 'pending', attempt: 1, ...fields, ms: 0 }, 'run')
          take(name, event.runId)
        } else if (event.type === 'run.changed' && event.state === 'cancelled') {
          // The room has sealed what there was; all that is left is to end the model's request.
          const work = working.get(event.runId)
          const ms = work ? now() - work.since : 0
          const trace = work?.trace ?? new RunTrace(tracing, name, event.runId)
          trace.changed(event)
          log.info({ conversation: name, run: event.runId, state: event.state, attempt: event.attempt, by: event.actor, ...trace.fields, ms }, 'run')
          work?.control.abort()
        }
      }
    },
    async start() {
      await recover()
      recoverLater()
    },
    recover(runs) {
      for (const { name, runId } of runs) {
        givenUp.delete(runId)
        take(name, runId)
      }
    },
    async abandon(name) {
      const own = [...working.values()].filter(work => work.name === name)
      for (const { control } of own) control.abort()
      await Promise.all(own.map(({ done }) => done))
    },
    async close() {
      closed = true
      cancelRecovery()
      for (const { control } of working.values()) control.abort()
      await Promise.all([...working.values()].map(({ done }) => done))
    }
  }
}

const fieldsOf = (name: DocumentName, { id, agentId, state, attempt }: Run) =>
  ({ conversation: name, run: id, agent: agentId, state, attempt })

const isOfTheDisk = (error: unknown): boolean =>
  error instanceof SkeinError && (error.code === 'not-saved' || error.code === 'unavailable')

const isGone = (error: unknown): boolean => error instanceof SkeinError && error.code === 'gone'

/** Errors that a later attempt cannot mend (a damaged log, a newer schema) end at once. */
const mayRetry = (error: unknown): boolean => !(error instanceof SkeinError) || errorTable[error.code].retryable
