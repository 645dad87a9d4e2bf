/** The two documents of a simulation. */
import { conversationName, parseDocumentName } from '../../shared/ids.ts'

export const TALK = conversationName('talk')!
export const BOARD = parseDocumentName('artifact/board')!
export const URL = 'ws://virtual/sync'
