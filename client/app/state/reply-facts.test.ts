/** What a reply took, as its reader is told. */
import { expect, it } from 'vitest'
import { replyFacts, usageText } from './reply-facts.ts'

it('says the model, the time, the tokens and the cost, and the shortest of it in one line', () => {
  expect(replyFacts({
    model: 'sonnet-4', usage: { inputTokens: 1234, outputTokens: 567, cachedInputTokens: 200, reasoningTokens: 20 },
    cost: { amount: 0.011667, currency: 'USD' }, timing: { totalMs: 4041, firstTokenMs: 708, tokensPerSecond: 170.1 }
  }, 'en')).toEqual({
    short: '4.0 s · $0.012',
    rows: [
      { label: 'Model', text: 'sonnet-4' },
      { label: 'Time', text: '4.0 s, first word after 0.7 s, 170 tokens/s' },
      { label: 'Read', text: '1,234 tokens, 200 from its cache' },
      { label: 'Written', text: '567 tokens, 20 of thoughts' },
      { label: 'Cost', text: '$0.012, by the prices that this server was given' }
    ]
  })
})

it('leaves out what is not known, and is silent where no model was asked', () => {
  expect(replyFacts({ model: 'm', timing: { totalMs: 61_300 } }, 'en')).toEqual({
    short: '61 s', rows: [{ label: 'Model', text: 'm' }, { label: 'Time', text: '61 s' }]
  })
  expect(replyFacts({ model: 'm' }, 'en')?.short).toBe('Details')
  expect(replyFacts({ timing: { totalMs: 5 } }, 'en')).toBeNull()
})

it.each([
  [0.0000123, 'EUR', '€0.000012'], [12.3456, 'EUR', '€12.35'], [0, 'EUR', 'Details'], [2.5, 'not a currency', '2.5 not a currency']
])(
  'tells %d %s as %s', (amount, currency, text) => {
    expect(replyFacts({ cost: { amount, currency } }, 'en')?.short).toBe(text)
  })

it('tells what all replies of a conversation took, where there are several', () => {
  const usage = { replies: 1200, summaries: 0, inputTokens: 34_567, outputTokens: 890, unpriced: 0, costs: [{ amount: 0.75, currency: 'USD' }] }
  expect(usageText(usage, 'en')).toBe('1,200 replies, 34,567 tokens read, 890 written, $0.75')
  expect(usageText({ ...usage, unpriced: 3, costs: [...usage.costs, { amount: 1.5, currency: 'EUR' }] }, 'en'))
    .toBe('1,200 replies, 34,567 tokens read, 890 written, $0.75 and €1.50 and what 3 cost without a known price')
  expect(usageText({ ...usage, unpriced: 1200, costs: [] }, 'en')).toBe('1,200 replies, 34,567 tokens read, 890 written')
  expect(usageText({ ...usage, replies: 1, summaries: 1 }, 'en')).toBe('1 reply and 1 summary, 34,567 tokens read, 890 written, $0.75')
  expect(usageText({ ...usage, replies: 1 }, 'en')).toBeNull()
})
