/** `SKEIN_CONTEXT_ROOTS` and `SKEIN_CONTEXT_PEOPLE`: which folders of the server messages may name, and whose. */
import { basename, isAbsolute } from 'node:path'
import * as z from 'zod'
import { parseUserId } from '../shared/ids.ts'

export interface ContextConfig {
  /** Absolute paths of folders; none: messages name no files. */
  roots: readonly string[]
  /** Ids of people; null: everybody. */
  people: readonly string[] | null
}

const list = z.string().transform(text => text.split(',').map(each => each.trim()).filter(each => each !== ''))

export const contextEnvironment = {
  SKEIN_CONTEXT_ROOTS: list.refine(
    roots => roots.every(isAbsolute) && new Set(roots.map(root => basename(root))).size === roots.length && roots.every(root => basename(root) !== ''),
    'SKEIN_CONTEXT_ROOTS must be absolute paths of folders with commas between them, whose last parts differ, such as /srv/handbook,/srv/site.'
  ).optional(),
  SKEIN_CONTEXT_PEOPLE: list.refine(
    ids => (ids.length === 1 && ids[0] === '*') || ids.every(id => parseUserId(id) !== null),
    'SKEIN_CONTEXT_PEOPLE must be ids of people with commas between them, or * for everybody who can sign in.'
  ).optional(),
}

interface Given {
  SKEIN_CONTEXT_ROOTS?: string[] | undefined
  SKEIN_CONTEXT_PEOPLE?: string[] | undefined
}

/** With `SKEIN_AUTH=none` there is one person, whose the server is. */
export const contextConfigOf = (given: Given, auth: string): ContextConfig => {
  const { SKEIN_CONTEXT_ROOTS: roots = [], SKEIN_CONTEXT_PEOPLE: people = [] } = given
  return { roots, people: auth === 'none' || people[0] === '*' ? null : people }
}

export const contextProblems = (given: Partial<Record<string, string>>): string[] => {
  const { SKEIN_CONTEXT_ROOTS: roots, SKEIN_CONTEXT_PEOPLE: people, SKEIN_AUTH: auth } = given
  if (roots !== undefined && people === undefined && auth !== 'none') {
    return ['SKEIN_CONTEXT_ROOTS names folders and SKEIN_CONTEXT_PEOPLE nobody who may have them read: name people by their ids, or unset both.']
  }
  if (roots === undefined && people !== undefined) return ['SKEIN_CONTEXT_PEOPLE names people and SKEIN_CONTEXT_ROOTS no folder: name one, or unset both.']
  return []
}
