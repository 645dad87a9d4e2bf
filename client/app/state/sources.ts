/** The pages that a reply says it rests on, each once, in its order. Pure. */
import type { MessagePart } from '../../../shared/conversation/schema.ts'

export interface Source {
  url: string
  title: string
}

/** @returns null for a part that is no page of the web */
export const sourceOf = (part: MessagePart): Source | null => {
  if (part.type !== 'source-url' || !('url' in part) || typeof part.url !== 'string' || !/^https?:\/\//i.test(part.url)) return null
  const title = 'title' in part && typeof part.title === 'string' ? part.title.trim() : ''
  return { url: part.url, title: title || part.url.replace(/^https?:\/\/(?:www\.)?/i, '').replace(/[?#].*$/, '') }
}

export const sourcesOf = (parts: readonly MessagePart[]): Source[] =>
  [...new Map(parts.flatMap(part => sourceOf(part) ?? []).map(source => [source.url, source])).values()]
