/** Decompresses Snappy's raw format, as LevelDB's tables use it. Source: `format_description.txt` of Snappy. */
import * as decoding from 'lib0/decoding'

/** @returns `whole` is false when the bytes are no such stream: then they are what came before the damage */
export const decompress = (bytes: Uint8Array): { bytes: Uint8Array, whole: boolean } => {
  const input = decoding.createDecoder(bytes)
  let output = new Uint8Array()
  let at = 0
  try {
    const length = decoding.readVarUint(input)
    output = new Uint8Array(Math.min(length, bytes.length * MOST_EXPANDED))
    while (decoding.hasContent(input)) {
      const tag = decoding.readUint8(input)
      const copied = (tag & 3) === 0 ? copyLiteral(input, tag, output, at) : copyEarlier(input, tag, output, at)
      if (copied === null) break
      at += copied
    }
    return { bytes: output.subarray(0, at), whole: at === length }
  } catch (_cutOff) {
    return { bytes: output.subarray(0, at), whole: false }
  }
}

/** A copy of 64 bytes takes 3. */
const MOST_EXPANDED = 64

const copyLiteral = (input: decoding.Decoder, tag: number, output: Uint8Array, at: number): number | null => {
  const short = tag >> 2
  const length = (short < 60 ? short : readLittleEndian(input, short - 59)) + 1
  if (at + length > output.length) return null
  output.set(decoding.readUint8Array(input, length), at)
  return length
}

/** What is copied may reach into what this very copy writes. */
const copyEarlier = (input: decoding.Decoder, tag: number, output: Uint8Array, at: number): number | null => {
  const near = (tag & 3) === 1
  const length = near ? (tag >> 2 & 7) + 4 : (tag >> 2) + 1
  const back = near ? (tag >> 5) * 256 + decoding.readUint8(input) : readLittleEndian(input, (tag & 3) === 2 ? 2 : 4)
  if (back === 0 || back > at || at + length > output.length) return null
  for (let i = 0; i < length; i++) output[at + i] = output[at + i - back]!
  return length
}

const readLittleEndian = (input: decoding.Decoder, bytes: number): number => {
  let value = 0
  for (let i = 0; i < bytes; i++) value += decoding.readUint8(input) * 256 ** i
  return value
}
