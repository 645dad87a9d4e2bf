/** Writes updates of Yjs's V1 form by hand, above all those that no client would write. */
import * as encoding from 'lib0/encoding'

export type Id = readonly [client: number, clock: number]

/** The content of an item: its reference and its bytes. */
export interface Content {
  ref: number
  bytes: Uint8Array
}

export interface ItemSpec {
  origin?: Id | null
  rightOrigin?: Id | null
  /** The name of a root, or the id of the item that holds the type; only written when there are no origins. */
  parent?: string | Id
  key?: string | null
  content: Content
}

export type StructSpec = { gc: number } | { skip: number } | { raw: Uint8Array } | ItemSpec

export interface BlockSpec {
  client: number
  clock: number
  structs: StructSpec[]
  /** Lies about the number of structs. */
  count?: number
}

export interface UpdateSpec {
  blocks?: BlockSpec[]
  deletes?: { client: number, ranges: (readonly [clock: number, length: number])[], count?: number }[]
  /** Lie about the numbers of clients. */
  blockCount?: number
  deleteCount?: number
  trailing?: Uint8Array
}

type Write = (encoder: encoding.Encoder) => void

export const encode = (write: Write): Uint8Array => {
  const encoder = encoding.createEncoder()
  write(encoder)
  return encoding.toUint8Array(encoder)
}

const content = (ref: number, write: Write): Content => ({ ref, bytes: encode(write) })

export const deleted = (length: number): Content => content(1, encoder => encoding.writeVarUint(encoder, length))
export const legacyJson = (...texts: string[]): Content => content(2, encoder => {
  encoding.writeVarUint(encoder, texts.length)
  for (const text of texts) encoding.writeVarString(encoder, text)
})
export const binary = (bytes: Uint8Array): Content => content(3, encoder => encoding.writeVarUint8Array(encoder, bytes))
export const text = (value: string): Content => content(4, encoder => encoding.writeVarString(encoder, value))
export const rawText = (bytes: Uint8Array): Content => content(4, encoder => encoding.writeVarUint8Array(encoder, bytes))
export const embed = (json: string): Content => content(5, encoder => encoding.writeVarString(encoder, json))
export const format = (key: string, json: string): Content => content(6, encoder => {
  encoding.writeVarString(encoder, key)
  encoding.writeVarString(encoder, json)
})
export const typeNames = ['array', 'map', 'text', 'xml-element', 'xml-fragment', 'xml-hook', 'xml-text'] as const
export const type = (name: typeof typeNames[number] | number): Content => content(7, encoder => {
  const ref = typeof name === 'number' ? name : typeNames.indexOf(name)
  encoding.writeVarUint(encoder, ref)
  if (ref === 3 || ref === 5) encoding.writeVarString(encoder, 'div')
})
/** Values that lib0 can write. */
export const any = (...values: unknown[]): Content => anyOf(values)
/** Of more values than a call takes arguments. */
export const anyOf = (values: readonly unknown[]): Content => content(8, encoder => {
  encoding.writeVarUint(encoder, values.length)
  for (const value of values) encoding.writeAny(encoder, value as Parameters<typeof encoding.writeAny>[1])
})
/** One value given as bytes of lib0's `any` encoding. */
export const rawAny = (bytes: Uint8Array, count = 1): Content => content(8, encoder => {
  encoding.writeVarUint(encoder, count)
  encoding.writeUint8Array(encoder, bytes)
})
export const subdocument = (guid: string): Content => content(9, encoder => {
  encoding.writeVarString(encoder, guid)
  encoding.writeAny(encoder, {})
})

const writeId = (encoder: encoding.Encoder, [client, clock]: Id): void => {
  encoding.writeVarUint(encoder, client)
  encoding.writeVarUint(encoder, clock)
}

const writeItem = (encoder: encoding.Encoder, { origin = null, rightOrigin = null, parent = 'requests', key = null, content }: ItemSpec): void => {
  encoding.writeUint8(encoder, content.ref | (origin ? 0x80 : 0) | (rightOrigin ? 0x40 : 0) | (key !== null ? 0x20 : 0))
  if (origin) writeId(encoder, origin)
  if (rightOrigin) writeId(encoder, rightOrigin)
  if (!origin && !rightOrigin) {
    encoding.writeVarUint(encoder, typeof parent === 'string' ? 1 : 0)
    if (typeof parent === 'string') encoding.writeVarString(encoder, parent)
    else writeId(encoder, parent)
    if (key !== null) encoding.writeVarString(encoder, key)
  }
  encoding.writeUint8Array(encoder, content.bytes)
}

const writeStruct = (encoder: encoding.Encoder, struct: StructSpec): void => {
  if ('gc' in struct) {
    encoding.writeUint8(encoder, 0)
    encoding.writeVarUint(encoder, struct.gc)
  } else if ('skip' in struct) {
    encoding.writeUint8(encoder, 10)
    encoding.writeVarUint(encoder, struct.skip)
  } else if ('raw' in struct) {
    encoding.writeUint8Array(encoder, struct.raw)
  } else {
    writeItem(encoder, struct)
  }
}

export const writeUpdate = ({ blocks = [], deletes = [], blockCount, deleteCount, trailing }: UpdateSpec): Uint8Array => encode(encoder => {
  encoding.writeVarUint(encoder, blockCount ?? blocks.length)
  for (const { client, clock, structs, count } of blocks) {
    encoding.writeVarUint(encoder, count ?? structs.length)
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, clock)
    for (const struct of structs) writeStruct(encoder, struct)
  }
  encoding.writeVarUint(encoder, deleteCount ?? deletes.length)
  for (const { client, ranges, count } of deletes) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, count ?? ranges.length)
    for (const [clock, length] of ranges) {
      encoding.writeVarUint(encoder, clock)
      encoding.writeVarUint(encoder, length)
    }
  }
  if (trailing) encoding.writeUint8Array(encoder, trailing)
})

/** One block of one client. */
export const oneBlock = (client: number, clock: number, ...structs: StructSpec[]): Uint8Array =>
  writeUpdate({ blocks: [{ client, clock, structs }] })
