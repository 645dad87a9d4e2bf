/**
 * A device that costs little, for tests with very many updates: a `Y.Doc` that outlives its connections, a raw `skein.v1` socket, and the
 * counting of acknowledgements. It keeps no frames; what it has seen is what its document holds.
 */
import WebSocket from 'ws'
import * as Y from 'yjs'
import { decodeFrame, encodeFrame } from '../../shared/wire/codec.ts'
import { SUBPROTOCOL } from '../../shared/wire/frame.ts'
import type { Control, Frame } from '../../shared/wire/frame.ts'

export interface LightDeviceEvents {
  /** After every frame of the server. */
  onFrame(device: LightDevice): void
  /** The server said what it never says to an honest device. */
  onProblem(problem: string): void
}

export class LightDevice {
  readonly name: string
  readonly doc = new Y.Doc()
  /** Updates made here, and how many of them, the first ones, the server has acknowledged. */
  made = 0
  acknowledged = 0
  /** Has answered the server's step 1 on this socket: from now on an update is a frame of its own. */
  ready = false
  /** The server's step 2 has arrived on this socket. */
  synced = false
  closed = true
  #epoch: string | null = null
  #socket: WebSocket | null = null
  /** Frames sent on this socket, and up to which update an acknowledged frame tells of. */
  #sent = 0
  #marks: { frame: number, made: number }[] = []
  readonly #events: LightDeviceEvents

  constructor(name: string, events: LightDeviceEvents) {
    this.name = name
    this.#events = events
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin === this) return
      this.made++
      if (this.ready) this.#sendChange({ type: 'update', update })
    })
  }

  connect(syncUrl: string): void {
    const socket = new WebSocket(`${syncUrl}/${this.name}`, [SUBPROTOCOL], { perMessageDeflate: false })
    Object.assign(this, { closed: false, ready: false, synced: false })
    this.#socket = socket
    this.#sent = 0
    this.#marks = []
    socket.on('open', () => this.#send({ type: 'sync-step-1', stateVector: Y.encodeStateVector(this.doc) }))
    socket.on('message', (data: Buffer) => {
      this.#receive(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
      this.#events.onFrame(this)
    })
    socket.on('error', () => {}) // followed by `close`
    socket.on('close', (code, reason) => {
      this.closed = true
      this.ready = false
      // A killed server closes nothing: whatever has a code of its own was said.
      if (code !== 1006) this.#events.onProblem(`${this.name}: closed by ${code} ${reason}`)
    })
  }

  /** Nothing is sent or received any more. */
  leave(): void {
    this.ready = false
    this.closed = true
    this.#socket?.removeAllListeners()
    this.#socket?.on('error', () => {})
    this.#socket?.terminate()
  }

  #receive(bytes: Uint8Array): void {
    const frame = decodeFrame(bytes)
    switch (frame?.type) {
      case 'sync-step-1':
        this.#sendChange({ type: 'sync-step-2', update: Y.encodeStateAsUpdate(this.doc, frame.stateVector) })
        this.ready = true
        return
      case 'sync-step-2':
        Y.applyUpdate(this.doc, frame.update, this)
        this.synced = true
        return
      case 'update':
        return Y.applyUpdate(this.doc, frame.update, this)
      case 'control':
        return this.#control(frame.control)
      case 'awareness':
        return
      case 'auth':
      case 'query-awareness':
      case undefined:
        return this.#events.onProblem(`${this.name}: the server sent ${frame ? frame.type : 'bytes that are no frame'}`)
    }
  }

  #control(control: Control): void {
    switch (control.kind) {
      case 'hello':
        if (this.#epoch !== null && this.#epoch !== control.epoch) this.#events.onProblem(`${this.name}: another epoch`)
        this.#epoch = control.epoch
        return
      case 'saved':
        while (this.#marks.length > 0 && this.#marks[0]!.frame <= control.frames) this.acknowledged = this.#marks.shift()!.made
        return
      case 'result':
        if (control.outcome.status === 'refused') this.#events.onProblem(`${this.name}: ${control.requestId} was refused: ${control.outcome.reason}`)
        return
      case 'refused':
        return this.#events.onProblem(`${this.name}: frame ${control.frame} was refused: ${control.reason}`)
      case 'draining':
      case 'role':
    }
  }

  /** Sends a frame that is counted; once it is acknowledged, so is everything made before it. */
  #sendChange(frame: Frame): void {
    this.#marks.push({ frame: ++this.#sent, made: this.made })
    this.#send(frame)
  }

  #send(frame: Frame): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(encodeFrame(frame))
  }
}
