/**
 * Names that nobody guesses. Where people have documents of their own, whoever comes first to a name that nobody has owns it; so a name
 * that could be guessed would tell whoever tries it whether it is taken, or could be taken before its owner's device has come.
 */
import { errorTable } from './errors.ts'
import { documentId, documentKind } from './ids.ts'
import type { DocumentName } from './ids.ts'

/** UUIDs (RFC 9562) of version 4 or 7, which hold 122 or 74 random bits; the other ones say when or of what they were made. */
const DRAWN = /^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Whether it was drawn, as far as its form tells. A home is its person's in any case. */
export const isDrawnName = (name: DocumentName): boolean => documentKind(name) === 'home' || DRAWN.test(documentId(name))

/** What to do about a name that can be guessed. With the code before it, it fits into a close frame. */
const DRAW_ONE = 'Nothing of this name is yours, and a new document needs a UUID (v4 or v7) as its name. Draw one.'

/** Why a document is not for somebody: told by its name alone, so that it is the same whether there is such a document or not. */
export const whyNotFound = (name: DocumentName): string => isDrawnName(name) ? errorTable['not-found'].message : DRAW_ONE
