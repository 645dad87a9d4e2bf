/** What a reply took, and all of a conversation, in words: which model, how long, how many tokens, what it cost. Pure. */
import type { MessageMetadata } from '../../../shared/conversation/schema.ts'
import { askedModel } from '../../../shared/conversation/usage.ts'
import type { ConversationUsage } from '../../../shared/conversation/usage.ts'

export interface ReplyFacts {
  /** The shortest of it, such as `4.1 s · $0.012`. */
  short: string
  rows: { label: string, text: string }[]
}

type Facts = Pick<MessageMetadata, 'model' | 'usage' | 'cost' | 'timing'>

/** @returns null where nothing is known */
export const replyFacts = (facts: Facts, locale?: string): ReplyFacts | null => {
  if (!askedModel(facts)) return null
  const { model, usage, cost, timing } = facts
  const rows = [
    { label: 'Model', text: model },
    { label: 'Time', text: timing && timeText(timing, locale) },
    { label: 'Read', text: tokens(usage?.inputTokens, usage?.cachedInputTokens, 'from its cache', locale) },
    { label: 'Written', text: tokens(usage?.outputTokens, usage?.reasoningTokens, 'of thoughts', locale) },
    { label: 'Cost', text: cost && `${money(cost, locale)}, by the prices that this server was given` }
  ].flatMap(({ label, text }) => text ? [{ label, text }] : [])
  const short = [timing && seconds(timing.totalMs, locale), cost && cost.amount > 0 && money(cost, locale)].filter(Boolean).join(' · ')
  return { short: short || 'Details', rows }
}

/** What all replies of a conversation took; null where that says no more than what the only one says. */
export const usageText = (usage: ConversationUsage, locale?: string): string | null => {
  const { replies, summaries, inputTokens, outputTokens, costs, unpriced } = usage
  if (replies + summaries < 2) return null
  const paid = costs.map(cost => money(cost, locale)).join(' and ')
  return [
    counted(replies, 'reply', 'replies', locale) + (summaries ? ` and ${counted(summaries, 'summary', 'summaries', locale)}` : ''),
    `${counted(inputTokens, 'token', 'tokens', locale)} read`,
    `${outputTokens.toLocaleString(locale)} written`,
    ...paid ? [unpriced > 0 ? `${paid} and what ${unpriced.toLocaleString(locale)} cost without a known price` : paid] : []
  ].join(', ')
}

const seconds = (ms: number, locale?: string): string => {
  const digits = ms < 10_000 ? 1 : 0
  return `${(Math.max(ms, 100) / 1000).toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits })} s`
}

const timeText = ({ totalMs, firstTokenMs, tokensPerSecond }: NonNullable<Facts['timing']>, locale?: string): string => [
  seconds(totalMs, locale),
  firstTokenMs !== undefined && `first word after ${seconds(firstTokenMs, locale)}`,
  tokensPerSecond !== undefined && `${Math.round(tokensPerSecond).toLocaleString(locale)} tokens/s`
].filter(part => part !== false).join(', ')

const tokens = (all: number | undefined, part: number | undefined, of: string, locale?: string): string | undefined =>
  all === undefined ? undefined
  : `${counted(all, 'token', 'tokens', locale)}${part ? `, ${part.toLocaleString(locale)} ${of}` : ''}`

const counted = (count: number, one: string, several: string, locale?: string): string =>
  `${count.toLocaleString(locale)} ${count === 1 ? one : several}`

/** Two digits that say something, however little it was; a currency that the browser does not know stands as it is. */
const money = ({ amount, currency }: NonNullable<Facts['cost']>, locale?: string): string => {
  const precision = amount < 1 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 2 }
  try {
    return new Intl.NumberFormat(locale, { style: 'currency', currency, ...precision }).format(amount)
  } catch {
    return `${amount.toLocaleString(locale, precision)} ${currency}`
  }
}
