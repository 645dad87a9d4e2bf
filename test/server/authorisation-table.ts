/** The table of test/server/authorisation.test.ts: each route of the API, and what it answers whom. */
import { BOT_REPLY_TYPE } from '../../shared/api/bot-schemas.ts'
import { routes } from '../../shared/api/routes.ts'
import { IDEMPOTENCY_KEY } from '../../shared/api/schemas.ts'
import type { DocumentKind, UserId } from '../../shared/ids.ts'
import { newConversationId, newRequestId } from '../rig/conversation.ts'

/** Of everybody who has an account. */
export const PASSWORD = 'correct horse battery'

/**
 * In this order, four to a group. Those of the first two groups are guests; `reader` comes by a share link, `expired` by cookies that are
 * over. Of the third group are tokens of the owner, for another document, to read, and to write; and a share link that is over. Those of
 * the last one are signed in, and strangers to the document; and `bot` comes by a token of the owner that acts as a bot of theirs and
 * writes.
 */
export const columns = [
  'owner', 'editor', 'viewer', 'reader', 'stranger', 'removed', 'expired', 'guest',
  'narrow', 'readsOnly', 'writes', 'expiredLink', 'account', 'admin', 'bot',
] as const
export type Column = typeof columns[number]

/** To them a document of others does not exist. */
export const outsiders: readonly Column[] = ['stranger', 'removed', 'guest', 'narrow', 'account', 'admin']

/** What a column gets: yes, or the status. One letter each, in the order of the columns. */
export const answers = { y: 'ok', n: 403, 0: 404, 1: 401, 2: 409, g: 410, i: 422, r: 302 } as const
export type Letter = keyof typeof answers

export interface Target {
  id: string
  kind: DocumentKind
  member: UserId
  joinLink: { id: string, secret: string }
  readLink: { id: string }
  /** What is somebody's who stands in no column. */
  others: { session: string, account: string, link: string, bot: string }
}

export interface Row {
  /** Of this kind of document; null: of none. */
  kind: 'conversation' | 'artifact' | null
  /** `owner editor viewer reader | stranger removed expired guest | narrow readsOnly writes expiredLink | account admin bot` */
  may: string
  path: (target: Target) => string
  body?: (target: Target) => unknown
  headers?: () => Record<string, string>
  /** Of its body; JSON when left out. */
  type?: string
  /** Why an outsider's answer may tell that the name is taken. */
  tells?: string
  /** It ends what it is asked by: somebody who signs in for that. */
  own?: boolean
}

const requestId = newRequestId()

/** Routes about members and links are there for both kinds. */
const shared = (kind: 'conversation' | 'artifact', at: string): Record<string, Row> => ({
  [`GET ${at}/members`]: { kind, may: 'yyyy 0010 0yy1 00y', path: ({ id }) => routes.members(id, kind) },
  [`PATCH ${at}/members/:userId`]: { kind, may: 'ynnn 0010 nnn1 00n', path: ({ id, member }) => routes.member(id, member, kind), body: () => ({ role: 'editor' }) },
  [`DELETE ${at}/members/:userId`]: { kind, may: 'ynnn 0010 nnn1 00n', path: ({ id, member }) => routes.member(id, member, kind) },
  // The owner here is the last one.
  [`POST ${at}/leave`]: { kind, may: '2yyn 0010 nnn1 00n', path: ({ id }) => routes.leave(id, kind), body: () => ({}) },
  [`POST ${at}/hand-over`]: { kind, may: 'ynnn 0010 nnn1 00n', path: ({ id }) => routes.handOver(id, kind), body: ({ member }) => ({ to: member }) },
  [`GET ${at}/invitations`]: { kind, may: 'ynnn 0010 nnn1 00n', path: ({ id }) => routes.invitations(id, kind) },
  [`POST ${at}/invitations`]: { kind, may: 'ynnn 0010 nnn1 00n', path: ({ id }) => routes.invitations(id, kind), body: () => ({ role: 'editor' }) },
  [`DELETE ${at}/invitations/:linkId`]: { kind, may: 'ynnn 0010 nnn1 00n', path: ({ id, joinLink }) => routes.invitation(id, joinLink.id, kind) },
  [`GET ${at}/share-links`]: { kind, may: 'ynnn 0010 nnn1 00n', path: ({ id }) => routes.shareLinks(id, kind) },
  [`POST ${at}/share-links`]: { kind, may: 'ynnn 0010 nnn1 00n', path: ({ id }) => routes.shareLinks(id, kind), body: () => ({}) },
  [`DELETE ${at}/share-links/:linkId`]: { kind, may: 'ynnn 0010 nnn1 00n', path: ({ id, readLink }) => routes.shareLink(id, readLink.id, kind) },
})

