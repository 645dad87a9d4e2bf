/** Which content Yjs puts where. Another mixture may be valid bytes, but replicas do not agree on what it means. */
import * as Y from 'yjs'
import { SkeinError } from '../../shared/errors.ts'
import type { Place } from './locate.ts'
import type { Judged } from './verdict.ts'

/** @throws SkeinError `malformed` */
export const checkForm = ({ content }: Y.Item, { holder, key }: Place, kind: Judged): void => {
  switch (holder.form) {
    case 'list':
      if (key !== null) throw new SkeinError('malformed', 'An element of a list has a key.')
      break
    case 'map':
      if (key === null) throw new SkeinError('malformed', 'An entry of a map has no key.')
      break
    case 'text':
      // Y.Text.setAttribute exists, so in free documents a text may have entries.
      if (key !== null && kind === 'conversation') throw new SkeinError('malformed', 'A text has a key.')
      break
    case 'xml':
    case 'open':
  }
  if ((key !== null || holder.form === 'list') && isOfText(content)) {
    throw new SkeinError('malformed', 'Characters, formats and embeds stand in texts only.')
  }
}

const isOfText = (content: Y.Item['content']): boolean =>
  content instanceof Y.ContentString || content instanceof Y.ContentFormat || content instanceof Y.ContentEmbed
