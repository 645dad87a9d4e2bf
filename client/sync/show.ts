/** Pure functions that put together what a person sees: the document, and on top of it what this device asked for. */
import { isAuthor, isOpen, isSend, pendingMessage } from './own-request.ts'
import type { Author, OwnRequest, OwnSend } from './own-request.ts'
import type { Delivery, ViewMessage } from './view.ts'
import { visibleMessages } from '../../shared/conversation/branch.ts'
import type { BranchChoice, TakenOut } from '../../shared/conversation/branch.ts'
import { DEFAULT_MODE, isMode } from '../../shared/conversation/mode.ts'
import type { Draft, Meta, Reaction } from '../../shared/conversation/read.ts'
import type { Message, RequestOf } from '../../shared/conversation/schema.ts'

export interface MessageSources {
  /** In the order accepted. */
  sealed: readonly Message[]
  isSealed: (id: string) => boolean
  own: readonly OwnRequest[]
  author: Author
  choice: BranchChoice
  takenOut: TakenOut
  /** What was shown before: entries that say the same are the same objects, so that a user interface need not draw them again. */
  before: readonly ViewMessage[]
}

/**
 * The sealed messages this person sees, then own ones on their way and refused ones in the order written. One on its way already takes
 * its place among alternatives; a refused one hides nothing. What this device asked to redact is gone until the server says no.
 */
export const showMessages = ({ sealed, isSealed, own, author, choice, takenOut, before }: MessageSources): ViewMessage[] => {
  const sends = own.filter(isSend).filter(({ id }) => !isSealed(id))
  const ownById = new Map<string, OwnSend>(sends.map(entry => [entry.id, entry]))
  const shownBefore = new Map(before.map(entry => [entry.message.id as string, entry]))
  const toMessage = (entry: OwnSend): Message => {
    const shown = shownBefore.get(entry.id)
    return shown?.message.metadata.authorId === author.id ? shown.message : pendingMessage(entry, author)
  }
  const onTheirWay = sends.filter(({ refusal }) => !refusal).map(toMessage)
  const redacted = new Set<string>(own.filter(isOpen).flatMap(({ request }) => request.type === 'redact' ? [request.messageId] : []))
  const visible = visibleMessages([...sealed, ...onTheirWay], choice, takenOut)
    .filter(({ message }) => !redacted.has(message.id))
    .map(({ message, alternatives }) => ({ message, alternatives, delivery: deliveryOf(ownById.get(message.id)) }))
  const refused = sends.filter(({ refusal }) => refusal)
    .map(entry => ({ message: toMessage(entry), alternatives: [entry.id as string], delivery: deliveryOf(entry) }))
  const tail = [...visible.filter(({ message }) => ownById.has(message.id)), ...refused]
    .sort((a, b) => a.message.id < b.message.id ? -1 : 1)
  return [...visible.filter(({ message }) => !ownById.has(message.id)), ...tail].map(entry => reuse(entry, shownBefore))
}

export const deliveryOf = (own: OwnSend | undefined): Delivery => {
  if (!own || own.accepted) return { state: 'saved' }
  if (own.refusal) return { state: 'refused', ...own.refusal }
  return { state: own.stored ? 'on-device' : 'writing' }
}

const reuse = (entry: ViewMessage, before: ReadonlyMap<string, ViewMessage>): ViewMessage => {
  const shown = before.get(entry.message.id)
  const same = shown?.message === entry.message && shown.delivery.state === entry.delivery.state &&
    shown.alternatives.length === entry.alternatives.length && shown.alternatives.every((id, i) => id === entry.alternatives[i])
  return same ? shown : entry
}

const openOf = <T extends OwnRequest['request']['type']>(own: readonly OwnRequest[], type: T): RequestOf<T>[] =>
  own.filter(isOpen).map(({ request }) => request).filter((request): request is RequestOf<T> => request.type === type)

/** Without those that a message on its way came from. */
export const showDrafts = (drafts: readonly Draft[], own: readonly OwnRequest[]): Draft[] => {
  const dropped = new Set(own.filter(isSend).flatMap(({ request, refusal }) => request.drops && !refusal ? [request.drops] : []))
  return drafts.filter(({ id }) => !dropped.has(id))
}

export const showReactions = (reactions: readonly Reaction[], own: readonly OwnRequest[], author: Author): Reaction[] =>
  openOf(own, 'react').reduce<Reaction[]>((shown, { messageId, kind, on, createdAt }) => {
    const isIt = (reaction: Reaction) => reaction.messageId === messageId && reaction.kind === kind && isAuthor(author, reaction.userId)
    const others = shown.filter(reaction => !isIt(reaction))
    return on ? [...others, { messageId, userId: author.id, kind, at: createdAt }] : others
  }, [...reactions])

/** What the view shows of {@link Meta}. */
export type ShownMeta = Pick<Meta, 'title' | 'agent' | 'system' | 'answersAlways' | 'mode'>

export const showMeta = ({ title, agent, system, answersAlways, mode }: ShownMeta, own: readonly OwnRequest[]): ShownMeta =>
  openOf(own, 'set-meta').reduce<ShownMeta>((shown, { key, value }) => {
    switch (key) {
      case 'title':
        return { ...shown, title: value }
      case 'agent':
        return { ...shown, agent: value || null }
      case 'system':
        return { ...shown, system: value }
      case 'answers':
        return { ...shown, answersAlways: value === 'always' }
      case 'mode':
        return { ...shown, mode: isMode(value) ? value : DEFAULT_MODE }
    }
  }, { title, agent, system, answersAlways, mode })
