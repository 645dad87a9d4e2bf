/**
 * The addresses of the app: `/`, `/c/<conversation id>`, `/join#<secret>`, `/shared#<secret>`, of old invitations `/join/<secret>`, and the
 * pages of accounts.
 */

/** Secrets of links stand behind their `#`. */
export const accountPages = ['sign-in', 'sign-up', 'forgot', 'reset', 'confirm', 'account', 'admin'] as const
export type AccountPage = typeof accountPages[number]

export type Route =
  | { screen: 'home' }
  | { screen: 'conversation', id: string }
  | { screen: 'join', secret: string }
  /** What a share link lets read. */
  | { screen: 'shared', secret: string }
  | { screen: 'account', page: AccountPage }
  | { screen: 'devices' }
  /** Where a link for one more device leads. */
  | { screen: 'link', code: string }
  | { screen: 'unknown' }

const CONVERSATION = /^\/c\/([A-Za-z0-9_-]{1,128})$/
const JOIN = /^\/join[/#]([A-Za-z0-9_.~-]{1,256})$/
const SHARED = /^\/shared#([A-Za-z0-9_.~-]{1,256})$/

/** @param path the path of a URL, e.g. `location.pathname` @param hash what stands behind it, with its `#` */
export const parseRoute = (path: string, hash = ''): Route => {
  const trimmed = path.length > 1 ? path.replace(/\/$/, '') : path
  if (trimmed === '/' || trimmed === '/index.html') return { screen: 'home' }
  const id = CONVERSATION.exec(trimmed)?.[1]
  if (id) return { screen: 'conversation', id }
  const secret = (JOIN.exec(trimmed) ?? JOIN.exec(trimmed + hash))?.[1]
  if (secret) return { screen: 'join', secret }
  const shared = SHARED.exec(trimmed + hash)?.[1]
  if (shared) return { screen: 'shared', secret: shared }
  if (trimmed === '/devices') return { screen: 'devices' }
  if (trimmed === '/link') return { screen: 'link', code: hash.slice(1) }
  const page = accountPages.find(name => trimmed === accountPath(name))
  return page ? { screen: 'account', page } : { screen: 'unknown' }
}

export const conversationPath = (id: string): string => `/c/${id}`
export const accountPath = (page: AccountPage): string => `/${page}`
