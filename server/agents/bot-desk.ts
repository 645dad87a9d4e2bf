/**
 * The desk at which runs wait for people's bots. To the driver each bot is an agent like any other: its run is durable, leased and fenced,
 * its reply grows in a draft and is sealed. What it says comes from a program elsewhere, which takes the run up at this desk or not at all.
 *
 * Nothing here is stored: after a restart the driver takes up what is open, and it waits here anew.
 */
import { isFinished } from '../../shared/conversation/read.ts'
import type { RunState } from '../../shared/conversation/schema.ts'
import { SkeinError } from '../../shared/errors.ts'
import { parseBotId } from '../../shared/ids.ts'
import type { AgentId, BotId, DocumentName, RunId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import type { Timers } from '../../shared/timers.ts'
import type { EventListener } from '../room/port.ts'
import type { Asked, BotDesk, BotListener, GivenReply } from './bot-desk-port.ts'
import type { Agent, AgentChunk, AgentContext, AgentRegistry } from './port.ts'

interface End extends PromiseWithResolvers<RunState> {
  conversation: DocumentName
}

export class RunDesk implements BotDesk {
  readonly #after: Timers['after']
  readonly #waiting = new Map<RunId, WaitingRun>()
  readonly #listeners = new Map<BotId, Set<BotListener>>()
  /** Whoever gave a reply waits for its run's end. */
  readonly #ends = new Map<RunId, End>()

  constructor(after: Timers['after']) {
    this.#after = after
  }

  /** The agents of the server, and every bot beside them: whether it is there shows when it is asked. */
  beside(agents: AgentRegistry): AgentRegistry {
    return { defaultId: agents.defaultId, all: agents.all, find: id => agents.find(id) ?? this.#agentOf(id) }
  }

  listen(bot: BotId, listener: BotListener): () => void {
    const listeners = this.#listeners.get(bot) ?? new Set()
    this.#listeners.set(bot, listeners.add(listener))
    for (const waiting of this.#waiting.values()) if (waiting.bot === bot && !waiting.isTaken) listener.asked(waiting.asked)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#listeners.get(bot) === listeners) this.#listeners.delete(bot)
    }
  }

  find(bot: BotId, run: RunId): Asked | null {
    const waiting = this.#waiting.get(run)
    return waiting?.bot === bot ? waiting.asked : null
  }

  begin(bot: BotId, run: RunId): GivenReply {
    const waiting = this.#waiting.get(run)
    // Of one that is over nobody would hear the end.
    if (waiting?.bot !== bot || waiting.isOver) throw new SkeinError('not-found')
    if (waiting.isTaken) throw new SkeinError('run-taken')
    waiting.take()
    const end = this.#ends.get(run) ?? { ...Promise.withResolvers<RunState>(), conversation: waiting.asked.conversation }
    this.#ends.set(run, end)
    return { say: text => waiting.say(text), finish: () => waiting.finish(), fail: error => waiting.fail(error), ended: end.promise }
  }

  /** To be called with the events of every durable record. */
  readonly onEvents: EventListener = (_name, _sequence, events) => {
    for (const event of events) {
      if (event.type !== 'run.changed' || !isFinished(event)) continue
      this.#ends.get(event.runId)?.resolve(event.state)
      this.#ends.delete(event.runId)
    }
  }

  /** The server stops: nobody is told how it ended. */
  close(): void {
    this.#reject(() => true, new SkeinError('unavailable'))
  }

  abandon(name: DocumentName): void {
    this.#reject(({ conversation }) => conversation === name, new SkeinError('gone'))
  }

  #reject(isMeant: (end: End) => boolean, error: SkeinError): void {
    for (const [run, end] of this.#ends) {
      if (!isMeant(end)) continue
      end.promise.catch(() => {})
      end.reject(error)
      this.#ends.delete(run)
    }
  }

  #agentOf(id: AgentId): Agent | undefined {
    const bot = parseBotId(id)
    return bot === null ? undefined : {
      id: bot,
      // Whose it is, and what it was called, stands in the run.
      name: bot,
      description: 'A program of a person\'s.',
      isLanguageModel: false,
      onInterruption: 'seal',
      reply: (context, signal) => this.#reply(bot, context, signal),
    }
  }

  async *#reply(bot: BotId, { run, messages, already }: AgentContext, signal: AbortSignal): AsyncIterable<AgentChunk> {
    const message = messages.at(-1)
    if (!run || !message) throw new SkeinError('agent-failed')
    const waiting = new WaitingRun(bot, { run: run.id, conversation: run.conversation, message, already })
    const tooLong = this.#after(limits.botBeginsSeconds * 1000, () => waiting.tooLong())
    const stop = (): void => waiting.fail(new SkeinError('run-finished'))
    signal.addEventListener('abort', stop)
    this.#waiting.set(run.id, waiting)
    for (const listener of this.#listeners.get(bot) ?? []) listener.asked(waiting.asked)
    try {
      for (;;) {
        const text = await waiting.next()
        if (text === null) break
        yield { type: 'text', text }
      }
      yield { type: 'finish', finishReason: 'stop', model: '' }
    } finally {
      tooLong()
      signal.removeEventListener('abort', stop)
      waiting.fail(new SkeinError('run-finished'))
      // Another attempt may wait in its place.
      if (this.#waiting.get(run.id) === waiting) {
        this.#waiting.delete(run.id)
        for (const listener of this.#listeners.get(bot) ?? []) listener.over(run.id)
      }
    }
  }
}

/** One attempt at a reply: a program says it at one end, the driver reads it at the other. */
class WaitingRun {
  readonly bot: BotId
  readonly asked: Asked
  isTaken = false
  #said: { text: string, taken: PromiseWithResolvers<void> } | null = null
  #over: { error: SkeinError | null } | null = null
  #wake: () => void = () => {}

  constructor(bot: BotId, asked: Asked) {
    this.bot = bot
    this.asked = asked
  }

  get isOver(): boolean {
    return this.#over !== null
  }

  take(): void {
    this.isTaken = true
  }

  tooLong(): void {
    if (!this.isTaken) this.fail(new SkeinError('bot-away'))
  }

  /** @returns null: that was all. @throws SkeinError why it ends */
  async next(): Promise<string | null> {
    for (;;) {
      const said = this.#said
      if (said) {
        this.#said = null
        said.taken.resolve()
        return said.text
      }
      if (this.#over?.error) throw this.#over.error
      if (this.#over) return null
      await new Promise<void>(resolve => { this.#wake = resolve })
    }
  }

  async say(text: string): Promise<void> {
    if (this.#over) throw new SkeinError('run-finished')
    if (text === '') return
    const taken = Promise.withResolvers<void>()
    this.#said = { text, taken }
    this.#wake()
    await taken.promise
    if (this.#over) throw new SkeinError('run-finished')
  }

  finish(): void {
    this.#end(null)
  }

  fail(error: SkeinError): void {
    this.#end(error)
  }

  #end(error: SkeinError | null): void {
    if (this.#over) return
    this.#over = { error }
    // What was not read by now is not read any more.
    if (error) this.#said?.taken.resolve()
    this.#wake()
  }
}
