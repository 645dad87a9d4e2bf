/** By which role a request is judged that waits for its turn. Over a real server: `test/server/posted-requests.test.ts`. */
import { expect, it } from 'vitest'
import { IDEMPOTENCY_KEY } from '../../shared/api/schemas.ts'
import { conversationName } from '../../shared/ids.ts'
import type { UserId } from '../../shared/ids.ts'
import type { Role } from '../../shared/wire/frame.ts'
import type { Posted, PostedAnswer, Room } from '../room/port.ts'
import { requestRoutes } from './requests.ts'

it('by the one that its sender has then, not the one that they came with', async () => {
  const principal = { kind: 'user' as const, id: 'ada' as UserId, name: 'Ada' }
  const name = conversationName('a')!
  const standing = { role: 'editor' as Role | null, whenChanged: () => {}, leave: () => {} }
  const seen: (Role | null)[] = []
  const post = async (posted: Posted): Promise<PostedAnswer> => {
    seen.push(posted.role)
    for (const role of ['viewer', null] as const) {
      standing.role = role
      seen.push(posted.role)
    }
    return { outcome: { status: 'accepted' }, at: 1, runs: [] }
  }
  const app = requestRoutes({
    identity: { authenticate: async () => principal } as never,
    gatekeeper: { enter: async () => ({ name }) } as never,
    roles: { enter: async () => standing },
    rooms: { use: (_name, use) => use({ name, post } as unknown as Room) },
    log: { ledger: async () => new Map() },
    now: () => 1,
  })
  const headers = { 'Content-Type': 'application/json', [IDEMPOTENCY_KEY]: '01900000-0000-7000-8000-000000000001' }
  const body = JSON.stringify({ type: 'set-meta', key: 'title', value: 'x' })
  expect((await app.request('/a/requests', { method: 'POST', headers, body })).status).toBe(201)
  expect(seen).toEqual(['editor', 'viewer', null])
})
