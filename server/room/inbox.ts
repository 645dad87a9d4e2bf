/**
 * What waits to be judged in a room, updates and requests that came by themselves: one at a time, when the log can write it, and everybody
 * in turn. Those of others pass an update that is taken in slices, and a room that is busy lets other work of the process run.
 */
import type { ErrorCode } from '../../shared/errors.ts'
import { Rounds } from './rounds.ts'
import { isTurn } from './session.ts'
import type { Session, Submission, Turn } from './session.ts'
import { isTooMuch, takeInSlices } from './take-in-slices.ts'
import type { Outcome } from './take-in-slices.ts'

export interface InboxPorts {
  /** Calls back when the next write may begin; each update that waits calls, see the log's port. */
  beforeWrite: (action: () => void) => void
  /** Milliseconds from any moment on. */
  now: () => number
  yieldToOthers: () => Promise<void>
  /** Judges an update, or a slice of one, and brings it into the document. @param final it is not parked for a parent that nobody knows */
  take: (session: Session, bytes: Uint8Array, final: boolean) => Promise<Outcome>
  /**
   * Takes at once what can be, and so goes missing from the front.
   * @returns what was taken; null: nothing could be, and nothing is missing
   */
  takeTogether: (waiting: (Submission | Turn)[]) => readonly Submission[] | null
  answer: (submission: Submission, outcome: Outcome) => void
  /** The document in memory may be half changed. */
  discard: (error: unknown) => void
}

/** A room that is busy lets other work of the process run after so many milliseconds. */
const WORK_MS = 10

/** Of an update that comes while others wait: it is worked off with them, and the log counts how many there are. */
const WITH_THE_OTHERS = (): void => {}

export class Inbox {
  readonly #ports: InboxPorts
  readonly #waiting: (Submission | Turn)[] = []
  readonly #rounds = new Rounds()
  #working = false
  readonly #waitingForIdle: (() => void)[] = []

  constructor(ports: InboxPorts) {
    this.#ports = ports
  }

  push(next: Submission | Turn): void {
    this.#rounds.add(this.#waiting, next)
    const workOff = this.#working ? WITH_THE_OTHERS : (): void => void this.#workOff()
    this.#working = true
    this.#ports.beforeWrite(workOff)
  }

  /** Nothing waits to be judged. */
  get isIdle(): boolean {
    return !this.#working
  }

  /** Resolves when nothing waits to be judged. */
  async idle(): Promise<void> {
    while (this.#working) await new Promise<void>(resolve => this.#waitingForIdle.push(resolve))
  }

  /** The room is lost: what waits is not judged any more. */
  end(code: ErrorCode): void {
    for (const { session } of this.#waiting.splice(0)) session.end(code)
  }

  async #workOff(): Promise<void> {
    const { now, yieldToOthers, takeTogether, answer } = this.#ports
    let since = now()
    while (this.#waiting.length > 0) {
      if (now() - since > WORK_MS) {
        await yieldToOthers()
        since = now()
      }
      const together = takeTogether(this.#waiting)
      if (together) {
        for (const submission of together) void this.#safely(submission, async () => answer(submission, { kind: 'taken', results: [] }))
        continue
      }
      const next = this.#waiting.shift()
      // Nothing is judged on a socket after it was refused or closed.
      if (next && !next.session.ended) await this.#safely(next, () => this.#receive(next))
    }
    this.#working = false
    for (const resolve of this.#waitingForIdle.splice(0)) resolve()
  }

  async #safely({ session }: Submission | Turn, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      session.end('not-saved')
      this.#ports.discard(error)
    }
  }

  async #receive(submission: Submission | Turn): Promise<void> {
    if (isTurn(submission)) return submission.take()
    const { take, yieldToOthers, answer } = this.#ports
    const { bytes, final, session } = submission
    let outcome = await take(session, bytes, final)
    if (isTooMuch(outcome)) {
      const busy = new Set<Turn['session']>([session])
      outcome = await takeInSlices(bytes, outcome, final, {
        // What is not acknowledged yet its device sends again.
        receive: async (slice, final) => session.isOpen ? take(session, slice, final) : { kind: 'ended' },
        yieldToOthers: async () => {
          await yieldToOthers()
          await this.#receiveOneOfOthers(busy)
        },
      })
    }
    answer(submission, outcome)
  }

  /** Between two slices somebody else's update is judged. @param busy who has one that is too much; it and what follows it wait */
  async #receiveOneOfOthers(busy: Set<Turn['session']>): Promise<void> {
    const at = this.#waiting.findIndex(({ session }) => !busy.has(session))
    const [next] = at < 0 ? [] : this.#waiting.splice(at, 1)
    if (!next || next.session.ended) return
    await this.#safely(next, async () => {
      if (isTurn(next)) return next.take()
      const outcome = await this.#ports.take(next.session, next.bytes, next.final)
      if (!isTooMuch(outcome)) return this.#ports.answer(next, outcome)
      busy.add(next.session)
      this.#waiting.unshift(next)
    })
  }
}