/** Of somebody else, or nobody's. */
const devices: Record<string, Row> = {
  'GET /api/devices': { kind: null, may: 'yyyn yy1y nnn1 yyn', path: () => routes.devices() },
  'DELETE /api/devices/:id': { kind: null, may: '000n 0010 nnn1 00n', path: ({ others }) => routes.device(others.session) },
  'POST /api/devices/links': { kind: null, may: 'yyyn yy1y nnn1 yyn', path: () => routes.deviceLinks(), body: () => ({}) },
  'GET /api/devices/links/:id': { kind: null, may: '000n 0010 nnn1 00n', path: ({ others }) => routes.deviceLink(others.link) },
  'POST /api/devices/links/:id/confirm': { kind: null, may: 'gggn gg1g nnn1 ggn', path: ({ others }) => routes.confirmDeviceLink(others.link), body: () => ({}) },
  'DELETE /api/devices/links/:id': { kind: null, may: 'gggn gg1g nnn1 ggn', path: ({ others }) => routes.deviceLink(others.link) },
  // For a browser that is nobody yet, or a guest.
  'POST /api/devices/links/ask': { kind: null, may: 'gggn gggg nnng nnn', path: () => routes.askForDevice(), body: () => ({ code: 'x'.repeat(43) }) },
  'POST /api/devices/links/collect': { kind: null, may: 'gggn gggg nnng nnn', path: () => routes.collectDevice(), body: () => ({ claim: 'x.y' }) },
}

/** What only who has an account gets at, by its session and by nothing else. */
const ownAccount = '1111 1111 1111 '

