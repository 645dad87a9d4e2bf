/**
 * A WebSocket that tells of every sync frame it sends, so that the server's `saved n` can be matched with edits, and holds it back until
 * it may leave. A frame that is too large for one decision of the server goes out as several; the last one is of the kind that the first
 * would have been, so that an answer to the server's question is complete when it arrives.
 */
import { decodeFrame, encodeFrame } from '../../shared/wire/codec.ts'
import { frameType, syncType } from '../../shared/wire/frame.ts'
import { splitUpdate } from './split-update.ts'

export interface SocketObserver {
  /** A new socket was made; what was sent on earlier ones no longer counts. */
  made: (socket: WebSocket) => void
  /** A step 2 or an update goes out on the open socket. */
  sent: (socket: WebSocket, frame: 'step2' | 'update') => void
  /** What has to happen before the next of them leaves; null: nothing. */
  first: (socket: WebSocket) => Promise<unknown> | null
}

/** Subclasses the given implementation; the numbers are those of the server: outer type 0, inner type 1 or 2. */
export const countingSocket = (Base: typeof WebSocket, observer: SocketObserver): typeof WebSocket =>
  class extends Base {
    /** Sent, and held back. */
    readonly #waiting: Uint8Array[] = []
    #leaving = false

    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols)
      observer.made(this)
    }

    override send(data: Parameters<WebSocket['send']>[0]): void {
      // A socket that is closing drops what is sent, so the server never counts it.
      if (this.readyState === this.OPEN && data instanceof Uint8Array) {
        const kind = countedFrame(data)
        if (kind) return this.#sendPieces(data, kind)
      }
      super.send(data)
    }

    #sendPieces(bytes: Uint8Array, kind: 'step2' | 'update'): void {
      const frame = bytes.length > LARGE ? decodeFrame(bytes) : null
      const pieces = frame && 'update' in frame ? splitUpdate(frame.update) : []
      for (const update of pieces.slice(0, -1)) {
        observer.sent(this, 'update')
        this.#waiting.push(encodeFrame({ type: 'update', update }))
      }
      const last = pieces.length > 1 ? encodeFrame({ type: kind === 'step2' ? 'sync-step-2' : 'update', update: pieces.at(-1)! }) : bytes
      observer.sent(this, kind)
      this.#waiting.push(last)
      if (!this.#leaving) void this.#leave()
    }

    async #leave(): Promise<void> {
      this.#leaving = true
      while (this.#waiting.length > 0) {
        const first = observer.first(this)
        if (first) await first
        else super.send(this.#waiting.shift() as Uint8Array<ArrayBuffer>)
      }
      this.#leaving = false
    }
  }

/** Bytes of a frame that is looked into. */
const LARGE = 16 * 1024

const countedFrame = (bytes: Uint8Array): 'step2' | 'update' | null => {
  if (bytes[0] !== frameType.sync) return null
  switch (bytes[1]) {
    case syncType.step2:
      return 'step2'
    case syncType.update:
      return 'update'
    default:
      return null
  }
}
