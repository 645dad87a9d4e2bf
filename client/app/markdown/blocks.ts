/**
 * Splits markdown into its top-level blocks, so that a growing reply costs only its last blocks: finished ones are the same objects as
 * before. Pure; the HTML that comes out is NOT safe yet, see sanitise.ts.
 */
import { Marked } from 'marked'
import type { RendererObject, Token, TokensList } from 'marked'

export interface Block {
  /** The markdown of this block. */
  readonly raw: string
  /** Its HTML, unsanitised. */
  readonly html: string
}

/** Blocks at the end that more text may still change: the last one, and the one before it when the last is a mere beginning. */
const OPEN_BLOCKS = 2

/** Tags that do nothing but mark words, and only when bare: the rest of what looks like HTML is shown as it was written. */
const BARE_TAG = /^<\/?(?:b|i|em|strong|del|s|sub|sup|kbd|mark|br)\s*\/?>$/i

const renderer: RendererObject = {
  html: ({ text, block }) => {
    if (BARE_TAG.test(text.trim())) return text
    return block ? `<p>${escape(text.trim()).replaceAll('\n', '<br>')}</p>` : escape(text)
  },
  // Task lists without form controls: those would be sanitised away.
  checkbox: ({ checked }) => checked ? '☑ ' : '☐ '
}

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const marked = new Marked({ gfm: true, breaks: true, renderer })

/**
 * @param text the whole text so far
 * @param before what this function returned for an earlier version of the same text; reused as far as the text begins with it
 */
export const splitBlocks = (text: string, before: readonly Block[] = []): Block[] => {
  const source = text.replaceAll(/\r\n?/g, '\n')
  if (isTooMuch(source)) return [plain(source)]
  try {
    return split(source, before)
  } catch {
    return [plain(source)] // Whatever the parser cannot take is still readable as it was written.
  }
}

const split = (source: string, before: readonly Block[]): Block[] => {
  const kept: Block[] = []
  let offset = 0
  for (const block of before.slice(0, -OPEN_BLOCKS)) {
    if (!source.startsWith(block.raw, offset)) break
    kept.push(block)
    offset += block.raw.length
  }
  const known = new Map(before.slice(kept.length).map(block => [block.raw, block]))
  const tokens = marked.lexer(source.slice(offset))
  return [...kept, ...group(tokens).map(raw => known.get(raw.raw) ?? { raw: raw.raw, html: toHtml(raw.tokens, tokens.links) })]
}

/** The parser recurses per level, and its time grows with the square of a paragraph: past these bounds a text is shown as written. */
const MAX_LEVELS = 32
const MAX_PARAGRAPH = 20_000

const isTooMuch = (source: string): boolean => {
  let paragraph = 0
  let inCode = false
  for (const line of source.split('\n')) {
    if (/^ {0,3}(?:```|~~~)/.test(line)) inCode = !inCode
    if (!inCode && (/^[\s>*+\-\d.)]*/.exec(line)?.[0].match(/[>*+\-.)]/g)?.length ?? 0) > MAX_LEVELS && !/^[\s*_-]*$/.test(line)) return true
    paragraph = inCode || line.trim() === '' ? 0 : paragraph + line.length
    if (paragraph > MAX_PARAGRAPH) return true
  }
  return false
}

const plain = (source: string): Block => ({ raw: source, html: `<p>${escape(source).replaceAll('\n', '<br>')}</p>` })

/** Blank lines and link definitions show nothing, so they join the block before them: what is counted is what is seen. */
const group = (tokens: readonly Token[]): { raw: string, tokens: Token[] }[] => {
  const groups: { raw: string, tokens: Token[] }[] = []
  for (const token of tokens) {
    const last = groups.at(-1)
    if (last && (token.type === 'space' || token.type === 'def')) last.raw += token.raw
    else groups.push({ raw: token.raw, tokens: [token] })
  }
  return groups
}

const toHtml = (tokens: Token[], links: TokensList['links']): string => marked.parser(Object.assign(tokens, { links }))