const auth: Record<string, Row> = {
  'GET /api/auth/options': { kind: null, may: 'yyyy yyyy yyyy yyy', path: () => routes.auth.options() },
  'POST /api/auth/sign-up': {
    kind: null, may: 'yyyy yyyy yyyy yyy', path: () => routes.auth.signUp(), body: () => ({ email: `${newConversationId()}@example.org`, password: PASSWORD, name: 'Newcomer' }),
  },
  'POST /api/auth/sign-in': {
    kind: null, may: '1111 1111 1111 111', path: () => routes.auth.signIn(), body: () => ({ email: `${newConversationId()}@example.org`, password: PASSWORD }),
  },
  // Whoever asks is signed out afterwards; nobody was, by a session that is none.
  'POST /api/auth/sign-out': { kind: null, may: 'yyyy yyyy yyyy yyy', path: () => routes.auth.signOut(), body: () => ({}), own: true },
  // This server sends no mail.
  'POST /api/auth/reset-mail': { kind: null, may: 'nnnn nnnn nnnn nnn', path: () => routes.auth.resetMail(), body: () => ({ email: 'account@example.org' }) },
  'POST /api/auth/reset': { kind: null, may: 'gggg gggg gggg ggg', path: () => routes.auth.reset(), body: () => ({ token: 'x', password: PASSWORD }) },
  'POST /api/auth/confirm': { kind: null, may: 'gggg gggg gggg ggg', path: () => routes.auth.confirm(), body: () => ({ token: 'x', password: PASSWORD }) },
  'POST /api/auth/confirm-mail': { kind: null, may: 'nnnn nnnn nnnn nnn', path: () => routes.auth.confirmMail(), body: () => ({ email: 'account@example.org' }) },
  'GET /api/auth/account': { kind: null, may: `${ownAccount}yy1`, path: () => routes.auth.account() },
  'PATCH /api/auth/account': { kind: null, may: `${ownAccount}yy1`, path: () => routes.auth.account(), body: () => ({ name: 'Another name' }) },
  'POST /api/auth/password': { kind: null, may: `${ownAccount}yy1`, path: () => routes.auth.password(), body: () => ({ current: PASSWORD, password: PASSWORD }) },
  'GET /api/auth/sessions': { kind: null, may: `${ownAccount}yy1`, path: () => routes.auth.sessions() },
  'DELETE /api/auth/sessions/:id': { kind: null, may: `${ownAccount}001`, path: ({ others }) => routes.auth.session(others.session) },
  'GET /api/auth/passkeys': { kind: null, may: `${ownAccount}yy1`, path: () => routes.auth.passkeys() },
  'POST /api/auth/passkeys/options': { kind: null, may: `${ownAccount}yy1`, path: () => routes.auth.passkeysOptions(), body: () => ({}) },
  // Without the challenge that the options have set.
  'POST /api/auth/passkeys': { kind: null, may: `${ownAccount}gg1`, path: () => routes.auth.passkeys(), body: () => ({ response: {}, name: 'Key' }) },
  'DELETE /api/auth/passkeys/:id': { kind: null, may: `${ownAccount}001`, path: () => routes.auth.passkey('x') },
  'POST /api/auth/passkey/options': { kind: null, may: 'yyyy yyyy yyyy yyy', path: () => routes.auth.passkeySignInOptions(), body: () => ({}) },
  'POST /api/auth/passkey': { kind: null, may: 'gggg gggg gggg ggg', path: () => routes.auth.passkeySignIn(), body: () => ({ response: {} }) },
  // No provider is set up here.
  'POST /api/auth/providers/:id': { kind: null, may: '0000 0000 0000 000', path: () => routes.auth.provider('acme'), body: () => ({}) },
  // A session that is fresh, of an account that has none.
  'DELETE /api/auth/providers/:id': { kind: null, may: `${ownAccount}001`, path: () => routes.auth.provider('acme') },
  'GET /api/auth/callback/:id': { kind: null, may: 'rrrr rrrr rrrr rrr', path: () => '/api/auth/callback/acme?code=x&state=y' },
  'GET /api/auth/admin/accounts': { kind: null, may: '0000 0000 0000 0y0', path: () => routes.auth.accounts() },
  'PATCH /api/auth/admin/accounts/:id': {
    kind: null, may: '0000 0000 0000 0y0', path: ({ others }) => routes.auth.otherAccount(others.account), body: () => ({ disabled: false }),
  },
  'POST /api/auth/admin/invite-codes': { kind: null, may: '0000 0000 0000 0y0', path: () => routes.auth.inviteCodes(), body: () => ({}) },
  'GET /api/auth/admin/invite-codes': { kind: null, may: '0000 0000 0000 0y0', path: () => routes.auth.inviteCodes() },
  // What the admin would get is not there either.
  'DELETE /api/auth/admin/invite-codes/:id': { kind: null, may: '0000 0000 0000 000', path: () => routes.auth.inviteCode('x') },
  'DELETE /api/auth/admin/accounts/:id': { kind: null, may: '0000 0000 0000 000', path: () => routes.auth.otherAccount('nobody') },
  'POST /api/auth/admin/accounts/:id/reset-link': {
    kind: null, may: '0000 0000 0000 0y0', path: ({ others }) => routes.auth.resetLink(others.account), body: () => ({}),
  },
  'GET /api/auth/admin/provider-keys': { kind: null, may: '0000 0000 0000 0y0', path: () => routes.auth.providerKeys() },
  // No model of this server takes a key.
  'POST /api/auth/admin/provider-keys': {
    kind: null, may: '0000 0000 0000 0i0', path: () => routes.auth.providerKeys(), body: () => ({ name: 'acme', key: 'x'.repeat(40) }),
  },
  'DELETE /api/auth/admin/provider-keys/:name': { kind: null, may: '0000 0000 0000 000', path: () => routes.auth.providerKey('acme') },
}

