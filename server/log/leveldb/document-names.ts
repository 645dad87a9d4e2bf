/** Finds the documents whose keys stand in bytes that are damaged, where nothing around the keys can be relied upon. */
import * as decoding from 'lib0/decoding'
import type { DocumentName } from '../../../shared/ids.ts'

/** A string in a key of ours: its kind, its length (one byte, or two beyond 127), the name. */
const NAMED = /\0([\x01-\x7f]|[\x80-\xff]\x01)((?:conversation|artifact|home)\/[A-Za-z0-9_-]{1,128})/g
/** The beginning of a record's key in y-leveldb's layout, which holds names of other programs too. */
const RECORD = Buffer.from('\0\x02v1\0', 'latin1')

export const documentNamesIn = (bytes: Uint8Array): DocumentName[] => {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const names = new Set<string>()
  for (const [, length = '', name = ''] of text.toString('latin1').matchAll(NAMED)) {
    names.add(name.slice(0, decoding.readVarUint(decoding.createDecoder(Buffer.from(length, 'latin1')))))
  }
  for (let at = text.indexOf(RECORD); at >= 0; at = text.indexOf(RECORD, at + 1)) {
    const name = readString(text.subarray(at + RECORD.length))
    if (name !== null) names.add(name)
  }
  return [...names] as DocumentName[]
}

const readString = (bytes: Uint8Array): string | null => {
  try {
    return decoding.readVarString(decoding.createDecoder(bytes))
  } catch (_cutOff) {
    return null
  }
}
