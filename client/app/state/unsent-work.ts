/** What a person wrote on this device and no server has: to be shown before they sign out, and to be saved as a file. */
import type { OutboxEntry, UnsentWork } from './sdk.ts'
import { textsOf } from './composer-texts.ts'
import { documentId, documentKind, parseDocumentName } from '../../../shared/ids.ts'
import type { DraftId } from '../../../shared/ids.ts'

type Drafts = ReadonlyMap<string, readonly { id: string, text: string }[]>

/** @param unsent requests, @param drafts what was typed into shared drafts: each by document name */
export const unsentWork = (
  unsent: ReadonlyMap<string, readonly OutboxEntry[]>, drafts: Drafts, texts: Storage, userId: string
): UnsentWork[] => {
  const works = new Map<string, UnsentWork>()
  const workOf = (conversationId: string): UnsentWork => {
    const work = works.get(conversationId) ?? { conversationId, waiting: 0, texts: [] }
    works.set(conversationId, work)
    return work
  }
  for (const [key, entries] of unsent) {
    const name = parseDocumentName(key)
    if (!name || documentKind(name) !== 'conversation') continue
    for (const entry of entries) {
      const work = workOf(documentId(name))
      if (!entry.refusal) work.waiting++
      const text = textOf(entry)
      if (text) work.texts.push({ kind: entry.refusal ? 'refused' : 'waiting', text })
    }
  }
  for (const [key, all] of drafts) {
    const name = parseDocumentName(key)
    if (!name || documentKind(name) !== 'conversation') continue
    // What was sent from a draft stands among the messages.
    const sent = new Set((unsent.get(key) ?? []).map(({ request }) => request.type === 'send' ? request.drops : undefined))
    for (const { id, text } of all) if (!sent.has(id as DraftId)) workOf(documentId(name)).texts.push({ kind: 'draft', text })
  }
  for (const [conversationId, text] of textsOf(texts, userId)) {
    if (text.trim() !== '') workOf(conversationId).texts.push({ kind: 'begun', text })
  }
  return [...works.values()]
}

const textOf = ({ request }: OutboxEntry): string => request.type !== 'send' ? ''
  : request.message.parts.flatMap(part => part.type === 'text' && typeof part.text === 'string' ? [part.text] : []).join('\n\n')

export const countTexts = (works: readonly UnsentWork[]): number => works.reduce((sum, { texts }) => sum + texts.length, 0)
export const countWaiting = (works: readonly UnsentWork[]): number => works.reduce((sum, { waiting }) => sum + waiting, 0)

const headings = { waiting: 'Not sent yet', refused: 'Refused by the server', begun: 'Begun', draft: 'Typed into a shared draft' } as const

/** As a Markdown file. @param titleOf a conversation's; empty when it is not known */
export const unsentAsMarkdown = (works: readonly UnsentWork[], titleOf: (conversationId: string) => string, at: Date): string => {
  const parts = [`# What was not sent from this device\n\nSaved on ${at.toISOString()}.`]
  for (const { conversationId, texts } of works) {
    if (texts.length === 0) continue
    parts.push(`## ${titleOf(conversationId) || 'New chat'}\n\nConversation ${conversationId}`)
    for (const { kind, text } of texts) parts.push(`### ${headings[kind]}\n\n${text}`)
  }
  return `${parts.join('\n\n')}\n`
}
