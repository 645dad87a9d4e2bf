/** What the models of a conversation took, in all. */
import type { Message, MessageMetadata, Summary } from './schema.ts'

export interface ConversationUsage {
  /** That asked a model; versions which are not shown were paid for, too. Those that were taken out have left nothing to count. */
  replies: number
  /** Of older turns, for models that could not read them all. */
  summaries: number
  /** Tokens, of those that told. */
  inputTokens: number
  outputTokens: number
  /** One of each currency, by the prices that the server was given. */
  costs: { amount: number, currency: string }[]
  /** Of how many of these no price is known. */
  unpriced: number
}

type Taken = Pick<MessageMetadata, 'model' | 'usage' | 'cost'>

/** Of a reply that asked none there is nothing that anybody wants to know. */
export const askedModel = ({ model, usage, cost }: Taken): boolean =>
  model !== undefined || usage !== undefined || cost !== undefined

export const usageOf = (messages: readonly Message[], summaries: readonly Summary[] = []): ConversationUsage => {
  const replies = messages.map(({ metadata }) => metadata).filter(askedModel)
  const sum = { replies: replies.length, summaries: summaries.length, inputTokens: 0, outputTokens: 0, unpriced: 0 }
  const costs = new Map<string, number>()
  for (const { usage, cost } of [...replies, ...summaries] satisfies Taken[]) {
    sum.inputTokens += usage?.inputTokens ?? 0
    sum.outputTokens += usage?.outputTokens ?? 0
    if (cost) costs.set(cost.currency, (costs.get(cost.currency) ?? 0) + cost.amount)
    else sum.unpriced++
  }
  return { ...sum, costs: [...costs].map(([currency, amount]) => ({ amount, currency })) }
}
