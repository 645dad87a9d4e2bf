/**
 * What was seen and acknowledged of each lineage (epoch) of a document, and what a lineage held when it ended: by a squash, which must
 * take nothing away, or by a loss (an older backup, a disk that kept less than it said), after which what was lost is no one's fault.
 */
import * as Y from 'yjs'
import { openRoots } from '../../shared/conversation/document.ts'
import { readMessages, readRedactions, readRuns } from '../../shared/conversation/read.ts'
import { documentKind } from '../../shared/ids.ts'
import type { DocumentName, RequestId } from '../../shared/ids.ts'
import type { MemoryDisk } from '../rig/memory-log.ts'

type Stored = MemoryDisk['documents']

export class Lineages {
  /** How often something was lost. */
  losses = 0
  squashes = 0
  /** Ids of messages, replies in the making among them, that a loss took. */
  readonly lostMessages = new Set<string>()
  /** Requests whose outcome a loss took. */
  readonly lostRequests = new Set<RequestId>()
  /** Updates that reached a device, or that a device was told are saved; by document and epoch, each once. */
  readonly #kept = new Map<string, Map<string, Uint8Array>>()
  readonly #ended = new Map<string, Uint8Array>()

  /** @param epoch of the room that the update came from, or went to */
  keep(name: DocumentName, epoch: string, update: Uint8Array): void {
    const key = `${name} ${epoch}`
    const updates = this.#kept.get(key) ?? new Map<string, Uint8Array>()
    this.#kept.set(key, updates)
    updates.set(Buffer.from(update).toString('latin1'), update)
  }

  /** Everything that was seen of a document, of whichever lineage. */
  seen(name: DocumentName): Uint8Array[] {
    return [...this.#kept].filter(([key]) => key.startsWith(`${name} `)).flatMap(([, updates]) => [...updates.values()])
  }

  /** A squash took the place of the document. @returns what is wrong with it */
  squashed(name: DocumentName, epoch: string | undefined, before: readonly Uint8Array[], after: Uint8Array): string | null {
    this.squashes++
    const old = documentOf(before)
    this.#end(name, epoch, old)
    const [was, is] = [contentOf(name, old), contentOf(name, documentOf([after]))]
    return was === is ? null : `A squash changed what ${name} says.`
  }

  /** The disk now holds `after` in place of `before`. */
  lost(before: Stored, after: Stored): void {
    this.losses++
    for (const [name, { lineage, updates, ledger }] of before) {
      const [old, left] = [documentOf(updates), documentOf(after.get(name)?.updates ?? [])]
      this.#end(name, lineage?.epoch, old)
      for (const id of ledger.keys()) if (!after.get(name)?.ledger.has(id)) this.lostRequests.add(id)
      if (documentKind(name) !== 'conversation') continue
      const kept = new Set<string>(readMessages(left).map(({ id }) => id))
      const ids = [...readMessages(old).map(({ id }) => id), ...readRedactions(old).keys(), ...readRuns(old).map(({ replyId }) => replyId)]
      for (const id of ids) if (!kept.has(id)) this.lostMessages.add(id)
    }
  }

  /**
   * Of a lineage that is over, or of the one that goes on as `live`: whatever reached a device or was acknowledged is in it, so that to
   * apply it again changes nothing.
   */
  check(name: DocumentName, current: string | undefined, live: Uint8Array): string[] {
    const wrong: string[] = []
    for (const [key, updates] of this.#kept) {
      if (!key.startsWith(`${name} `)) continue
      const state = key === `${name} ${current}` ? live : this.#ended.get(key)
      const before = normal(...state ? [state] : [])
      const after = normal(...state ? [state] : [], ...updates.values())
      if (hasGaps(after.doc)) wrong.push(`Of ${key} something was seen or acknowledged whose beginning is lost.`)
      if (before.bytes !== after.bytes) wrong.push(`Of ${key} something was seen or acknowledged and is lost.`)
    }
    return wrong
  }

  /** The first end counts: what is loaded of it again, only to be begun anew, is less. */
  #end(name: DocumentName, epoch: string | undefined, doc: Y.Doc): void {
    const key = `${name} ${epoch}`
    if (!this.#ended.has(key)) this.#ended.set(key, Y.encodeStateAsUpdate(doc))
  }
}

export const hasGaps = ({ store }: Y.Doc): boolean => store.pendingStructs !== null || store.pendingDs !== null

const documentOf = (updates: readonly Uint8Array[]): Y.Doc => {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

/** The same state always gives the same bytes: how Yjs cut its structs while they arrived no longer shows. */
export const normal = (...updates: Uint8Array[]): { doc: Y.Doc, bytes: string } => {
  const doc = documentOf([Y.encodeStateAsUpdate(documentOf(updates))])
  return { doc, bytes: Buffer.from(Y.encodeStateAsUpdate(doc)).toString('latin1') }
}

/** As people read it, whatever structs it is made of. */
const contentOf = (name: DocumentName, doc: Y.Doc): string => {
  if (documentKind(name) === 'conversation') openRoots(doc)
  else {
    doc.getText('body')
    doc.getMap('places')
  }
  return JSON.stringify(sorted(doc.toJSON()))
}

/** Keys of maps stand in the order in which they arrived, which is no part of what they say. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([key, each]) => [key, sorted(each)]))
}
