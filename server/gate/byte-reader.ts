/** Reads the primitives of lib0's encoding from bytes nobody vouches for: every read ends inside the bytes or throws {@link Malformed}. */
import { isUtf8 } from 'node:buffer'

/** The bytes are not what Yjs's encoder writes. Only the scan throws and catches it. */
export class Malformed extends Error {}

/** 2^53 − 1 fills eight groups of seven bits; lib0 would follow a longer run of padding until its multiplier is Infinity. */
const MAX_VARINT_BYTES = 8

export class ByteReader {
  readonly bytes: Buffer
  position = 0

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
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

  /** UTF-8 behind its length. Invalid bytes are refused: replacing them would give every reader another text. */
  readString(): string {
    const start = this.skip(this.readNumber())
    if (this.#isAscii(start)) return this.bytes.toString('latin1', start, this.position)
    this.#checkUtf8(start)
    return this.bytes.toString('utf8', start, this.position)
  }

  /** Passes a text without making it. @returns its length in UTF-16 units, as JavaScript and Yjs's clocks count */
  skipString(): number {
    const start = this.skip(this.readNumber())
    if (this.#isAscii(start)) return this.position - start
    this.#checkUtf8(start)
    let units = 0
    for (let i = start; i < this.position; i++) {
      const byte = this.bytes[i]!
      if (byte < 0x80 || byte > 0xbf) units += byte < 0xf0 ? 1 : 2
    }
    return units
  }

  skipBytes(): void {
    this.skip(this.readNumber())
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

  /** @returns where the bytes that were passed begin */
  skip(length: number): number {
    if (length > this.remaining) throw new Malformed('A length reaches beyond the end of the bytes.')
    const start = this.position
    this.position += length
    return start
  }

  #isAscii(start: number): boolean {
    for (let i = start; i < this.position; i++) if (this.bytes[i]! > 0x7f) return false
    return true
  }

  #checkUtf8(start: number): void {
    if (!isUtf8(this.bytes.subarray(start, this.position))) throw new Malformed('A text is not valid UTF-8.')
  }
}

const safe = (value: number): number => {
  if (value > Number.MAX_SAFE_INTEGER) throw new Malformed('A number is larger than a double holds exactly.')
  return value
}
