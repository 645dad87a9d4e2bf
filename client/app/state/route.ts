/** The addresses of the app: `/`, `/c/<conversation id>`, `/join/<secret>`. */

export type Route =
  | { screen: 'home' }
  | { screen: 'conversation', id: string }
  | { screen: 'join', secret: string }
  | { screen: 'unknown' }

const CONVERSATION = /^\/c\/([A-Za-z0-9_-]{1,128})$/
const JOIN = /^\/join\/([A-Za-z0-9_.~-]{1,256})$/

/** @param path the path of a URL, e.g. `location.pathname` */
export const parseRoute = (path: string): Route => {
  const trimmed = path.length > 1 ? path.replace(/\/$/, '') : path
  if (trimmed === '/' || trimmed === '/index.html') return { screen: 'home' }
  const id = CONVERSATION.exec(trimmed)?.[1]
  if (id) return { screen: 'conversation', id }
  const secret = JOIN.exec(trimmed)?.[1]
  if (secret) return { screen: 'join', secret }
  return { screen: 'unknown' }
}

export const conversationPath = (id: string): string => `/c/${id}`
export const joinPath = (secret: string): string => `/join/${secret}`
