/**
 * All that is kept of a person, as lines of JSON: who they are, where they are signed in, and each document that they may read, with all
 * that is in it. One document at a time is in memory, read from the log as it is on the disk; nothing of it is a secret.
 */
import * as Y from 'yjs'
import type { Directory } from './directory/port.ts'
import type { Bots } from './identity/bots-port.ts'
import type { Leaving } from './identity/deletion-port.ts'
import type { Tokens } from './identity/token-port.ts'
import type { UpdateLog } from './log/port.ts'
import { membershipsOf } from './room/access.ts'
import { readDrafts, readMessages, readMeta, readReactions, readSummaries } from '../shared/conversation/read.ts'
import { documentId, documentKind } from '../shared/ids.ts'
import type { DocumentName } from '../shared/ids.ts'
import { idsOf } from '../shared/principal.ts'
import type { Principal } from '../shared/principal.ts'

/** Raised when a line changes its meaning; new kinds of lines and new fields are no change. */
const FORMAT = 1

export interface PersonExportPorts {
  directory: Pick<Directory, 'find' | 'listOf'>
  log: Pick<UpdateLog, 'read'>
  leaving: Pick<Leaving, 'about'>
  tokens: Pick<Tokens, 'listOf'>
  bots: Pick<Bots, 'listOf'>
  now: () => number
}

export type ExportPerson = (who: Principal) => AsyncGenerator<string>

export const createPersonExport = (
  { directory, log, leaving, tokens, bots, now }: PersonExportPorts,
): ExportPerson => async function* (who) {
  const { id, name, kind, aliases = [] } = who
  yield line({ kind: 'export', format: FORMAT, at: now(), person: { id, name, kind, aliases: [...aliases] } })
  for (const about of await leaving.about(who)) yield line(about)
  for (const token of await tokens.listOf(idsOf(who))) yield line({ ...token, kind: 'token' })
  for (const bot of await bots.listOf(idsOf(who))) yield line({ ...bot, kind: 'bot' })
  const homes = idsOf(who).map(own => ({ name: `home/${own}` as DocumentName, role: 'owner' as const, createdAt: 0 }))
  for (const membership of [...await membershipsOf(directory, who, ''), ...homes]) yield* readOne(membership)
  yield line({ kind: 'end' })

  async function* readOne(membership: { name: DocumentName, role: string, createdAt: number }): AsyncGenerator<string> {
    const entry = await directory.find(membership.name)
    const damaged = (error: unknown): Error => error instanceof Error ? error : new Error(String(error))
    const stored = entry?.deletedAt ? null : await log.read(membership.name).catch(damaged)
    if (!entry && !stored) return
    const document = documentId(membership.name)
    const members = [...entry?.members ?? []].map(([id, { name, role }]) => ({ id, name, role }))
    const head = { document: membership.name, role: membership.role, createdAt: entry?.createdAt ?? membership.createdAt, members }
    // What is damaged is named, and keeps nobody from the rest.
    if (stored instanceof Error) return yield line({ kind: 'unreadable', ...head })
    const doc = new Y.Doc()
    for (const update of stored?.updates ?? []) Y.applyUpdate(doc, update)
    try {
      if (documentKind(membership.name) !== 'conversation') {
        return yield line({ kind: 'document', ...head, content: contentOf(doc, stored?.updates ?? []) })
      }
      yield line({ kind: 'conversation', ...head, meta: readMeta(doc) })
      for (const message of readMessages(doc)) yield line({ kind: 'message', conversation: document, message })
      for (const summary of readSummaries(doc)) yield line({ kind: 'summary', conversation: document, summary })
      for (const draft of readDrafts(doc)) yield line({ kind: 'draft', conversation: document, draft })
      for (const reaction of readReactions(doc)) yield line({ kind: 'reaction', conversation: document, reaction })
    } finally {
      doc.destroy()
    }
  }
}

const line = (value: unknown): string => `${JSON.stringify(value)}\n`

/**
 * A free document has no schema that says of what type its roots are: those with entries by key are shown as maps, the others as lists,
 * with texts in one piece; and the document itself, which any Yjs program reads.
 */
const contentOf = (doc: Y.Doc, updates: readonly Uint8Array[]): { roots: Record<string, unknown>, update: string } => {
  const roots = [...doc.share.keys()].map(name => {
    const root = doc.get(name)
    if (root._map.size > 0) return [name, doc.getMap(name).toJSON()]
    const items = doc.getArray(name).toJSON() as unknown[]
    return [name, items.every(item => typeof item === 'string') ? items.join('') : items]
  })
  return { roots: Object.fromEntries(roots) as Record<string, unknown>, update: Buffer.from(Y.mergeUpdates([...updates])).toString('base64') }
}
