/** Paths of the API. Ids and secrets are put in as they are: their alphabets need no escaping, and what is outside them is escaped. */

const segment = encodeURIComponent

/** Documents that have members. */
export type SharedKind = 'conversation' | 'artifact'

const document = (id: string, kind: SharedKind = 'conversation'): string =>
  kind === 'conversation' ? `/api/conversations/${segment(id)}` : `/api/documents/${kind}/${segment(id)}`

export const routes = {
  /** `before`: what this browser was when it asked last; the answer says what has become of that. */
  me: (before: { user?: string, device?: string } = {}) => `/api/me${query(before)}`,
  /** All that is kept of the person, as lines of JSON. */
  exportMe: () => '/api/me/export',
  conversations: (page: { limit?: number, before?: string } = {}) => `/api/conversations${query(page)}`,
  conversation: (id: string) => `/api/conversations/${segment(id)}`,
  messages: (id: string, page: { limit?: number, after?: string } = {}) => `/api/conversations/${segment(id)}/messages${query(page)}`,
  requests: (id: string) => `/api/conversations/${segment(id)}/requests`,
  request: (id: string, requestId: string) => `/api/conversations/${segment(id)}/requests/${segment(requestId)}`,
  members: (id: string, kind?: SharedKind) => `${document(id, kind)}/members`,
  member: (id: string, userId: string, kind?: SharedKind) => `${document(id, kind)}/members/${segment(userId)}`,
  leave: (id: string, kind?: SharedKind) => `${document(id, kind)}/leave`,
  handOver: (id: string, kind?: SharedKind) => `${document(id, kind)}/hand-over`,
  invitations: (id: string, kind?: SharedKind) => `${document(id, kind)}/invitations`,
  invitation: (id: string, linkId: string, kind?: SharedKind) => `${document(id, kind)}/invitations/${segment(linkId)}`,
  shareLinks: (id: string, kind?: SharedKind) => `${document(id, kind)}/share-links`,
  shareLink: (id: string, linkId: string, kind?: SharedKind) => `${document(id, kind)}/share-links/${segment(linkId)}`,
  acceptInvitation: () => '/api/invitations/accept',
  /** All documents of a person in one request. */
  sync: () => '/api/sync',
  tokens: () => '/api/tokens',
  token: (id: string) => `/api/tokens/${segment(id)}`,
  rotateToken: (id: string) => `/api/tokens/${segment(id)}/rotate`,
  /** Programs of the person's that speak under names of their own. */
  bots: () => '/api/bots',
  bot: (id: string) => `/api/bots/${segment(id)}`,
  /** Server-sent events for the bot itself, see bot-schemas.ts. */
  botRuns: () => '/api/bots/runs',
  botReply: (runId: string) => `/api/bots/runs/${segment(runId)}/reply`,
  tickets: () => '/api/tickets',
  /** Server-sent events, see {@link FEED_EVENT}. */
  feed: () => '/api/feed',
  /** How one gets in here; see account-schemas.ts for all under `/api/auth`. */
  auth: {
    options: () => '/api/auth/options',
    signUp: () => '/api/auth/sign-up',
    signIn: () => '/api/auth/sign-in',
    signOut: () => '/api/auth/sign-out',
    resetMail: () => '/api/auth/reset-mail',
    reset: () => '/api/auth/reset',
    confirmMail: () => '/api/auth/confirm-mail',
    confirm: () => '/api/auth/confirm',
    account: () => '/api/auth/account',
    password: () => '/api/auth/password',
    sessions: () => '/api/auth/sessions',
    session: (id: string) => `/api/auth/sessions/${segment(id)}`,
    passkeys: () => '/api/auth/passkeys',
    passkeysOptions: () => '/api/auth/passkeys/options',
    passkey: (id: string) => `/api/auth/passkeys/${segment(id)}`,
    passkeySignIn: () => '/api/auth/passkey',
    passkeySignInOptions: () => '/api/auth/passkey/options',
    provider: (id: string) => `/api/auth/providers/${segment(id)}`,
    accounts: (after?: string) => `/api/auth/admin/accounts${query({ after })}`,
    otherAccount: (id: string) => `/api/auth/admin/accounts/${segment(id)}`,
    resetLink: (id: string) => `/api/auth/admin/accounts/${segment(id)}/reset-link`,
    inviteCodes: () => '/api/auth/admin/invite-codes',
    inviteCode: (id: string) => `/api/auth/admin/invite-codes/${segment(id)}`,
    providerKeys: () => '/api/auth/admin/provider-keys',
    providerKey: (name: string) => `/api/auth/admin/provider-keys/${segment(name)}`,
  },
  /** Where the person is signed in; see device-schemas.ts. */
  devices: () => '/api/devices',
  device: (id: string) => `/api/devices/${segment(id)}`,
  deviceLinks: () => '/api/devices/links',
  deviceLink: (id: string) => `/api/devices/links/${segment(id)}`,
  confirmDeviceLink: (id: string) => `/api/devices/links/${segment(id)}/confirm`,
  askForDevice: () => '/api/devices/links/ask',
  collectDevice: () => '/api/devices/links/collect',
  health: () => '/healthz',
  /** The page of the app that accepts an invitation. No server, proxy or log is sent what stands behind `#`. */
  join: (secret: string) => `/join#${segment(secret)}`,
  /** The page of the app that shows what a share link lets read. */
  shared: (secret: string) => `/shared#${segment(secret)}`,
} as const

/** What a share link's secret is written behind where it proves its reader: `Authorization: Bearer <prefix><secret>`, or as a ticket. */
export const LINK_PREFIX = 'skein-link_'

/** Beginnings of addresses whose next part is a secret by itself. Logs leave that part out. (Invitations were parts of paths once.) */
export const secretPaths = ['/join/', '/join#', '/shared#', '/link#', '/reset#', '/confirm#', '/sign-up#'] as const

/** The page of the app on which a new device asks to be added. No server sees what stands behind the `#`. */
export const deviceLinkPath = (code: string): string => `/link#${code}`

/**
 * Name of the feed's event of a change; its data is a `ConversationListItem` as it is now. There is no backlog: open the feed first, then
 * read the list, and read it again after every reconnect.
 */
export const FEED_EVENT = 'conversation'
/** The feed's other event: a conversation was deleted, or is no longer this person's; its data is `{ id }`. */
export const FEED_REMOVED_EVENT = 'removed'

const query = (fields: Readonly<Record<string, string | number | undefined>>): string => {
  const given = Object.entries(fields).flatMap(([key, value]) => value === undefined ? [] : [[key, String(value)]])
  return given.length > 0 ? `?${new URLSearchParams(given)}` : ''
}
