/** A request on its way to its turn. Over a real server: `test/server/posted-requests.test.ts`. */
import { expect, it } from 'vitest'
import { IDEMPOTENCY_KEY } from '../../shared/api/schemas.ts'
import { SkeinError } from '../../shared/errors.ts'
import { conversationName } from '../../shared/ids.ts'
import type { UserId } from '../../shared/ids.ts'
import type { Role } from '../../shared/wire/frame.ts'
import type { Posted, PostedAnswer } from '../room/port.ts'
import { requestRoutes } from './requests.ts'

const world = () => {
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
    rooms: { use: (_name, use) => use({ name, post } as never) },
    log: { ledger: async () => new Map() },
    now: () => 1,
  })
  app.onError(error => new Response(error instanceof SkeinError ? error.code : String(error), { status: 500 }))
  const headers = { 'Content-Type': 'application/json', [IDEMPOTENCY_KEY]: '01900000-0000-7000-8000-000000000001' }
  const send = async (body: Uint8Array<ArrayBuffer>): Promise<string> => {
    const answer = await app.request('/a/requests', { method: 'POST', headers, body })
    return answer.status === 201 ? 'taken' : answer.text()
  }
  return { send, seen }
}
const titled = (title: Buffer) => Buffer.concat([Buffer.from('{"type":"set-meta","key":"title","value":"'), title, Buffer.from('"}')])

it('is judged by the role that its sender has then, not the one that they came with', async () => {
  const { send, seen } = world()
  expect(await send(titled(Buffer.from('ü')))).toBe('taken')
  expect(seen).toEqual(['editor', 'viewer', null])
})

const noText = [[[0xff]], [[0xc3]], [[0xed, 0xa0, 0x80]]]

it.each(noText)('is none whose bytes are no text (%j): it would be kept as something else', async bytes => {
  const { send, seen } = world()
  expect(await send(titled(Buffer.from(bytes)))).toBe('invalid-request')
  expect(seen).toEqual([])
})
