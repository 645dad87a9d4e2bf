/** Walks the content of one item, by the content references of Yjs's V1 encoding. */
import { BYTES_PER_STEP } from './budget.ts'
import type { Budget } from './budget.ts'
import { Malformed } from './byte-reader.ts'
import type { ByteReader } from './byte-reader.ts'
import { scanAnyValue, skipAnyValue } from './scan-any-value.ts'
import { scanJsonText } from './scan-json-text.ts'
import type { Judged } from './verdict.ts'

/** Yjs's content references (`getRef` of each content class), which are the low five bits of a struct's first byte. */
export const contentRef = {
  gc: 0, deleted: 1, json: 2, binary: 3, string: 4, embed: 5, format: 6, type: 7, any: 8, doc: 9, skip: 10
} as const

/** Yjs's type references; those from `xmlElement` on are XML. Element and hook are followed by a name. */
const typeRef = { array: 0, map: 1, text: 2, xmlElement: 3, xmlFragment: 4, xmlHook: 5, xmlText: 6 } as const

/**
 * @param known clocks from the content's first one on that the document knows; what is known whole is passed over
 * @returns how many clocks the content takes: the same number Yjs's `getLength` will give
 */
export const scanContent = (reader: ByteReader, ref: number, kind: Judged, budget: Budget, known: number): number => {
  const start = reader.position
  const length = readContent(reader, ref, kind, budget, known)
  if (length > known) budget.spend(Math.floor((reader.position - start) / BYTES_PER_STEP))
  return length
}

const readContent = (reader: ByteReader, ref: number, kind: Judged, budget: Budget, known: number): number => {
  switch (ref) {
    case contentRef.deleted:
      return scanLength(reader)
    case contentRef.string: {
      const length = reader.skipString()
      if (length === 0) throw new Malformed('A text of length 0 stands in the update.')
      return length
    }
    case contentRef.any: {
      const count = reader.readCount(1)
      if (count === 0) throw new Malformed('An item without values stands in the update.')
      const readValue = count <= known ? skipAnyValue : scanAnyValue
      for (let i = 0; i < count; i++) readValue(reader, kind, budget)
      return count
    }
    case contentRef.embed:
      readJsonText(reader, budget, known)
      return 1
    case contentRef.format:
      scanName(reader)
      readJsonText(reader, budget, known)
      return 1
    case contentRef.binary:
      if (kind === 'conversation') throw new Malformed('A conversation holds no binary content.')
      reader.skipBytes()
      return 1
    case contentRef.type:
      scanType(reader, kind)
      return 1
    case contentRef.json:
      throw new Malformed('JSON content is a form that Yjs no longer writes.')
    case contentRef.doc:
      throw new Malformed('Documents inside documents are not taken.')
    default:
      throw new Malformed('An item has content of an unknown kind.')
  }
}

const readJsonText = (reader: ByteReader, budget: Budget, known: number): void => {
  if (known > 0) reader.skipBytes()
  else scanJsonText(reader.readString(), budget)
}

/** A length of clocks; nothing that takes none may stand in an update, since Yjs never finds it again. */
export const scanLength = (reader: ByteReader): number => {
  const length = reader.readNumber()
  if (length === 0) throw new Malformed('A struct of length 0 stands in the update.')
  return length
}

/** The key of a map, of a format, or the name of a root: readers make objects with it. */
export const scanName = (reader: ByteReader): string => {
  const name = reader.readString()
  if (name === '__proto__') throw new Malformed('A name is __proto__.')
  return name
}

const scanType = (reader: ByteReader, kind: Judged): void => {
  const ref = reader.readNumber()
  if (ref > typeRef.xmlText) throw new Malformed('An item holds a type that does not exist.')
  if (kind === 'conversation' && ref >= typeRef.xmlElement) throw new Malformed('A conversation holds no XML.')
  if (ref === typeRef.xmlElement || ref === typeRef.xmlHook) scanName(reader)
}
