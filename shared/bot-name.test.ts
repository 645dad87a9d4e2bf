/** What a bot may be called, and whom it could be mistaken for. */
import { describe, expect, test } from 'vitest'
import { looksLike, parseBotName, speaksOf } from './bot-name.ts'
import { limits } from './limits.ts'

describe('a name', () => {
  test.each([
    ['Deploys', 'Deploys'], ['  build   watcher ', 'build watcher'], ['O’Brien’s_bot-2.0', 'O’Brien’s_bot-2.0'], ['Ｄｅｐｌｏｙ', 'Deploy'],
    ['Сборка', 'Сборка'], ['見張り番', '見張り番'], ['ניטור', 'ניטור'],
  ])('%j is one', (text, name) => expect(parseBotName(text)).toBe(name))

  test.each([
    ['nothing', ''], ['a blank', '  '], ['marks alone', '...'], ['a mark first', '-x'], ['an address', '@deploys'], ['brackets', 'Deploys [ok]'],
    ['the mark between a bot and its person', 'Deploys · bot of Ben'], ['two lines', 'Deploys\nAnn'], ['what nobody sees', 'Dep\u200bloys'],
    ['what turns the line around', 'Deploys\u202e'], ['piled marks', `a${'\u0302'.repeat(5)}x`], ['two scripts that look alike', 'Dеploys'],
    ['an emoji', 'Deploys 🤖'], ['what the app says', 'You'], ['the same, dressed up', 'A.s-s1stant'], ['what is left of an account', 'Deleted account'],
  ])('%s is none', (_, text) => expect(parseBotName(text)).toBeNull())

  test('has a longest length', () => {
    expect(parseBotName('x'.repeat(limits.botNameLength))).not.toBeNull()
    expect(parseBotName('x'.repeat(limits.botNameLength + 1))).toBeNull()
  })
})

describe('who could be meant by it', () => {
  test.each([['Ann', 'ANN'], ['Ann', 'Аnn'], ['Bill', 'BiII'], ['Zoe', 'Zoé'], ['Amber Fox', 'amber-fox'], ['Modem', 'Modern'], ['Lou', '10u']])(
    '%s and %s', (a, b) => expect(looksLike(a, b)).toBe(true))
  test.each([['Ann', 'Anna'], ['Deploys', 'Deploy']])('not %s and %s', (a, b) => expect(looksLike(a, b)).toBe(false))

  test.each([['GPT-5', 'gpt 5'], ['Claude', 'Claude'], ['The CIaude Bot', 'Claude'], ['gpt5mini', 'GPT-5 mini'], ['ask guide now', 'guide']])(
    '%s speaks of %s', (name, agent) => expect(speaksOf(name, agent)).toBe(true))
  test.each([['Claudette', 'Claude'], ['GPT', 'GPT-5'], ['Guided tours', 'guide'], ['x', '']])(
    '%s does not speak of %j', (name, agent) => expect(speaksOf(name, agent)).toBe(false))
})
