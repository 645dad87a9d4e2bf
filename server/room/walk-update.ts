/**
 * Walks the structs of an update (V1) without building them. Bytes that end too early throw, at the latest where the next thing should
 * stand; what else is wrong with them, the gate finds. Source: Yjs `src/utils/encoding.js`, `src/structs`.
 */
import * as decoding from 'lib0/decoding'

export interface Id {
  client: number
  clock: number
}

const [GC, DELETED, JSON_VALUES, BINARY, EMBED, FORMAT, TYPE, DOC] = [0, 1, 2, 3, 5, 6, 7, 9] as const
export const SKIP = 10
export const STRING = 4
export const ANY = 8
const [XML_ELEMENT, XML_HOOK] = [3, 5] as const

/** Of the byte that a struct begins with. */
export const [KIND, HAS_KEY, HAS_RIGHT, HAS_LEFT] = [31, 32, 64, 128] as const

const NOTHING = new Uint8Array()

/**
 * What stands between the first byte of a struct and its content.
 * @returns the right origin as it stands there, all that the struct names, and whether it names the type that it stands in, as the first
 *   entries of a type do
 */
export const readHeader = (input: decoding.Decoder, info: number): { right: Uint8Array, named: Id[], inType: boolean } => {
  const named: Id[] = []
  if ((info & KIND) === GC || (info & KIND) === SKIP) return { right: NOTHING, named, inType: false }
  if (info & HAS_LEFT) named.push(readId(input))
  const from = input.pos
  if (info & HAS_RIGHT) named.push(readId(input))
  const right = input.arr.subarray(from, input.pos)
  if (info & (HAS_LEFT | HAS_RIGHT)) return { right, named, inType: false }
  const inType = decoding.readVarUint(input) !== 1
  if (inType) named.push(readId(input))
  else skipBytes(input)
  if (info & HAS_KEY) skipBytes(input)
  return { right, named, inType }
}

/**
 * The id of the request that a struct brings, null when it brings none; the reader stays where it is. One that overwrites another request
 * names that instead of its id.
 */
export const readRequestId = ({ arr, pos }: decoding.Decoder, info: number): string | null => {
  if ((info & KIND) === GC || (info & KIND) === SKIP || (info & (HAS_LEFT | HAS_RIGHT)) || !(info & HAS_KEY)) return null
  const input = decoding.createDecoder(arr)
  input.pos = pos
  if (decoding.readVarUint(input) !== 1) return null
  const isRequest = decoding.readVarString(input) === 'requests'
  return isRequest ? decoding.readVarString(input) : null
}

const readId = (input: decoding.Decoder): Id => ({ client: decoding.readVarUint(input), clock: decoding.readVarUint(input) })

/** @returns how many clocks it takes; 0 of a text, where that takes reading it */
export const skipContent = (input: decoding.Decoder, kind: number): number => {
  switch (kind) {
    case GC:
    case DELETED:
    case SKIP:
      return decoding.readVarUint(input)
    case JSON_VALUES:
      return skipTimes(decoding.readVarUint(input), () => skipBytes(input))
    case ANY:
      return skipTimes(decoding.readVarUint(input), () => skipAny(input))
    case STRING:
      skipBytes(input)
      return 0
    case BINARY:
    case EMBED:
      skipBytes(input)
      return 1
    case FORMAT:
      skipTimes(2, () => skipBytes(input))
      return 1
    case TYPE: {
      const type = decoding.readVarUint(input)
      if (type === XML_ELEMENT || type === XML_HOOK) skipBytes(input)
      return 1
    }
    case DOC:
      skipBytes(input)
      skipAny(input)
      return 1
    default:
      throw new Error(`There is no struct of kind ${kind}.`)
  }
}

/** One value of lib0's `any` encoding. Source: lib0 `decoding.js`. */
export const skipAny = (input: decoding.Decoder): void => {
  mustGoOn(input, 1)
  switch (decoding.readUint8(input)) {
    case 125:
      decoding.readVarInt(input)
      break
    case 124:
      input.pos += 4
      break
    case 123:
    case 122:
      input.pos += 8
      break
    case 119:
    case 116:
      skipBytes(input)
      break
    case 118:
      skipTimes(decoding.readVarUint(input), () => {
        skipBytes(input)
        skipAny(input)
      })
      break
    case 117:
      skipTimes(decoding.readVarUint(input), () => skipAny(input))
  }
}

const skipTimes = (count: number, skip: () => void): number => {
  for (let n = 0; n < count; n++) skip()
  return count
}

const skipBytes = (input: decoding.Decoder): void => {
  const length = decoding.readVarUint(input)
  mustGoOn(input, length)
  input.pos += length
}

const mustGoOn = (input: decoding.Decoder, bytes: number): void => {
  if (input.pos + bytes > input.arr.length) throw new Error('The update ends too early.')
}

/** @returns the first place from `at` on where a UTF-8 letter ends, `end` at the latest */
export const endOfLetter = (bytes: Uint8Array, at: number, end: number): number => {
  let place = at
  while (place < end && (bytes[place]! & 0xc0) === 0x80) place++
  return place
}

/** Length in UTF-16 units, as Yjs counts. */
export const lettersIn = (bytes: Uint8Array, from: number, to: number): number => {
  let letters = 0
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!
    if ((byte & 0xc0) !== 0x80) letters += byte >= 0xf0 ? 2 : 1
  }
  return letters
}
