/**
 * How much of one socket is read: nothing for as long as there is a reason not to. What the system holds for it then makes the client
 * wait too.
 */
import { limits } from '../../shared/limits.ts'
import type { ServerLimits } from '../../shared/limits.ts'
import type { Timers } from '../../shared/timers.ts'
import { Pace } from './pace.ts'
import type { Socket } from './socket.ts'

export interface IntakePorts {
  limits: Pick<ServerLimits, 'updatesPerSecond' | 'presencePerSecond'>
  /** Milliseconds since 1970. */
  now: () => number
  after: Timers['after']
  /** How much work the updates may be, of this connection or of all of its person's. */
  work: Pace
}

/** Seconds' worth of frames that may come at once after a quiet time. */
const BURST_SECONDS = 2

/** Why a socket is not read for now, as bits: one is kept for every connection. */
const [WAITING, TOO_FAST, DRAINING] = [1, 2, 4]

export class Intake {
  readonly #socket: Pick<Socket, 'pause' | 'resume'>
  readonly #after: Timers['after']
  readonly #now: () => number
  readonly #work: Pace
  readonly #updates: Pace
  /** Presence, and questions that are answered at length. */
  readonly #questions: Pace
  /** Of frames that the room has not judged yet. */
  #waitingFrames = 0
  #waitingBytes = 0
  /** Why the socket is not read for now; 0: it is. */
  #unread = 0
  #cancelSlow: (() => void) | null = null
  #slowUntil = 0
  #ended = false

  constructor(socket: Pick<Socket, 'pause' | 'resume'>, ports: IntakePorts) {
    const { limits: { updatesPerSecond, presencePerSecond }, now, after, work } = ports
    this.#socket = socket
    this.#after = after
    this.#now = now
    this.#work = work
    this.#updates = new Pace(updatesPerSecond, BURST_SECONDS * updatesPerSecond, now)
    this.#questions = new Pace(presencePerSecond, BURST_SECONDS * presencePerSecond, now)
    // Whoever has spent it on another connection.
    this.#slowDown(work.spend(0))
  }

  /** An update has come. */
  update(): void {
    this.#slowDown(this.#updates.spend())
  }

  /** Presence has come, or a question. */
  question(): void {
    this.#slowDown(this.#questions.spend())
  }

  /** What came was so much work, in steps. An update counts for as much as it costs, so that a few dear ones do not keep a core busy. */
  worked(steps: number): void {
    this.#slowDown(this.#work.spend(steps))
  }

  /** A frame of so many bytes waits for the room, which judges slower than anybody can send: nobody's frames shall fill the inbox. */
  waits(bytes: number): void {
    this.#wait(1, bytes)
  }

  judged(bytes: number): void {
    this.#wait(-1, -bytes)
  }

  /** Nothing more is read, for good. */
  drain(): void {
    this.#read(false, DRAINING)
  }

  /** Nothing that comes is looked at any more; a socket that is not read would not even hear that the peer agrees to close. */
  end(): void {
    this.#ended = true
    this.#cancelSlow?.()
    if (this.#unread !== 0) this.#socket.resume()
  }

  #wait(frames: number, bytes: number): void {
    this.#waitingFrames += frames
    this.#waitingBytes += bytes
    const full = this.#waitingFrames > limits.waitingFrames || this.#waitingBytes > limits.waitingBytes
    this.#read(!full, WAITING)
  }

  /** Who sends faster, or dearer, than anybody may is not read for that long. */
  #slowDown(ms: number): void {
    const until = this.#now() + ms
    if (ms === 0 || this.#ended || until <= this.#slowUntil) return
    this.#slowUntil = until
    this.#read(false, TOO_FAST)
    this.#cancelSlow?.()
    this.#cancelSlow = this.#after(ms, () => this.#read(true, TOO_FAST))
  }

  #read(may: boolean, reason: number): void {
    if (this.#ended) return
    const before = this.#unread
    this.#unread = may ? before & ~reason : before | reason
    if (before !== 0 && this.#unread === 0) this.#socket.resume()
    else if (before === 0 && this.#unread !== 0) this.#socket.pause()
  }
}
