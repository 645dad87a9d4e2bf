/** The one table of what can go wrong: code → HTTP status, WebSocket close code, whether trying again helps, and what to tell a person. */

interface ErrorEntry {
  /** RFC 9110 status when it is the answer to an HTTP request. */
  status: number
  /** WebSocket close code when a socket ends by it. y-websocket never reconnects after 4400–4499; 1013 means "try again later". */
  close: number
  /** The same bytes may succeed later. */
  retryable: boolean
  /** What happened, what it means for the reader's data, what to do. */
  message: string
  /** The same for a program that calls the API, where it has something else to do than a person in the app. */
  toProgram?: string
}

const table = {
  'malformed': { status: 400, close: 4400, retryable: false, message: 'The bytes are not a valid update, so nothing of them was stored. Your text is still on this device; reload the page and send it again.' },
  'unauthenticated': { status: 401, close: 4401, retryable: false, message: 'You are not signed in here. Nothing was lost; reload the page to continue.', toProgram: 'Nothing that came with this call says who is calling, or it is not good (any more), so nothing was done. Send a token that is good as "Authorization: Bearer …", or the cookie of a session.' },
  'signed-out': { status: 401, close: 4401, retryable: false, message: 'You were signed out of this device, or its access was taken back. What you had not sent is kept here; sign in again to send it.' },
  // Not final for y-websocket: whoever has a newer proof by now comes back with it, and all others are told `unauthenticated`.
  'sign-in-expired': { status: 401, close: 1013, retryable: true, message: 'This sign-in has run out. Nothing is lost; the connection starts over with a newer one, or asks you to sign in again.' },
  'forged': { status: 403, close: 4403, retryable: false, message: 'The update writes where only the server or another person may write, so none of it was stored. Your text stays on this device; reload the page and send it again.' },
  'client-id-taken': { status: 403, close: 4403, retryable: false, message: 'The update uses a client id that belongs to somebody else, so none of it was stored. Reload the page to get a new one; your text stays on this device.' },
  'id-conflict': { status: 409, close: 4403, retryable: false, message: 'The update claims other content for something that is already stored, so none of it was stored. Your text stays on this device; reload the page and send it again.' },
  'not-allowed': { status: 403, close: 4403, retryable: false, message: 'Your role does not allow this here. Your text stays on this device; ask the owner for access.' },
  'not-found': { status: 404, close: 4404, retryable: false, message: 'There is no such thing here, or you are not a member of it.' },
  'no-longer-member': { status: 404, close: 4404, retryable: false, message: 'You are not a member of this conversation (any more). What you had not sent is kept on this device; copy it if you still need it.' },
  'last-owner': { status: 409, close: 4403, retryable: false, message: 'Nobody else owns this, and it is not to be left without an owner, so nothing was changed. Hand it over to another member first.' },
  'removed-before': { status: 403, close: 4403, retryable: false, message: 'An owner removed you after this link was made, so it does not let you in. Ask for a new one.' },
  'link-expired': { status: 410, close: 4403, retryable: false, message: 'This link has expired, so nothing was changed. Ask for a new one.' },
  'link-used-up': { status: 410, close: 4403, retryable: false, message: 'This link has let in as many people as it was made for, so nothing was changed. Ask for a new one.' },
  'too-many-members': { status: 409, close: 4403, retryable: false, message: 'It has as many members as the server keeps, so nobody was added. An owner can remove some.' },
  'too-many-links': { status: 409, close: 4403, retryable: false, message: 'It has as many links as the server keeps, so none was made. Revoke one that is no longer needed.' },
  'gone': { status: 410, close: 4410, retryable: false, message: 'This conversation was deleted. What you had not sent is kept on this device; copy it if you still need it.' },
  'outcome-unknown': { status: 409, close: 4409, retryable: false, message: 'The server began anew and does not know whether it has this already. It was not sent again; look whether it is there, and send it again if not.' },
  'epoch-changed': { status: 409, close: 4409, retryable: false, message: 'The server began this document anew. Reload the page; what you had not sent is kept on this device.' },
  'too-large': { status: 413, close: 4413, retryable: false, message: 'This is larger than the server accepts, so it was not stored. It stays on this device; send it in smaller pieces.' },
  'document-full': { status: 413, close: 4413, retryable: false, message: 'This document has reached the size that the server keeps, so nothing was added to it. Your text stays on this device; delete something, or begin a new one.' },
  'too-expensive': { status: 422, close: 4422, retryable: false, message: 'Merging this update would cost the server too much, so none of it was stored. Your text stays on this device; reload the page and send it in smaller pieces.' },
  'message-too-long': { status: 413, close: 4413, retryable: false, message: 'The message is longer than the server accepts. It was not sent; its text is kept here, so shorten it and send it again.' },
  'message-empty': { status: 422, close: 4422, retryable: false, message: 'The message has no content, so it was not sent.' },
  'invalid-request': { status: 422, close: 4422, retryable: false, message: 'The request does not have the expected form, so nothing was changed.' },
  'parent-unknown': { status: 409, close: 4409, retryable: true, message: 'The message answers one that the server does not know. It was not sent; its text is kept here, so send it again.' },
  'target-unknown': { status: 404, close: 4404, retryable: false, message: 'What this request speaks of is not in the conversation, so nothing was changed.' },
  'viewer': { status: 403, close: 4403, retryable: false, message: 'You may read this conversation but not write in it. Your text is kept here; ask the owner to make you an editor.' },
  'not-author': { status: 403, close: 4403, retryable: false, message: 'Only its author or the owner of the conversation may do this, so nothing was changed.' },
  'run-finished': { status: 409, close: 4409, retryable: false, message: 'The reply was already finished, so there was nothing to stop.' },
  'agent-unknown': { status: 404, close: 4404, retryable: false, message: 'There is no such agent on this server. Choose another one.' },
  'rate-limited': { status: 429, close: 4429, retryable: true, message: 'Too many requests in a short time. Nothing was stored of this one; wait a little and try again.' },
  'too-many-tokens': { status: 409, close: 4409, retryable: false, message: 'You have as many tokens as one person may have, so none was made. Revoke one that nobody needs any more.' },
  'too-many-bots': { status: 409, close: 4409, retryable: false, message: 'You have as many bots as one person may have, so none was registered. Delete one that nobody needs any more.' },
  'bot-unknown': { status: 404, close: 4404, retryable: false, message: 'You have no such bot, and a token acts only as a bot of its own person, so nothing was changed. Register it first.' },
  'bot-away': { status: 503, close: 1011, retryable: true, message: 'The bot did not take this up, so there is no reply: its program may not be running. Your message is saved; try again when it is.' },
  'run-taken': { status: 409, close: 4409, retryable: false, message: 'This is being answered already, or was, so nothing of it was taken.' },
  'name-taken': { status: 409, close: 4409, retryable: false, message: 'The bot\'s name could be taken for that of somebody else here, so nothing was stored or sent. Rename the bot.' },
  'too-many-connections': { status: 429, close: 1013, retryable: true, message: 'Too many connections are open or were opened in a short time. Nothing is lost; this device tries again by itself.' },
  'missing-dependency': { status: 409, close: 1013, retryable: true, message: 'The update builds on something that never arrived. Nothing is lost; the connection starts over.' },
  'not-saved': { status: 503, close: 1013, retryable: true, message: 'The server could not write to its disk. Nothing unsaved was shown to others; your text stays on this device and is sent again by itself.' },
  'slow-reader': { status: 503, close: 1013, retryable: true, message: 'This device did not read what the server sent. Nothing is lost; the connection starts over and brings what is missing.' },
  'unavailable': { status: 503, close: 1012, retryable: true, message: 'The server is stopping or starting. Your text stays on this device and is sent again by itself.' },
  'log-damaged': { status: 500, close: 4500, retryable: false, message: 'Records of this document are missing or damaged on the server, so it is not served. Other documents are not affected, and what you had not sent is kept on this device; tell the operator.' },
  'newer-schema': { status: 409, close: 4426, retryable: false, message: 'This document was written by a newer Skein. Nothing was changed; reload the page to get the newer one, and where that does not help, ask the operator to update the server.' },
  'sign-in-failed': { status: 401, close: 4401, retryable: false, message: 'The e-mail address or the password is not right. Nothing was changed; check both, or choose a new password.' },
  'address-unconfirmed': { status: 401, close: 4401, retryable: false, message: 'The address of this account is not confirmed yet. Nothing was changed; open the link in the mail that was sent to it, or have another one sent.' },
  'sign-in-locked': { status: 429, close: 4429, retryable: true, message: 'Too many attempts with a wrong password. Nothing was changed; wait and try again, or choose a new password.' },
  'sign-in-again': { status: 403, close: 4403, retryable: false, message: 'This needs a fresh sign-in, because it decides who gets into the account. Nothing was changed; sign out, sign in, and do it again.' },
  'sign-up-closed': { status: 403, close: 4403, retryable: false, message: 'This server takes no new accounts by itself, so none was made. Ask its operator for a code or an account.' },
  'link-spent': { status: 410, close: 4410, retryable: false, message: 'This link or code was used already, is too old, or was never given out. Nothing was changed; ask for a new one.' },
  'account-disabled': { status: 403, close: 4403, retryable: false, message: 'The operator of this server has closed this account, so it cannot be used. Nothing of it was deleted; ask them.' },
  'accounts-away': { status: 503, close: 1013, retryable: true, message: 'The server cannot reach its accounts for the moment, so it does not know who you are. Nothing is lost, and what you wrote stays on this device; try again in a moment.' },
  'agent-failed': { status: 502, close: 1011, retryable: true, message: 'The model did not answer. Your message is saved; try again.' },
  'budget-spent': { status: 429, close: 4429, retryable: true, message: 'The replies of language models that may be asked for today are used up. Your message is saved; try again tomorrow.' },
  'too-many-replies': { status: 429, close: 4429, retryable: true, message: 'As many replies as one person may have at once are being given to you, so this one was not begun. Your message is saved; try again when one of them has ended.' },
  'interrupted': { status: 503, close: 1011, retryable: true, message: 'The reply was interrupted when the server stopped. What had arrived is kept: continue it, or try again.' },
  'internal': { status: 500, close: 1011, retryable: true, message: 'Something went wrong on the server. What was acknowledged is saved; try again.' },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof table

export const errorTable: Readonly<Record<ErrorCode, ErrorEntry>> = table

export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(table, text)

/** The one error class of Skein: thrown inside, turned into a frame, a result or a problem document at the edge. */
export class SkeinError extends Error {
  readonly code: ErrorCode
  /** @param detail replaces the table's message; safe to show to the caller (no text of messages, no paths) */
  constructor(code: ErrorCode, detail?: string, options?: ErrorOptions) {
    super(detail ?? table[code].message, options)
    this.name = 'SkeinError'
    this.code = code
  }
}
