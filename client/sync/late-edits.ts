/**
 * Late edits: what a person typed into a shared draft and the message that was sent from it does not hold. Pure.
 *
 * A message is what its sender saw, so letters of others may be missing in it, and the message does not say which. Therefore the letters
 * of the draft are aligned with its text, as many as possible. Where that can be had in more than one way, letters that the sender had
 * not got yet are the last that their client wrote, and of as few clients as possible; and then the letters of others stand in the
 * message first. So of two equal letters, one sent and one late, the own one comes back: rather twice than never.
 */
import { digest } from 'lib0/hash/sha256'
import * as Y from 'yjs'
import type { SharedDraftHead } from '../../shared/conversation/write.ts'
import { putSharedDraft } from '../../shared/conversation/write.ts'
import { uuidFromDigest } from '../../shared/ids.ts'
import type { DraftId } from '../../shared/ids.ts'

/** One character (a code point) of a draft. */
export interface Letter {
  char: string
  /** The Yjs client that wrote it, and that client's clock then. */
  client: number
  clock: number
  /** This person typed it, and as far as known it stands nowhere else. */
  own: boolean
}

/** Above this many pairs (4 MB of memory, some 20 ms) only what differs is aligned, and where that is too much it all comes back. */
const MAX_PAIRS = 4_000_000
/** More than the fewest letters of any alignment within {@link MAX_PAIRS}, so that one more match outweighs any number of own ones. */
const MATCH = 4096

/** Letters compared while looking for who was late; some 20 ms. */
const MAX_COMPARED = 3_000_000
/** Beside what differs, in long texts: a difference can often be had some letters earlier or later. */
const MARGIN = 200

/** The letters, those that stand in the text no longer own. A text that shares less than half with them was not made of them. */
export const withoutSealed = (letters: readonly Letter[], text: string): Letter[] => {
  const chars = [...text]
  const aligned = align(letters, chars)
  if (aligned.size * 2 < Math.min(letters.length, chars.length)) return [...letters]
  const late = aligned.size < letters.length ? lastOfTheirClients(letters, chars, letters.length - aligned.size) : null
  return letters.map((letter, i) => (late ? !late(i) : aligned.has(i)) ? { ...letter, own: false } : letter)
}

export const ownText = (letters: readonly Letter[]): string => letters.flatMap(({ char, own }) => own ? [char] : []).join('')

/** So many letters, the last ones of each client, own ones first, without which the rest stands in the text; null: there are none. */
const lastOfTheirClients = (letters: readonly Letter[], chars: readonly string[], count: number): ((i: number) => boolean) | null => {
  const clients = [...Map.groupBy(letters.keys(), i => letters[i]!.client).values()]
    .map(indexes => indexes.sort((a, b) => letters[b]!.clock - letters[a]!.clock))
    .sort((a, b) => Number(letters[b[0]!]!.own) - Number(letters[a[0]!]!.own) || a[0]! - b[0]!)
  const place = new Map(clients.flatMap((indexes, client) => indexes.map((i, fromLast) => [i, { client, fromLast }] as const)))
  let compared = 0
  for (const counts of fewestFirst(clients.map(({ length }) => length), count)) {
    const isLate = (i: number): boolean => place.get(i)!.fromLast < counts[place.get(i)!.client]!
    let i = 0
    for (let j = 0; i < letters.length; i++) {
      if (isLate(i)) continue
      while (j < chars.length && chars[j] !== letters[i]!.char && letters.length - count < chars.length) j++
      if (chars[j++] !== letters[i]!.char) break
    }
    if (i === letters.length) return isLate
    compared += i + 1
    if (compared > MAX_COMPARED) return null
  }
  return null
}

/** All ways to take `total` from places that hold at most so many: from few places first, and from the first ones before the others. */
function * fewestFirst(most: readonly number[], total: number): Generator<number[]> {
  for (let places = 1; places <= most.length; places++) yield * sums(most, total, places)
}

