/**
 * What a bot may be called. Everybody reads whose it is beside that (bot-label.ts), so that is never in doubt; here it is about the name
 * alone, which must not be mistaken for a model's, for somebody's in the conversation, or for the server's own words.
 */
import { limits } from './limits.ts'

/** As it is stored: one spelling for each name; null: it is none. */
export const parseBotName = (text: string): string | null => {
  const name = text.normalize('NFKC').trim().replace(/ +/g, ' ')
  const isOne = name.length <= limits.botNameLength && NAME.test(name) && !PILED_MARKS.test(name) && scriptsIn(name) <= 1
  return isOne && !RESERVED.has(skeletonOf(name)) ? name : null
}

/** Whether people could take one for the other: letters that look alike count as the same; spaces, dots and marks do not count. */
export const looksLike = (name: string, other: string): boolean => skeletonOf(name) === skeletonOf(other)

/** Whether somebody who reads the name could think of the agent: it stands in it as words of its own. */
export const speaksOf = (name: string, agent: string): boolean => {
  const [words, wanted] = [wordsOf(name), wordsOf(agent)]
  return wanted.length > 0 && (looksLike(name, agent) || words.some((_, at) => wanted.every((word, i) => words[at + i] === word)))
}

/** No marks of our own (`·`, `@`, brackets), nothing invisible, nothing that turns the direction of writing around. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{M}\p{N} _.'’+-]*$/u
const PILED_MARKS = /\p{M}{3}/u

/** What the app, exports and models call others, or what calls many at once. */
const WORDS = ['you', 'assistant', 'system', 'server', 'admin', 'operator', 'skein', 'somebody', 'user', 'everyone', 'everybody', 'all', 'here', 'bot',
  'deleted account', 'deleted bot',
]

const SCRIPTS = [
  /\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u, /\p{Script=Armenian}/u, /\p{Script=Cherokee}/u,
  /\p{Script=Arabic}/u, /\p{Script=Hebrew}/u,
]
/** Of those in which letters look like another one's; a name mixes none of them. */
const scriptsIn = (name: string): number => SCRIPTS.filter(script => script.test(name)).length

/** Letters of other scripts, and digits, that look like a Latin one. Most of them: whose bot it is stands beside the name all the same. */
const LOOKS: ReadonlyMap<string, string> = new Map(([
  ['a', 'аαɑ'], ['b', 'ьвβ8'], ['c', 'сϲ'], ['d', 'ԁ'], ['e', 'еєε3'], ['g', 'ɡԍ'], ['h', 'һн'], ['j', 'јϳ'], ['k', 'кκ'],
  ['l', 'iıіιӏ1|'], ['m', 'м'], ['n', 'пηո'], ['o', 'оοσօ0'], ['p', 'рρ'], ['q', 'ԛ'], ['s', 'ѕ5'], ['t', 'тτ'], ['u', 'υս'],
  ['v', 'ѵν'], ['w', 'ԝω'], ['x', 'хχ'], ['y', 'уγ'], ['z', 'ᴢ2'],
] as const).flatMap(([latin, others]) => [...others].map(other => [other, latin] as const)))

const wordsOf = (name: string): string[] =>
  name.split(/[^\p{L}\p{M}\p{N}]+/u).map(skeletonOf).filter(word => word !== '')

const skeletonOf = (name: string): string => {
  const letters = name.normalize('NFKD').toLowerCase().replace(/[^\p{L}\p{N}|]/gu, '')
  return [...letters].map(letter => LOOKS.get(letter) ?? letter).join('').replaceAll('rn', 'm').replaceAll('vv', 'w')
}

const RESERVED: ReadonlySet<string> = new Set(WORDS.map(skeletonOf))
