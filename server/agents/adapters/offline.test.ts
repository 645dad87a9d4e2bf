/** What the built-in agent says, and that it never passes for a language model. */
import { describe, expect, it } from 'vitest'
import { ManualTime } from '../../../test/rig/manual-time.ts'
import type { Message } from '../../../shared/conversation/schema.ts'
import { SkeinError } from '../../../shared/errors.ts'
import type { MessageId } from '../../../shared/ids.ts'
import type { AgentChunk } from '../port.ts'
import { createOfflineAgent } from './offline.ts'
import { composeReply } from './offline-rules.ts'

const AT = Date.UTC(2026, 10, 20, 12, 34, 56)

const conversation = (...texts: string[]): Message[] => texts.map((text, i) => ({
  id: `01890a5d-ac96-774b-bcce-b302099a800${i}` as MessageId,
  role: i % 2 === 0 ? 'user' : 'assistant',
  parts: [{ type: 'text', text }],
  metadata: { parentId: null, authorId: i % 2 === 0 ? 'ann' : 'agent:skein-offline', authorName: 'Ann', createdAt: AT, acceptedAt: AT, status: 'complete' }
}))

const answer = (...texts: string[]): string => composeReply(conversation(...texts)).text

const collect = async (messages: Message[], already = ''): Promise<{ text: string, chunks: AgentChunk[] }> => {
  const agent = createOfflineAgent({ timers: new ManualTime(), msPerToken: 0 })
  const chunks: AgentChunk[] = []
  for await (const chunk of agent.reply({ messages, earlier: '', system: '', mode: 'chat', files: [], already }, new AbortController().signal)) chunks.push(chunk)
  return { chunks, text: chunks.map(chunk => chunk.type === 'text' ? chunk.text : '').join('') }
}

describe('what the offline agent says', () => {
  it('says in its first reply, its greeting and its description that it is not a language model', () => {
    expect(answer('Hello there')).toMatch(/Hello, Ann!.*not a language model/s)
    expect(answer('The weather is nice')).toContain('not a language model')
    expect(answer('The weather is nice', 'b', 'So what')).not.toContain('not a language model')
    const agent = createOfflineAgent({ timers: new ManualTime() })
    expect(agent.description).toContain('not a language model')
    expect(agent.isLanguageModel).toBe(false)
  })

  it('explains Skein, helps, and says how to connect a model when it has no answer', () => {
    expect(answer('What is Skein?')).toContain('Local first')
    expect(answer('help')).toContain('/markdown')
    expect(answer('Write me a poem')).toMatch(/> Write me a poem.*OPENAI_API_KEY/s)
    expect(composeReply(conversation('Write me a poem'), ['GPT', 'Sonnet']).text).toMatch(/Language models answer here, too.*`@GPT`, `@Sonnet`$/)
    expect(composeReply(conversation('Are you an AI?'), ['GPT']).text).not.toContain('OPENAI_API_KEY')
    expect(answer('/nonsense')).toContain('/markdown')
    expect(answer('')).toMatch(/no text that I could read.*You can try/s)
  })

  it.each([
    ['2+2', '**4**'], ['What is 12 * (3 + 4)?', '**84**'], ['2^3^2', '**512**'], ['-3 - -4 =', '**1**'], ['0.1 + 0.2', '**0.3**'],
    ['10 / 4', '**2.5**'], ['7 % 4', '**3**'], ['1/0', 'no finite value']
  ])('calculates %s', (question, result) => {
    expect(answer('a', 'b', question)).toContain(result)
  })

  it.each(['1.2.3', '(1+2', '2026-11-', '+49 30 1234', '('.repeat(90) + '1+1'])('does not take %s for arithmetic', text => {
    expect(answer('a', 'b', text)).toContain('I only follow fixed rules')
  })

  it('quotes back with counts of words, characters and lines', () => {
    expect(answer('/echo one two\nthree \u{1F600}')).toBe('You wrote 4 words (15 characters, 2 lines):\n\n> one two\n> three \u{1F600}')
  })

  it('recalls what the person said before', () => {
    expect(answer('The sky is blue', 'Yes', 'What did I say?')).toMatch(/1 message before this one:\n\n> The sky is blue/)
    expect(answer('What did I say?')).toContain('the first thing')
  })

  it('takes the time from the message, so that a repeated attempt says the same', () => {
    expect(answer('What time is it?')).toContain('**2026-11-20** at **12:34:56** (UTC)')
  })

  it.each([['/long 300', 300], ['/long', 200], ['/long 9999999', 5000], ['/long -4', 1], ['/long much', 200]])('gives for %s a reply of %i words', (text, words) => {
    expect(answer(text).split(/\s+/)).toHaveLength(words)
  })

  it('shows headings, lists, a table, code with its language, a quotation and a link', () => {
    expect(answer('/markdown')).toMatch(/^# .*\n- .*\|:-.*```ts\n.*\n> /s)
    expect(answer('/markdown')).toMatch(/\[link\]\(https:/)
  })

  it('answers the same to the same', () => {
    for (const text of ['Hello', 'help', '/long 50', 'anything else']) expect(answer(text)).toBe(answer(text))
  })
})

describe('how the offline agent says it', () => {
  it('streams word by word and ends with a finish', async () => {
    const { chunks, text } = await collect(conversation('/long 30'))
    expect(chunks).toHaveLength(31)
    expect(text).toBe(answer('/long 30'))
    expect(chunks.at(-1)).toMatchObject({ type: 'finish', finishReason: 'stop' })
  })

  it('goes on after any part of its reply that readers have seen', async () => {
    const messages = conversation('/markdown')
    const whole = composeReply(messages).text
    for (let length = 0; length <= whole.length; length += 13) {
      const already = whole.slice(0, length)
      expect(already + (await collect(messages, already)).text).toBe(whole)
    }
  })

  it('says the whole reply again when what was seen was another text', async () => {
    expect((await collect(conversation('help'), 'Something else')).text).toContain(answer('help'))
  })

  it('fails with a clear reason when asked to, after the words that it was given', async () => {
    const agent = createOfflineAgent({ timers: new ManualTime(), msPerToken: 0 })
    const said: string[] = []
    const failing = (async () => {
      for await (const chunk of agent.reply({ messages: conversation('/error some words'), earlier: '', system: '', mode: 'chat', files: [], already: '' }, new AbortController().signal)) {
        if (chunk.type === 'text') said.push(chunk.text)
      }
    })()
    await expect(failing).rejects.toThrow(SkeinError)
    await expect(failing).rejects.toThrow('You asked for a failure')
    expect(said.join('')).toBe('some words')
  })

  it('keeps its pace by the timers, and stops when it is aborted while it waits', async () => {
    const time = new ManualTime()
    const control = new AbortController()
    const chunks = createOfflineAgent({ timers: time, msPerToken: 10 })
      .reply({ messages: conversation('/slow'), earlier: '', system: '', mode: 'chat', files: [], already: '' }, control.signal)[Symbol.asyncIterator]()
    let arrived = false
    const first = chunks.next().then(result => {
      arrived = true
      return result
    })
    await time.advance(199)
    expect(arrived).toBe(false)
    await time.advance(1)
    expect((await first).value).toEqual({ type: 'text', text: 'This' })
    const second = chunks.next()
    control.abort()
    expect((await second).done).toBe(true)
    expect(time.pending).toBe(0)
  })
})