function * sums(most: readonly number[], total: number, places: number): Generator<number[]> {
  const [first, ...rest] = most
  if (first === undefined) {
    if (total === 0 && places === 0) yield []
    return
  }
  const others = rest.reduce((sum, each) => sum + each, 0)
  for (let n = Math.min(first, total); n >= Math.max(0, total - others); n--) {
    if (n === 0 || places > 0) for (const tail of sums(rest, total - n, places - Number(n > 0))) yield [n, ...tail]
  }
}

/** @returns indexes of the letters that stand in the text */
const align = (letters: readonly Letter[], chars: readonly string[]): Set<number> => {
  if (letters.length * chars.length <= MAX_PAIRS) return alignAll(letters, chars, 0)
  const same = (i: number, j: number): boolean => letters[i]!.char === chars[j]
  const shorter = Math.min(letters.length, chars.length)
  let start = 0
  while (start < shorter && same(start, start)) start++
  let end = 0
  while (end < shorter && same(letters.length - 1 - end, chars.length - 1 - end)) end++
  start = Math.max(0, Math.min(start, shorter - end) - MARGIN)
  end = Math.max(0, Math.min(end, shorter - start) - MARGIN)
  const rest = [letters.slice(start, letters.length - end), chars.slice(start, chars.length - end)] as const
  const sealed = rest[0].length * rest[1].length <= MAX_PAIRS ? alignAll(...rest, start) : new Set<number>()
  for (let i = 0; i < start; i++) sealed.add(i)
  for (let i = letters.length - end; i < letters.length; i++) sealed.add(i)
  return sealed
}

/** The longest common subsequence with the fewest own letters in it. @param offset is added to the indexes */
const alignAll = (letters: readonly Letter[], chars: readonly string[], offset: number): Set<number> => {
  const width = chars.length
  const matches = new Uint8Array(letters.length * width)
  const skipsLetter = new Uint8Array(letters.length * width)
  let below = new Int32Array(width + 1)
  for (let i = letters.length - 1; i >= 0; i--) {
    const { char, own } = letters[i]!
    const row = new Int32Array(width + 1)
    for (let j = width - 1; j >= 0; j--) {
      const match = char === chars[j] ? below[j + 1]! + MATCH - Number(own) : -1
      const skip = Math.max(below[j]!, row[j + 1]!)
      row[j] = Math.max(match, skip)
      if (match >= skip) matches[i * width + j] = 1
      else if (below[j]! >= row[j + 1]!) skipsLetter[i * width + j] = 1
    }
    below = row
  }
  const found = new Set<number>()
  for (let i = 0, j = 0; i < letters.length && j < width;) {
    const at = i * width + j
    if (matches[at]) found.add(offset + i)
    if (matches[at] || skipsLetter[at]) i++
    if (matches[at] || !skipsLetter[at]) j++
  }
  return found
}

export interface Reopening {
  id: DraftId
  /** The Yjs client id of its own under which it is written. */
  client: number
  update: Uint8Array
}

/**
 * The update that opens a person's late edits as a draft. Its ids derive from what it says, so that it is the same bytes on every tab and
 * device of the person that finds the same edits: opened twice is opened once, and opened again after it was sent or dropped is nothing.
 * @param from the draft that is gone
 */
export const reopening = (from: DraftId, head: SharedDraftHead, text: string): Reopening => {
  // The number goes up when `putSharedDraft` writes in another way: equal ids must mean equal structs.
  const cause = ['late edits 1', from, head.authorId, head.parentId, head.createdAt, text]
  const hash = digest(new TextEncoder().encode(JSON.stringify(cause)))
  const id = uuidFromDigest(hash) as DraftId
  const doc = new Y.Doc()
  doc.clientID = new DataView(hash.buffer, hash.byteOffset).getUint32(16)
  putSharedDraft(doc, id, head, text)
  const update = Y.encodeStateAsUpdate(doc)
  doc.destroy()
  return { id, client: doc.clientID, update }
}
