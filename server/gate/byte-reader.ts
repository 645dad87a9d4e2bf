/** Reads the primitives of lib0's encoding from bytes nobody vouches for: every read ends inside the bytes or throws {@link Malformed}. */

/** The bytes are not what Yjs's encoder writes. Only the scan throws and catches it. */
export class Malformed extends Error {}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** 2^53 − 1 fills eight groups of seven bits; lib0 would follow a longer run of padding until its multiplier is Infinity. */
const MAX_VARINT_BYTES = 8

export class ByteReader {
  readonly bytes: Uint8Array
  position = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get remaining(): number {
    return this.bytes.length - this.position
  }

  readByte(): number {
    const byte = this.bytes[this.position]
    if (byte === undefined) throw new Malformed('The bytes end in the middle of a value.')
    this.position++
    return byte
  }

  /** lib0's `readVarUint`, but bounded: at most eight bytes, at most `Number.MAX_SAFE_INTEGER`. */
  readNumber(): number {
    let value = 0
    let unit = 1
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.readByte()
      value += (byte & 0x7f) * unit
      if (byte < 0x80) return safe(value)
      unit *= 128
    }
    throw new Malformed('A number is longer than eight bytes.')
  }

  /** lib0's `readVarInt`: the first byte holds a sign and six bits. The value itself is never needed, only that it is safe. */
  skipSignedNumber(): void {
    const first = this.readByte()
    let value = first & 0x3f
    let unit = 64
    let byte = first
    for (let i = 0; byte >= 0x80; i++) {
      if (i === MAX_VARINT_BYTES) throw new Malformed('A number is longer than nine bytes.')
      byte = this.readByte()
      value += (byte & 0x7f) * unit
      unit *= 128
    }
    safe(value)
  }

  readFloat32(): number {
    return this.#view(4).getFloat32(0, false)
  }

  readFloat64(): number {
    return this.#view(8).getFloat64(0, false)
  }

  /** UTF-8 behind its length. Invalid bytes are refused: replacing them would give every reader another text. */
  readString(): string {
    const bytes = this.#take(this.readNumber())
    try {
      return utf8.decode(bytes)
    } catch {
      throw new Malformed('A text is not valid UTF-8.')
    }
  }

  skipBytes(): void {
    this.#take(this.readNumber())
  }

  /**
   * A number of things that follow. It is checked against the bytes that are left, since readers allocate by it.
   * @param least bytes that one of the things takes at the very least
   */
  readCount(least: number): number {
    const count = this.readNumber()
    if (count * least > this.remaining) throw new Malformed('A count promises more than the bytes hold.')
    return count
  }

  #take(length: number): Uint8Array {
    if (length > this.remaining) throw new Malformed('A length reaches beyond the end of the bytes.')
    const start = this.position
    this.position += length
    return this.bytes.subarray(start, this.position)
  }

  #view(length: number): DataView {
    const bytes = this.#take(length)
    return new DataView(bytes.buffer, bytes.byteOffset, length)
  }
}

const safe = (value: number): number => {
  if (value > Number.MAX_SAFE_INTEGER) throw new Malformed('A number is larger than a double holds exactly.')
  return value
}
