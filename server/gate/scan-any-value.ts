/** Walks one value of lib0's `any` encoding without recursion and without building it. */
import { limits } from '../../shared/limits.ts'
import { MANY_KEYS, price } from './budget.ts'
import type { Budget } from './budget.ts'
import { Malformed } from './byte-reader.ts'
import type { ByteReader } from './byte-reader.ts'
import type { Judged } from './verdict.ts'

/** Type bytes of lib0's `writeAny`. */
const any = {
  undefined: 127, null: 126, integer: 125, float32: 124, float64: 123, bigint: 122, false: 121, true: 120,
  string: 119, object: 118, array: 117, bytes: 116
} as const

/** An array or object whose end is not reached yet. */
interface Open {
  left: number
  isObject: boolean
  /** Null until there is one. */
  keys: Set<string> | null
}

/**
 * Refuses what has no JSON (big integers; bytes in a conversation), nesting beyond `limits.jsonDepth`, `__proto__` keys and a key given
 * twice. Undefined and non-finite numbers pass here, because a client may relay such a value that is stored already: the
 * judge refuses them in new structs of a conversation.
 */
export const scanAnyValue = (reader: ByteReader, kind: Judged, budget: Budget): void => {
  const first = scanOne(reader, kind, budget)
  if (!first) return
  budget.spend(price.container)
  if (first.left === 0) return
  const open: Open[] = [first]
  do {
    const container = open.at(-1)!
    container.left--
    if (container.isObject) {
      const key = scanKey(reader, container.keys ??= new Set())
      const isPlain = container.keys.size <= MANY_KEYS && !budget.isNewKey(key)
      budget.spend(isPlain ? price.key : price.key + price.newKey)
    }
    const entered = scanOne(reader, kind, budget)
    if (entered) {
      budget.spend(price.container)
      open.push(entered)
      if (open.length > limits.jsonDepth) throw new Malformed('A value is nested too deeply.')
    }
    while (open.length > 0 && open.at(-1)!.left === 0) open.pop()
  } while (open.length > 0)
}

const scanKey = (reader: ByteReader, keys: Set<string>): string => {
  const key = reader.readString()
  if (key === '__proto__') throw new Malformed('A value has the key __proto__.')
  if (keys.has(key)) throw new Malformed('A value has one key twice.')
  keys.add(key)
  return key
}

const scanOne = (reader: ByteReader, kind: Judged, budget: Budget): Open | null => {
  budget.spend(price.value)
  switch (reader.readByte()) {
    case any.undefined:
    case any.null:
    case any.false:
    case any.true:
      return null
    case any.integer:
      reader.skipSignedNumber()
      return null
    case any.float32:
      budget.spend(price.valueOfOwn)
      reader.skip(4)
      return null
    case any.float64:
      budget.spend(price.valueOfOwn)
      reader.skip(8)
      return null
    case any.string:
      budget.spend(price.valueOfOwn)
      reader.skipString()
      return null
    case any.object:
      return { left: reader.readCount(2), isObject: true, keys: null }
    case any.array:
      return { left: reader.readCount(1), isObject: false, keys: null }
    case any.bytes:
      if (kind === 'conversation') throw new Malformed('A value of a conversation holds bytes.')
      reader.skipBytes()
      return null
    case any.bigint:
      throw new Malformed('A value holds a big integer, which JSON does not have.')
    default:
      throw new Malformed('A value is of a type that does not exist.')
  }
}

/** Passes over a value that is known already: all that counts is where it ends. */
export const skipAnyValue = (reader: ByteReader, kind: Judged, budget: Budget): void => {
  const open: Open[] = []
  do {
    const container = open.at(-1)
    if (container) {
      container.left--
      if (container.isObject) reader.skipString()
    }
    const entered = scanOne(reader, kind, budget)
    if (entered) open.push(entered)
    while (open.length > 0 && open.at(-1)!.left === 0) open.pop()
  } while (open.length > 0)
}
