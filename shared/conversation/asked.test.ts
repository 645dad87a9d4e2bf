/** Which agents a message asks, and what counts as a mention. */
import { describe, expect, it } from 'vitest'
import type { AgentId } from '../ids.ts'
import { limits } from '../limits.ts'
import { askedBy, mentionedIn, writersWith } from './asked.ts'
import type { Asking } from './asked.ts'

const id = (text: string) => text as AgentId
const agents = [
  { id: id('assistant'), name: 'Claude Sonnet' }, { id: id('opus'), name: 'Claude' }, { id: id('gpt-5-mini'), name: 'gpt-5-mini' },
]
const usual: Asking = { text: 'Hello', agents, agent: id('assistant'), always: false, people: 1 }

describe('who is asked', () => {
  it.each<[string, Partial<Asking>, string[], string]>([
    ['alone with one person the conversation\'s agent answers', {}, ['assistant'], 'alone'],
    ['alone the setting for several people changes nothing', { always: true }, ['assistant'], 'alone'],
    ['among several people nobody answers what mentions nobody', { people: 2 }, [], 'not-mentioned'],
    ['among several people it answers everything where that is set', { people: 2, always: true }, ['assistant'], 'always'],
    ['among several people who is mentioned answers', { people: 2, text: 'What do you say, @Claude Sonnet?' }, ['assistant'], 'mentioned'],
    ['another agent that is mentioned answers in its place', { text: '@opus and you?' }, ['opus'], 'mentioned'],
    ['all that are mentioned answer, each once', { people: 3, text: '@opus @gpt-5-mini @Opus' }, ['opus', 'gpt-5-mini'], 'mentioned'],
    ['what the message says outright counts before all else', { people: 2, to: [id('opus'), id('opus')], text: '@assistant' }, ['opus'], 'named'],
    ['an empty list means nobody, even alone', { to: [] }, [], 'named'],
    ['without an agent nobody answers', { agent: null }, [], 'no-agent'],
  ])('%s', (_, given, asked, because) => {
    expect(askedBy({ ...usual, ...given })).toEqual({ agents: asked, because })
  })
})

describe('a mention', () => {
  it.each<[string, string[]]>([
    ['@assistant', ['assistant']],
    ['hey @ASSISTANT!', ['assistant']],
    ['(@claude)', ['opus']],
    ['@Claude Sonnet, please', ['assistant']],
    ['ask @claude.', ['opus']],
    ['@claude\'s view', ['opus']],
    ['@claudette', []],
    ['@claude-next', []],
    ['@claude.ai', []],
    ['me@claude', []],
    ['a.b@assistant', []],
    ['assistant', []],
    ['@ assistant', []],
    ['@gpt-5-mini', ['gpt-5-mini']],
    ['@gpt-5', []],
  ])('%s', (text, found) => {
    expect(mentionedIn(text, agents)).toEqual(found)
  })

  it('is looked for in a text of nothing else without taking long, and ends at the most that a message asks', () => {
    const many = Array.from({ length: 40 }, (_, i) => ({ id: id(`a${i}x`), name: '' }))
    expect(mentionedIn(many.map(({ id }) => `@${id}`).join(' '), many)).toHaveLength(limits.agentsPerMessage)
    expect(mentionedIn('@'.repeat(limits.messageBytes), agents)).toEqual([])
  })

  it('is looked for behind so many signs and no more, those in addresses left out', () => {
    const signs = (count: number) => 'ann@example.org '.repeat(count) + '@ '.repeat(count)
    expect(mentionedIn(`${signs(limits.mentionsLookedAt - 1)}@opus`, agents)).toEqual(['opus'])
    expect(mentionedIn(`${signs(limits.mentionsLookedAt)}@opus`, agents)).toEqual([])
  })
})

it('who reads only is not among the people who write, and the author counts once under all their ids', () => {
  const members: [string, { role: 'owner' | 'editor' | 'viewer' }][] = [['ann', { role: 'owner' }], ['guest-1', { role: 'editor' }], ['vic', { role: 'viewer' }]]
  expect(writersWith(id => id === 'ann' || id === 'guest-1', members)).toBe(1)
  expect(writersWith(id => id === 'bob', members)).toBe(3)
})
