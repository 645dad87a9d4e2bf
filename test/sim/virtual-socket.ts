/** A browser's WebSocket over the virtual network. */
import type { Role } from '../../shared/wire/frame.ts'
import type { Link, Caller } from './network.ts'

/** Who dials through these sockets, and who watches what goes through them. */
export interface Dialling {
  dial: (caller: Omit<Caller, 'person' | 'name' | 'isReachable'>) => Link
  /** One for each socket. */
  watch: () => SocketWatch
}

export interface SocketWatch {
  admitted(epoch: string, role: Role): void
  sent(bytes: Uint8Array): void
  received(bytes: Uint8Array): void
  closed(): void
  /** After the page handled what it received. */
  handled(): void
}

type Handler<E> = ((this: WebSocket, event: E) => unknown) | null

/** @returns a class to be given where the browser's would be taken */
export const virtualWebSocket = ({ dial, watch }: Dialling): typeof WebSocket =>
  class VirtualSocket extends EventTarget implements WebSocket {
    static readonly CONNECTING = 0
    static readonly OPEN = 1
    static readonly CLOSING = 2
    static readonly CLOSED = 3
    readonly CONNECTING = 0
    readonly OPEN = 1
    readonly CLOSING = 2
    readonly CLOSED = 3
    readonly bufferedAmount = 0
    readonly extensions = ''
    readonly protocol: string
    readonly url: string
    binaryType: BinaryType = 'blob'
    readyState: 0 | 1 | 2 | 3 = 0
    onopen: Handler<globalThis.Event> = null
    onmessage: Handler<MessageEvent> = null
    onclose: Handler<CloseEvent> = null
    onerror: Handler<globalThis.Event> = null
    readonly #link: Link
    readonly #watch = watch()

    constructor(url: string | URL, protocols: string | string[] = []) {
      super()
      this.url = String(url)
      this.protocol = [protocols].flat()[0] ?? ''
      this.#link = dial({
        speaksSkein: this.protocol !== '',
        opened: () => this.#opened(),
        admitted: (epoch, role) => this.#watch.admitted(epoch, role),
        received: bytes => this.#received(bytes),
        closed: (code, reason) => this.#closed(code, reason)
      })
    }

    send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
      if (this.readyState === this.CONNECTING) throw new DOMException('still connecting', 'InvalidStateError')
      if (this.readyState !== this.OPEN) return
      if (!(data instanceof Uint8Array)) throw new TypeError('Only bytes are sent here.')
      this.#watch.sent(data)
      this.#link.send(data)
    }

    close(): void {
      if (this.readyState >= this.CLOSING) return
      this.readyState = 2
      this.#watch.closed()
      this.#link.closeFromClient()
    }

    #opened(): void {
      if (this.readyState !== this.CONNECTING) return
      this.readyState = 1
      this.onopen?.call(this, new Event('open'))
    }

    #received(bytes: Uint8Array): void {
      if (this.readyState !== this.OPEN) return
      this.#watch.received(bytes)
      this.onmessage?.call(this, new MessageEvent('message', { data: bytes.buffer }))
      this.#watch.handled()
    }

    #closed(code: number, reason: string): void {
      if (this.readyState === this.CLOSED) return
      this.readyState = 3
      this.#watch.closed()
      this.onclose?.call(this, Object.assign(new Event('close'), { code, reason, wasClean: code !== 1006 }))
    }
  }
