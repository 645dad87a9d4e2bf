/** What the replies of a conversation took, in all. */
import type { Message, MessageMetadata } from './schema.ts'

export interface ConversationUsage {
  /** That asked a model; versions which are not shown were paid for, too. Those that were taken out have left nothing to count. */
  replies: number
  /** Tokens, of those that told. */
  inputTokens: number
  outputTokens: number
  /** One of each currency, by the prices that the server was given. */
  costs: { amount: number, currency: string }[]
  /** Of how many replies no price is known. */
  unpriced: number
}

/** Of a reply that asked none there is nothing that anybody wants to know. */
export const askedModel = ({ model, usage, cost }: Pick<MessageMetadata, 'model' | 'usage' | 'cost'>): boolean =>
  model !== undefined || usage !== undefined || cost !== undefined

export const usageOf = (messages: Iterable<Message>): ConversationUsage => {
  const sum = { replies: 0, inputTokens: 0, outputTokens: 0, unpriced: 0 }
  const costs = new Map<string, number>()
  for (const { metadata } of messages) {
    if (!askedModel(metadata)) continue
    const { usage, cost } = metadata
    sum.replies++
    sum.inputTokens += usage?.inputTokens ?? 0
    sum.outputTokens += usage?.outputTokens ?? 0
    if (cost) costs.set(cost.currency, (costs.get(cost.currency) ?? 0) + cost.amount)
    else sum.unpriced++
  }
  return { ...sum, costs: [...costs].map(([currency, amount]) => ({ amount, currency })) }
}
