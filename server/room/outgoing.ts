/** Frames on their way to one socket or a thousand: what goes over the wire, WebSocket headers included, is built once for all of them. */

/** RFC 6455: a whole message of bytes; a server does not mask. */
const WHOLE_BINARY = 0x82
const TWO_BYTE_LENGTH = 126
const EIGHT_BYTE_LENGTH = 127

export class Outgoing {
  #frames: readonly Uint8Array[]
  #wire: Uint8Array | null = null

  /** @param frames of the sync protocol, in order; they leave together */
  constructor(...frames: readonly Uint8Array[]) {
    this.#frames = frames
  }

  get frames(): readonly Uint8Array[] {
    return this.#frames
  }

  get bytes(): number {
    return this.#frames.reduce((sum, { length }) => sum + length, 0)
  }

  /** The frames as a WebSocket carries them. Shared by all readers: not to be changed. */
  get wire(): Uint8Array {
    if (!this.#wire) {
      this.#wire = concatenated(this.#frames)
      // In memory once: they may be a whole document.
      this.#frames = partsOf(this.#wire, this.#frames)
    }
    return this.#wire
  }
}

const concatenated = (frames: readonly Uint8Array[]): Uint8Array => {
  const wire = Buffer.allocUnsafeSlow(frames.reduce((sum, { length }) => sum + headerLength(length) + length, 0))
  let at = 0
  for (const frame of frames) {
    at = writeHeader(wire, at, frame.length)
    wire.set(frame, at)
    at += frame.length
  }
  return wire
}

const headerLength = (length: number): number => length < TWO_BYTE_LENGTH ? 2 : length < 65_536 ? 4 : 10

/** @returns where the payload begins */
const writeHeader = (wire: Buffer, at: number, length: number): number => {
  wire[at] = WHOLE_BINARY
  switch (headerLength(length)) {
    case 2:
      wire[at + 1] = length
      return at + 2
    case 4:
      wire[at + 1] = TWO_BYTE_LENGTH
      return wire.writeUInt16BE(length, at + 2)
    default:
      wire[at + 1] = EIGHT_BYTE_LENGTH
      return wire.writeBigUInt64BE(BigInt(length), at + 2)
  }
}

const partsOf = (wire: Uint8Array, frames: readonly Uint8Array[]): Uint8Array[] => {
  let at = 0
  return frames.map(({ length }) => {
    at += headerLength(length) + length
    return new Uint8Array(wire.buffer, wire.byteOffset + at - length, length)
  })
}
