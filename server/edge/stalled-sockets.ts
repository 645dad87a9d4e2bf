/**
 * Connections whose other side takes nothing of what it is sent, although bytes wait for it: TCP by itself gives one up after a quarter of
 * an hour or never, and who only pretends to read can answer pings. All are looked at now and then; however slowly somebody reads, they
 * are let be as long as they read at all.
 */
import type { Duplex } from 'node:stream'
import type { Socket } from 'node:net'
import type { Timers } from '../../shared/timers.ts'

export interface StallPorts {
  /** How long nothing may be taken. */
  seconds: number
  /** Milliseconds from any moment on. */
  now: () => number
  after: Timers['after']
}

/** Looks in that time; so one is ended that much later at most, in parts of it. */
const LOOKS = 4

interface Stall {
  mark: string
  since: number
}

export class StalledSockets {
  readonly #ports: StallPorts
  readonly #open = new Set<Socket>()
  /** Of those for which something waits. */
  readonly #waiting = new Map<Duplex, Stall>()
  readonly #whenStalled = new WeakMap<Duplex, () => void>()
  #cancel: () => void = () => {}

  constructor(ports: StallPorts) {
    this.#ports = ports
    this.#schedule()
  }

  /** From here on until it is closed. */
  readonly watch = (socket: Socket): void => {
    this.#open.add(socket)
    socket.once('close', () => {
      this.#open.delete(socket)
      this.#waiting.delete(socket)
    })
  }

  /** Who has something to say at the end; all others are cut off. */
  whenStalled(socket: Duplex, run: () => void): void {
    this.#whenStalled.set(socket, run)
  }

  close(): void {
    this.#cancel()
  }

  #schedule(): void {
    this.#cancel = this.#ports.after(this.#ports.seconds * 1000 / LOOKS, () => {
      for (const socket of this.#open) this.#look(socket)
      this.#schedule()
    })
  }

  #look(socket: Socket): void {
    if (socket.writableLength === 0) return void this.#waiting.delete(socket)
    const now = this.#ports.now()
    const mark = takenMark(socket)
    const before = this.#waiting.get(socket)
    if (before?.mark !== mark) return void this.#waiting.set(socket, { mark, since: now })
    if (now - before.since < this.#ports.seconds * 1000) return
    this.#waiting.delete(socket)
    const end = this.#whenStalled.get(socket) ?? (() => socket.destroy())
    end()
  }
}

interface Handle {
  writeQueueSize?: number
  /** Of the connection below TLS, whose own counts what is encrypted already, and stands still. */
  _parent?: Handle
}

/**
 * Another one whenever the system took something. What was written counts when all of one write is taken, which may be the whole of a
 * document; how much of that is left only the handle says (Node's own `setTimeout` of sockets reads it likewise).
 */
export const takenMark = (socket: Socket & { _handle?: Handle | null }): string => {
  const { _handle: handle } = socket
  return `${socket.bytesWritten - socket.writableLength} ${(handle?._parent ?? handle)?.writeQueueSize ?? 0}`
}
