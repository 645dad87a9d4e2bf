/**
 * Brings all documents of a person onto this device, so that each can be read without a network, whether it was ever opened here or
 * not.
 *
 * 1. The device says what it holds, the server answers with what is missing, page by page in the order of names. What a page brought
 *    is stored and marked before the next is asked for, so a pass that ends early loses nothing and the next goes on from there.
 * 2. Content of two lineages is never merged: a document of another epoch begins a new generation; its open requests are kept.
 * 3. A difference is stored only upon what it was asked for: where the document has meanwhile become another one, it waits for the
 *    next pass. A document that is open in a tab is left alone, and not waited for: its own connection brings what there is.
 * 4. A document that was deleted, or is no longer this person's, is forgotten, but for what was never sent.
 */
import type { Api } from './api.ts'
import { bringInto } from './bring-into.ts'
import type { HeldState } from './bring-into.ts'
import type { DeviceStore } from './store/indexeddb.ts'
import { syncMarks } from './store/sync-marks.ts'
import type { SyncMark } from './store/sync-marks.ts'
import { stateVectorOf } from './update-state.ts'
import { decodeBase64, encodeBase64 } from '../../shared/api/base64.ts'
import type { SyncRequest } from '../../shared/api/schemas.ts'
import { SkeinError } from '../../shared/errors.ts'
import { parseDocumentName } from '../../shared/ids.ts'
import type { DocumentName } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'

export interface BackgroundSyncOptions {
  api: Pick<Api, 'sync'>
  device: Pick<DeviceStore, 'document' | 'generations' | 'lists'>
  /** Whose device store it is. */
  userId: string
  /** Is open in this page. */
  isOpen: (name: DocumentName) => boolean
  /** Does this while no tab of the person has the document; at once or not at all. Without it nobody else is taken to have one. */
  whileFree?: WhileFree
  /**
   * Finds out about a document that the server does not have for this person, and forgets it if so. Resolves when that was tried; it is,
   * then, in each pass.
   */
  forget?: (name: DocumentName) => Promise<void>
  signal?: AbortSignal
}

/** @returns null when the document is not free */
export type WhileFree = <T>(name: DocumentName, task: () => Promise<T>) => Promise<T | null>

type Held = SyncRequest['documents'][number] & { name: DocumentName }

/**
 * One pass over all documents. Rejects when the server cannot be reached, when this device cannot store any more, or when it was told
 * to stop: what was done until then stays done.
 */
export const syncInBackground = async (options: BackgroundSyncOptions): Promise<void> => {
  const { api, device, userId, isOpen, whileFree = async (_name, task) => task(), forget, signal } = options
  const cache = syncMarks(device.lists)
  const generations = await device.generations()
  const marks = new Map((await cache.read() ?? [])
    .filter(({ name, generation }) => generations.get(name) === generation)
    .map(mark => [mark.name, mark]))
  for (const { documents, until, ...part } of partsOf(await readHeld(device, generations, marks))) {
    let after = part.after
    for (;;) {
      signal?.throwIfAborted()
      const asked = documents.filter(({ name }) => after === undefined || name > after)
      const page = await api.sync({ documents: asked, ...after && { after }, ...until && { until } }, signal)
      // The cookie is another person's by now: nothing of theirs may lie in this one's stores.
      if (page.userId !== userId) throw new SkeinError('unauthenticated')
      for (const name of page.gone ?? []) if (!isOpen(name)) await forget?.(name)
      const brought = new Map<DocumentName, HeldState>()
      for (const missing of page.documents) {
        signal?.throwIfAborted()
        if (isOpen(missing.name)) continue
        const held = documents.find(({ name }) => name === missing.name)
        const sent = held?.epoch === missing.epoch ? decodeBase64(held.stateVector) : null
        const state = await whileFree(missing.name, () => bringInto(device.document(missing.name), missing, sent))
        if (state) brought.set(missing.name, state)
      }
      if (brought.size > 0) {
        const now = await device.generations()
        for (const mark of marksOf(brought, generations, now)) marks.set(mark.name, mark)
        await cache.write([...marks.values()])
      }
      if (page.next === null) break
      after = page.next
    }
  }
}

/** Of a generation that began meanwhile it is not known who filled it: such a document is read, and marked, by the next pass. */
const marksOf = (
  brought: ReadonlyMap<DocumentName, HeldState>, before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>
): SyncMark[] => [...brought].flatMap(([name, { epoch, head, stateVector }]) => {
  const generation = now.get(name)
  if (generation === undefined || (before.get(name) ?? generation) !== generation) return []
  return [{ name, generation, epoch, head, stateVector: encodeBase64(stateVector) }]
})

/** What the device holds, in the order of names; a document without a mark is read. */
const readHeld = async (
  device: BackgroundSyncOptions['device'], generations: ReadonlyMap<string, string>, marks: ReadonlyMap<DocumentName, SyncMark>
): Promise<Held[]> => {
  const held: Held[] = []
  for (const key of [...generations.keys()].sort()) {
    const name = parseDocumentName(key)
    const mark = name && marks.get(name)
    if (mark) held.push({ name: mark.name, epoch: mark.epoch, stateVector: mark.stateVector, head: mark.head })
    else if (name) held.push(...await readState(device, name))
  }
  return held
}

const readState = async (device: BackgroundSyncOptions['device'], name: DocumentName): Promise<Held[]> => {
  const store = device.document(name)
  try {
    const { epoch, updates } = await store.load()
    const stateVector = stateVectorOf(updates)
    if (epoch === null || !stateVector || stateVector.length > limits.stateVectorBytes) return []
    return [{ name, epoch, stateVector: encodeBase64(stateVector) }]
  } finally {
    await store.close()
  }
}

interface Part {
  documents: readonly Held[]
  after?: DocumentName
  until?: DocumentName
}

/** Room for what stands around the documents in a request. */
const ENVELOPE = 1024

/** Requests that the server takes, one behind the other; together they cover all names. */
const partsOf = (held: readonly Held[]): Part[] => {
  const groups: Held[][] = [[]]
  let bytes = ENVELOPE
  for (const document of held) {
    const size = JSON.stringify(document).length + 1
    if (groups.at(-1)!.length === limits.syncDocuments || bytes + size > limits.syncRequestBytes) {
      groups.push([])
      bytes = ENVELOPE
    }
    groups.at(-1)!.push(document)
    bytes += size
  }
  return groups.map((documents, i) => {
    const after = groups[i - 1]?.at(-1)?.name
    const until = i < groups.length - 1 ? documents.at(-1)!.name : undefined
    return { documents, ...after && { after }, ...until && { until } }
  })
}