export const table: Record<string, Row> = {
  'GET /healthz': { kind: null, may: 'yyyy yyyy yyyy yyy', path: () => routes.health() },
  // Whoever brings a proof that is over is a new guest.
  'GET /api/me': { kind: null, may: 'yyyy yyyy yyy1 yyy', path: () => routes.me() },
  'GET /api/feed': { kind: null, may: 'yyyy yy1y yyy1 yyy', path: () => routes.feed() },
  'GET /api/conversations': { kind: null, may: 'yyyy yy1y yyy1 yyy', path: () => routes.conversations() },
  'POST /api/conversations': {
    kind: 'conversation', may: 'yyyy 0010 0yy1 00y', path: () => routes.conversations(), body: ({ id }) => ({ id }),
    tells: 'a name that nobody has becomes the asker\'s, so 128 random bits are what keeps it',
  },
  'DELETE /api/conversations/:id': { kind: 'conversation', may: 'ynnn 0010 0nn1 00n', path: ({ id }) => routes.conversation(id) },
  'GET /api/conversations/:id/messages': { kind: 'conversation', may: 'yyyy 0010 0yy1 00y', path: ({ id }) => routes.messages(id) },
  'POST /api/conversations/:id/requests': {
    kind: 'conversation', may: 'yynn 0010 0ny1 00y', path: ({ id }) => routes.requests(id),
    body: () => ({ type: 'set-meta', key: 'title', value: 'A title' }), headers: () => ({ [IDEMPOTENCY_KEY]: newRequestId() }),
  },
  // Nobody ever asked for it, so it is not found for members either.
  'GET /api/conversations/:id/requests/:requestId': { kind: 'conversation', may: '0000 0010 0001 000', path: ({ id }) => routes.request(id, requestId) },
  'POST /api/invitations/accept': {
    kind: 'conversation', may: 'yyyn yn1y nnn1 yyn', path: () => routes.acceptInvitation(), body: ({ joinLink }) => ({ secret: joinLink.secret }),
    tells: 'whoever has the secret was invited',
  },
  'POST /api/sync': {
    kind: 'conversation', may: 'yyyy yy1y yyy1 yyy', path: () => routes.sync(),
    body: ({ id }) => ({ documents: [{ name: `conversation/${id}`, epoch: 'x', stateVector: 'AA==' }] }),
  },
  'GET /api/tokens': { kind: null, may: 'yyyn yy1y nnn1 yyn', path: () => '/api/tokens' },
  'POST /api/tokens': {
    kind: 'conversation', may: 'yyyn 0010 nnn1 00n', path: () => '/api/tokens',
    body: ({ id }) => ({ name: 'bot', scopes: { read: true, documents: [`conversation/${id}`] } }),
  },
  'POST /api/tokens/:id/rotate': { kind: null, may: '000n 0010 nnn1 00n', path: () => `/api/tokens/${'0'.repeat(24)}/rotate`, body: () => ({}) },
  'DELETE /api/tokens/:id': { kind: null, may: '000n 0010 nnn1 00n', path: () => `/api/tokens/${'0'.repeat(24)}` },
  'GET /api/bots': { kind: null, may: 'yyyn yy1y nnn1 yyn', path: () => routes.bots() },
  'POST /api/bots': { kind: null, may: 'yyyn yy1y nnn1 yyn', path: () => routes.bots(), body: () => ({ name: newConversationId() }) },
  'PATCH /api/bots/:id': { kind: null, may: '000n 0010 nnn1 00n', path: ({ others }) => routes.bot(others.bot), body: () => ({ description: '' }) },
  'DELETE /api/bots/:id': { kind: null, may: '000n 0010 nnn1 00n', path: ({ others }) => routes.bot(others.bot) },
  'GET /api/bots/runs': { kind: null, may: 'nnnn nn1n nnn1 nny', path: () => routes.botRuns() },
  // Nothing asks it there; and to a person there is nothing that could.
  'POST /api/bots/runs/:id/reply': { kind: null, may: 'nnnn nn1n nnn1 nn0', path: () => routes.botReply(requestId), body: () => 'x', type: BOT_REPLY_TYPE },
  // A ticket opens what its maker may open, when it is used.
  'POST /api/tickets': {
    kind: 'conversation', may: 'yyyy yy1y 0yy1 yyy', path: () => '/api/tickets', body: ({ id }) => ({ document: `conversation/${id}` }),
    tells: 'it is the asker\'s own, whatever it names',
  },
  'GET /api/me/export': { kind: null, may: 'yyyn yy1y nnn1 yyn', path: () => routes.exportMe() },
  // With a form that is not the one: who gets that far would be gone.
  'DELETE /api/me': { kind: null, may: 'iiin ii1i nnn1 iin', path: () => routes.me(), body: () => ({}) },
  ...devices,
  ...auth,
  ...shared('conversation', '/api/conversations/:id'),
  ...shared('artifact', '/api/documents/artifact/:id'),
}
