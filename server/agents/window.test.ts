/** What of a conversation is read and what is summarised, for windows of all sizes. */
import { describe, expect, it } from 'vitest'
import type { Message, Summary } from '../../shared/conversation/schema.ts'
import type { AgentId, MessageId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { runSeed, seededRandom, times, withReplay } from '../../test/rig/seed.ts'
import { bytesForFiles, digestOf, estimatedTokens, fitWindow, summaryBytesFor, summaryId } from './window.ts'

const id = (n: number): MessageId => `01890a5d-ac96-774b-bcce-b3020999${String(n).padStart(4, '0')}` as MessageId
const message = (n: number, text: string): Message =>
  ({ id: id(n), role: 'user', parts: [{ type: 'text', text }], metadata: { parentId: null, authorId: 'ann', authorName: 'Ann', createdAt: n, acceptedAt: n, status: 'complete' } })
/** Each of about 100 tokens. */
const said = (count: number): Message[] => Array.from({ length: count }, (_, n) => message(n, 'x'.repeat(276)))
const summaryOf = (messages: readonly Message[], text = 'In short.'): Summary =>
  ({ through: messages.at(-1)!.id, messages: messages.length, digest: digestOf(messages), text, agentId: 'a' as AgentId, at: 1 })
const fit = (messages: readonly Message[], contextTokens: number, summaries: Summary[] = [], around = '') => fitWindow({ messages, contextTokens, summaries, around })

it('the estimate of tokens is never more than the bytes, and a third of them', () => {
  expect([estimatedTokens(''), estimatedTokens('abc'), estimatedTokens('abcd'), estimatedTokens('漢字')]).toEqual([0, 1, 2, 2])
})

describe('a window', () => {
  it('that holds everything is read whole, whatever was summarised for a smaller one', () => {
    const messages = said(10)
    expect(fit(messages, 4000, [summaryOf(messages.slice(0, 5))])).toEqual({ kind: 'read', from: 0, summary: null })
  })

  it('that is full has its older half summarised, and room is kept for the reply and the prompt', () => {
    expect(fit(said(40), 4000)).toEqual({ kind: 'summarise', from: 0, to: 20, before: null })
    expect(fit(said(31), 4000)).toMatchObject({ kind: 'summarise' })
    expect(fit(said(30), 4000)).toMatchObject({ kind: 'read' })
    expect(fit(said(30), 4000, [], 'x'.repeat(300))).toMatchObject({ kind: 'summarise' })
  })

  it('that is large keeps as much room for the reply as any, not a share of itself', () => {
    expect(fit(said(900), 100_000)).toMatchObject({ kind: 'read' })
    expect(fit(said(920), 100_000)).toMatchObject({ kind: 'summarise' })
  })

  it('reads no summary in the place of what is asked', () => {
    const messages = said(40)
    expect(fit(messages, 4000, [summaryOf(messages)])).toMatchObject({ kind: 'summarise', from: 0, before: null })
  })

  it('is filled with files to a third', () => {
    for (const contextTokens of [1000, 4001, 200_000]) {
      expect(estimatedTokens('x'.repeat(bytesForFiles(contextTokens)))).toBe(Math.floor(contextTokens / 3))
    }
    expect(bytesForFiles(undefined)).toBe(Number.MAX_SAFE_INTEGER)
  })

  it('that is small leaves a summary less room, and a large one no more than any', () => {
    expect([1000, 4000, 1_000_000].map(summaryBytesFor)).toEqual([375, 1500, limits.summaryBytes])
  })

  it('reads the shortest summary that leaves room for all that came after it', () => {
    const messages = said(40)
    const [short, long] = [summaryOf(messages.slice(0, 20)), summaryOf(messages.slice(0, 30))]
    expect(fit(messages, 4000, [long, short])).toEqual({ kind: 'read', from: 20, summary: short })
    expect(fit(messages, 2500, [long, short])).toEqual({ kind: 'read', from: 30, summary: long })
  })

  it('that is full again has what came since summarised on top of the last summary', () => {
    const messages = said(60)
    const before = summaryOf(messages.slice(0, 20))
    expect(fit(messages, 4000, [before])).toEqual({ kind: 'summarise', from: 20, to: 40, before })
  })

  it('uses no summary of other messages: of another branch, of another order, of others\' words', () => {
    const messages = said(40)
    const others = [
      summaryOf([...messages.slice(0, 19), message(99, 'instead')]), summaryOf([messages[1]!, messages[0]!, ...messages.slice(2, 20)]),
      summaryOf(messages.slice(0, 20).map(each => ({ ...each, metadata: { ...each.metadata, authorName: 'Deleted account' } })))
    ]
    expect(fit(messages, 4000, others)).toMatchObject({ kind: 'summarise', from: 0, before: null })
  })

  it('of a message that is longer than it is read as it is, by itself', () => {
    expect(fit([message(1, 'x'.repeat(30_000))], 4000)).toEqual({ kind: 'read', from: 0, summary: null })
    expect(fit([message(1, 'x'.repeat(30_000)), message(2, 'short')], 4000)).toEqual({ kind: 'summarise', from: 0, to: 1, before: null })
  })

  it('of any size and any lengths is fitted in so many steps as there are messages at most, and the last message is always read', async () => {
    const seed = runSeed()
    await withReplay(seed, 'server/agents/window.test.ts', async () => {
      for (let round = 0; round < times(2000, 200); round++) {
        const random = seededRandom(seed + round)
        const messages = Array.from({ length: 1 + Math.floor(random() * 30) }, (_, n) => message(n, 'x'.repeat(Math.floor(random() ** 4 * 20_000))))
        const contextTokens = 1000 + Math.floor(random() * 8000)
        const summaries: Summary[] = []
        let next = fit(messages, contextTokens, summaries)
        for (; next.kind === 'summarise'; next = fit(messages, contextTokens, summaries)) {
          expect(next.from).toBe(next.before?.messages ?? 0)
          expect(next.to).toBeGreaterThan(next.from)
          expect(next.to).toBeLessThan(messages.length)
          summaries.push(summaryOf(messages.slice(0, next.to), 'x'.repeat(Math.floor(contextTokens / 8))))
          expect(summaries.length).toBeLessThan(messages.length)
        }
        expect(next.from).toBeLessThan(messages.length)
      }
    })
  })
})

it('one thing that is summarised has one id, another one has another', () => {
  const [a, b] = [digestOf(said(3)), digestOf(said(4))]
  expect(summaryId(a)).toBe(summaryId(digestOf(said(3))))
  expect(summaryId(a)).not.toBe(summaryId(b))
})
