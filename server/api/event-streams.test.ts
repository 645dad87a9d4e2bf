/** Answers that stay open: how many one person has, and when they end. */
import { Hono } from 'hono'
import { expect, it } from 'vitest'
import { ManualTime } from '../../test/rig/manual-time.ts'
import { SkeinError } from '../../shared/errors.ts'
import type { UserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import { EventStreams } from './event-streams.ts'

const ada: Principal = { kind: 'user', id: 'ada' as UserId, name: 'Ada' }
const adasBot: Principal = { kind: 'agent', id: 'agent:bot' as UserId, name: 'Bot', bot: { id: 'bot-1' as never, name: 'Bot', of: ada } }
const bob: Principal = { kind: 'user', id: 'bob' as UserId, name: 'Bob' }

const world = (perPerson: number) => {
  const time = new ManualTime()
  const streams = new EventStreams(time, perPerson)
  const app = new Hono()
  const left: string[] = []
  app.get('/', c => {
    const principal = [ada, adasBot, bob].find(({ name }) => name === c.req.query('as'))!
    const proof = { principal, whenRenamed: () => {}, whenEnded: () => {}, leave: () => void left.push(principal.name) }
    return streams.answer(c, proof, () => ({ write: work => void work(), close: () => {} }))
  })
  app.onError(error => new Response(error instanceof SkeinError ? error.code : String(error), { status: 500 }))
  return { open: async (as: string, method = 'GET') => app.request(`/?as=${as}`, { method }), left, time }
}

it('one person has so many, by their bots too, until one of them ends; others are not concerned', async () => {
  const { open, left } = world(2)
  const first = await open('Ada')
  await open('Bot')
  for (const refused of [await open('Ada'), await open('Bot')]) {
    expect(refused.status).toBe(500)
    expect(await refused.text()).toBe('too-many-connections')
  }
  expect((await open('Bob')).status).toBe(200)
  expect(left).toEqual(['Ada', 'Bot'])
  await first.body!.cancel()
  expect((await open('Ada')).headers.get('content-type')).toBe('text/event-stream')
  expect(left).toEqual(['Ada', 'Bot', 'Ada'])
})

it('a HEAD opens none: nobody would read it, or leave', async () => {
  const { open, left, time } = world(1)
  for (let n = 0; n < 3; n++) {
    const { status, body } = await open('Ada', 'HEAD')
    expect([status, body]).toEqual([200, null])
  }
  expect([left, time.pending]).toEqual([['Ada', 'Ada', 'Ada'], 0])
})
