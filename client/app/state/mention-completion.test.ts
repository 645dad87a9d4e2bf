/** What the composer offers while a mention is typed. */
import { expect, it } from 'vitest'
import { mentionedIn } from '../../../shared/conversation/asked.ts'
import type { AgentId } from '../../../shared/ids.ts'
import { completeMention, mentionBefore } from './mention-completion.ts'

const agents = [{ id: 'assistant' as AgentId, name: 'Claude Sonnet' }, { id: 'opus' as AgentId, name: 'Claude Opus' }]
const offered = (text: string, caret = text.length) => mentionBefore(text, caret, agents)?.agents.map(({ id }) => id) ?? null

it.each<[string, string[] | null]>([
  ['@', ['assistant', 'opus']],
  ['What do you say, @cl', ['assistant', 'opus']],
  ['@claude o', ['opus']],
  ['@ass', ['assistant']],
  ['@opu', ['opus']],
  ['@nobody', null],
  ['me@', null],
  ['no mention', null],
  ['@Claude Sonnet and more', null],
])('after "%s" the composer offers %j', (text, ids) => expect(offered(text)).toEqual(ids))

it('only what stands before the caret counts', () => expect(offered('@opus is here', 3)).toEqual(['opus']))

it('what is completed is a mention, in the middle of a text too', () => {
  const mention = mentionBefore('Ask @cl now', 7, agents)!
  const { text, caret } = completeMention('Ask @cl now', mention, 7, agents[1]!)
  expect(text).toBe('Ask @Claude Opus now')
  expect(text.slice(caret)).toBe('now')
  expect(mentionedIn(text, agents)).toEqual(['opus'])
})
