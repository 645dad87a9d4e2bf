/** The rules of the offline agent: context in, reply out. Pure, so the same conversation always gets the same reply. */
import { textOf } from '../../../shared/conversation/read.ts'
import type { Message } from '../../../shared/conversation/schema.ts'
import { evaluateArithmetic } from './arithmetic.ts'
import { about, askModels, connect, help, introduction, longPassage, markdownSample, slowText } from './offline-texts.ts'

export interface OfflineReply {
  text: string
  /** How many times slower than usual it comes. */
  slowness: number
  /** The reply breaks off after its text, for this reason. */
  fails?: string
}

const MAX_WORDS = 5000
const DEFAULT_WORDS = 200
const SLOW = 20

/**
 * @param messages what the asking person saw, oldest first; the last one is answered
 * @param models the names of the language models that answer on this server
 */
export const composeReply = (messages: readonly Message[], models: readonly string[] = []): OfflineReply => {
  const asked = messages.at(-1)
  const text = asked ? textOf(asked.parts).trim().replace(MENTION, '') : ''
  const command = /^\/([a-z]+)\s*([^]*)$/i.exec(text)
  if (command) return onCommand(command[1]!.toLowerCase(), command[2]!.trim())
  const isFirst = !messages.some(message => message.role === 'assistant')
  const answer = onText(text, messages, models.length > 0 ? askModels(models) : connect)
  return plain(isFirst && !answer.includes(introduction) ? `${introduction}\n\n${answer}` : answer)
}

/** How several people speak to it. */
const MENTION = /^@skein[ -]offline(?: agent)?\b[\s,:]*/i

const plain = (text: string): OfflineReply => ({ text, slowness: 1 })

const onCommand = (name: string, rest: string): OfflineReply => {
  switch (name) {
    case 'help':
      return plain(`${introduction}\n\n${help}`)
    case 'markdown':
      return plain(markdownSample)
    case 'long':
      return plain(wordsOf(rest === '' ? DEFAULT_WORDS : Number(rest)))
    case 'slow':
      return { text: slowText, slowness: SLOW }
    case 'error':
      return { text: rest, slowness: 1, fails: 'You asked for a failure with /error, and this is it. Nothing is wrong with the server.' }
    case 'echo':
      return plain(echo(rest))
    default:
      return plain(`I do not know the command \`/${name.slice(0, 40)}\`.\n\n${help}`)
  }
}

/** @param better how to get a better answer */
const onText = (text: string, messages: readonly Message[], better: string): string => {
  const simple = text.toLowerCase().replace(/[^\p{L}\p{N}\s']/gu, ' ').replace(/\s+/g, ' ').trim()
  if (text === '') return `Your message holds no text that I could read.\n\n${help}`
  if (/^(hi|hello|hey|hallo|hola|bonjour|ciao|moin|servus|good (morning|afternoon|evening)|guten (morgen|tag|abend))\b/.test(simple)) {
    return `Hello${nameOf(messages)}! ${introduction}\n\nType \`help\` to see what you can try, or ask me \`what is Skein?\``
  }
  if (/^(help|hilfe|what can (you|i) (do|try))\b/.test(simple)) return help
  if (/\bskein\b/.test(simple) && /\b(what|explain|about|how)\b/.test(simple)) return about
  if (/^(who|what) are you\b|\bare you (an? )?(ai|real|human|bot|model|language model|llm)\b/.test(simple)) return `${introduction}\n\n${better}`
  if (/\bwhat (did|have|had) i (say|said|write|written|told|tell|asked|ask)\b/.test(simple)) return recall(messages)
  if (/\b(what|which|tell|current)\b.*\b(time|date|day|year)\b/.test(simple)) return timeOf(messages.at(-1)!)
  if (/^(thanks|thank you|thx|danke|merci|gracias)\b/.test(simple)) return 'You are welcome.'
  if (/^(bye|goodbye|see you|tschüss|ciao)\b/.test(simple)) return 'Goodbye. This conversation stays where it is, on your device too.'
  const sum = evaluateArithmetic(text)
  if (sum?.kind === 'value') return `\`${sum.expression}\` = **${sum.value}**`
  if (sum?.kind === 'undefined') return `\`${sum.expression}\` has no finite value: somewhere in it is a division by zero, or it grows too large.`
  return `${echo(text)}\n\nI only follow fixed rules, so I have no better answer to this. Type \`help\` to see what I do understand.\n\n${better}`
}

const nameOf = (messages: readonly Message[]): string => {
  const name = messages.at(-1)?.metadata.authorName?.replace(/[^\p{L}\p{N}\s'-]/gu, '').trim()
  return name ? `, ${name.slice(0, 60)}` : ''
}

const echo = (text: string): string => {
  if (text === '') return 'There was nothing to echo. Try `/echo some text`.'
  const words = text.split(/\s+/).filter(word => word !== '').length
  const characters = [...text].length
  const lines = text.split('\n').length
  return `You wrote ${count(words, 'word')} (${count(characters, 'character')}, ${count(lines, 'line')}):\n\n${quote(text, 1000)}`
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`

const quote = (text: string, max: number): string => {
  const characters = [...text]
  const shown = characters.length > max ? `${characters.slice(0, max).join('')}…` : text
  return shown.split('\n').map(line => `> ${line}`).join('\n')
}

/** What this person said before, newest last. */
const recall = (messages: readonly Message[]): string => {
  const asked = messages.at(-1)
  const said = messages.slice(0, -1).filter(({ role, metadata }) => role === 'user' && metadata.authorId === asked?.metadata.authorId)
  if (said.length === 0) return 'This is the first thing that you said in this conversation.'
  const shown = said.slice(-5).map(message => quote(textOf(message.parts).trim(), 200)).join('\n\nThen:\n\n')
  return `You wrote ${count(said.length, 'message')} before this one${said.length > 5 ? '; the last five are these' : ''}:\n\n${shown}`
}

/** The message's own time, so that a repeated attempt says the same. */
const timeOf = (message: Message): string => {
  const [date, time] = new Date(message.metadata.acceptedAt).toISOString().split('T') as [string, string]
  return `The server received your message on **${date}** at **${time.slice(0, 8)}** (UTC).`
}

const wordsOf = (wanted: number): string => {
  const n = Number.isFinite(wanted) ? Math.min(Math.max(1, Math.floor(wanted)), MAX_WORDS) : DEFAULT_WORDS
  const passage = longPassage.split(' ')
  return Array.from({ length: n }, (_, i) => passage[i % passage.length]! + (i === n - 1 ? '' : i % passage.length === passage.length - 1 ? '\n\n' : ' ')).join('')
}
