/** A WebSocket that tells of every sync frame it sends, so that the server's `saved n` can be matched with edits. */
import { frameType, syncType } from '../../shared/wire/frame.ts'

export interface SocketObserver {
  /** A new socket was made; what was sent on earlier ones no longer counts. */
  made: (socket: WebSocket) => void
  /** A step 2 or an update goes out on the open socket. */
  sent: (socket: WebSocket, frame: 'step2' | 'update') => void
}

/** Subclasses the given implementation; the numbers are those of the server: outer type 0, inner type 1 or 2. */
export const countingSocket = (Base: typeof WebSocket, observer: SocketObserver): typeof WebSocket =>
  class extends Base {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols)
      observer.made(this)
    }

    override send(data: Parameters<WebSocket['send']>[0]): void {
      // A socket that is closing drops what is sent, so the server never counts it.
      if (this.readyState === this.OPEN && data instanceof Uint8Array) {
        const frame = countedFrame(data)
        if (frame) observer.sent(this, frame)
      }
      super.send(data)
    }
  }

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
