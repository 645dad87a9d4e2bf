/** What to tell about the connection, and when: short breaks pass unmentioned, longer ones calmly, lasting ones with what they mean. */

/** `offline`: this device has no network; `unreachable`: it has one, and the server does not answer, or says why not. */
export type ConnectionNotice = 'none' | 'reconnecting' | 'offline' | 'unreachable'

export interface ConnectionFacts {
  /** The socket of the open conversation is up. */
  online: boolean
  /** The browser believes in a network. */
  networkUp: boolean
  /** Milliseconds since the socket was last up, or since the conversation was opened. */
  downFor: number
}

/** A page load or a server's restart takes less. */
const MENTION_AFTER = 1_000
/** By then several tries have failed. */
const UNREACHABLE_AFTER = 4_000

export const connectionNotice = ({ online, networkUp, downFor }: ConnectionFacts): ConnectionNotice => {
  if (!networkUp) return 'offline'
  if (online || downFor < MENTION_AFTER) return 'none'
  return downFor < UNREACHABLE_AFTER ? 'reconnecting' : 'unreachable'
}

/** When the notice changes by time alone: milliseconds from now, or null when it does not. */
export const nextNoticeIn = ({ online, networkUp, downFor }: ConnectionFacts): number | null => {
  if (online || !networkUp) return null
  if (downFor < MENTION_AFTER) return MENTION_AFTER - downFor
  return downFor < UNREACHABLE_AFTER ? UNREACHABLE_AFTER - downFor : null
}
