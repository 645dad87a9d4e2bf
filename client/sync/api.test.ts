/** The calls of the HTTP API, with and without a network. */
import { describe, expect, it } from 'vitest'
import { createApi } from './api.ts'
import type { ApiOptions } from './api.ts'
import { ManualTime } from '../../test/rig/manual-time.ts'

const me = {
  principal: { id: 'ada', name: 'Ada', kind: 'guest' },
  agents: [{ id: 'echo', name: 'Echo', description: 'Repeats', isLanguageModel: false }],
  defaultAgent: 'echo',
  limits: { messageBytes: 1, frameBytes: 2 }
}
const item = (id: string) => ({ id, role: 'owner', title: id, preview: '', messageCount: 0, updatedAt: 1, createdAt: 1 })

interface Asked {
  path: string
  method: string
  body: unknown
}

/** An API over answers given by path; a function in place of an answer may throw, as fetch does without a network. */
const setUp = (answers: Record<string, { status?: number, body: unknown } | (() => never)>, options: ApiOptions = {}) => {
  const asked: Asked[] = []
  const kept = new Map<string, string>()
  const memory = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) }
  const api = createApi({
    memory,
    fetch: async (input, init) => {
      const path = String(input)
      asked.push({ path, method: init?.method ?? 'GET', body: typeof init?.body === 'string' ? JSON.parse(init.body) : undefined })
      const answer = answers[path]
      if (typeof answer === 'function') return answer()
      return new Response(JSON.stringify(answer?.body ?? null), { status: answer?.status ?? (answer ? 200 : 404) })
    },
    ...options
  })
  return { api, asked, answers, kept, memory }
}

const offline = (): never => {
  throw new TypeError('Failed to fetch')
}

describe('me', () => {
  it('is remembered for a start without a network', async () => {
    const { api, answers } = setUp({ '/api/me': { body: me } })
    expect(await api.me()).toEqual(me)
    answers['/api/me'] = offline
    expect(await api.me()).toEqual(me)
    answers['/api/me'] = { status: 503, body: 'a proxy says something' }
    expect(await api.me()).toEqual(me)
  })

  it('fails where nothing is remembered, or what is remembered is not understood', async () => {
    const { api, kept } = setUp({ '/api/me': offline })
    await expect(api.me()).rejects.toMatchObject({ code: 'unavailable' })
    kept.set('skein:me', '{')
    await expect(api.me()).rejects.toMatchObject({ code: 'unavailable' })
    kept.set('skein:me', '{}')
    await expect(api.me()).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('does not stand in for a server that says no', async () => {
    const problem = { type: 'urn:skein:error:unauthenticated', title: 'No', status: 401, detail: 'Sign in.', code: 'unauthenticated' }
    const { api, answers } = setUp({ '/api/me': { body: me } })
    await api.me()
    answers['/api/me'] = { status: 401, body: problem }
    await expect(api.me()).rejects.toMatchObject({ code: 'unauthenticated', message: 'Sign in.' })
  })

  it('does not wait for a network that swallows the request', async () => {
    const time = new ManualTime()
    const { api, memory } = setUp({ '/api/me': { body: me } })
    await api.me()
    const stuck = createApi({
      memory,
      after: time.after,
      fetch: (_input, init) => new Promise((_resolve, reject) => init?.signal?.addEventListener('abort', () => reject(new Error('aborted'))))
    })
    const answer = stuck.me()
    await time.advance(4_000)
    expect(await answer).toEqual(me)
    expect(time.pending).toBe(0)
  })
})

it('reads the whole list, page by page', async () => {
  const { api } = setUp({
    '/api/conversations?limit=200': { body: { conversations: [item('a')], next: '1.a' } },
    '/api/conversations?limit=200&before=1.a': { body: { conversations: [item('b')], next: null } }
  })
  expect((await api.listConversations()).map(({ id }) => id)).toEqual(['a', 'b'])
})

it('invites and accepts', async () => {
  const link = { id: 'l1', role: 'editor', by: 'u1', at: 1, expiresAt: 2, maxUses: null, uses: 0 }
  const made = { secret: 's1', path: '/join#s1', link }
  const { api, asked } = setUp({
    '/api/conversations/c1/invitations': { body: made },
    '/api/invitations/accept': { body: { kind: 'conversation', id: 'c1', role: 'editor' } }
  })
  expect(await api.invite('c1', { role: 'editor', hours: 24 })).toEqual(made)
  expect(await api.acceptInvitation('s1')).toEqual({ kind: 'conversation', id: 'c1', role: 'editor' })
  expect(asked).toEqual([
    { path: '/api/conversations/c1/invitations', method: 'POST', body: { role: 'editor', hours: 24 } },
    { path: '/api/invitations/accept', method: 'POST', body: { secret: 's1' } }
  ])
})

it('tells a code of a newer server, and an answer of a newer form, as internal errors', async () => {
  const problem = { type: 'urn:skein:error:tomorrow', title: 'New', status: 400, detail: 'Something new.', code: 'tomorrow' }
  const { api, answers } = setUp({ '/api/invitations/accept': { status: 400, body: problem } })
  await expect(api.acceptInvitation('s')).rejects.toMatchObject({ code: 'internal', message: 'Something new.' })
  answers['/api/invitations/accept'] = { body: { surprise: true } }
  await expect(api.acceptInvitation('s')).rejects.toMatchObject({ code: 'internal' })
  delete answers['/api/invitations/accept']
  await expect(api.acceptInvitation('s')).rejects.toMatchObject({ code: 'internal' })
})

it('makes ids of conversations on the device', () => {
  const { api } = setUp({})
  const ids = [api.createConversationId(), api.createConversationId()]
  expect(ids[0]! < ids[1]!).toBe(true)
  expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
})

describe('the feed', () => {
  class FakeSource extends EventTarget {
    static made: FakeSource[] = []
    readonly CLOSED = 2
    readyState = 1
    readonly url: string
    constructor(url: string) {
      super()
      this.url = url
      FakeSource.made.push(this)
    }

    close(): void {
      this.readyState = 2
    }
  }

  const open = () => {
    FakeSource.made = []
    const time = new ManualTime()
    const { api } = setUp({}, { EventSource: FakeSource as never, after: time.after })
    const told: string[] = []
    const stop = api.subscribeFeed({
      opened: () => told.push('opened'), changed: ({ id }) => told.push(id), removed: id => told.push(`-${id}`), refused: () => told.push('refused')
    })
    return { time, told, stop, source: () => FakeSource.made.at(-1)! }
  }

  it('tells when it begins and what changed, and leaves out what it does not understand', () => {
    const { told, source } = open()
    expect(source().url).toBe('/api/feed')
    source().dispatchEvent(new Event('open'))
    source().dispatchEvent(new MessageEvent('conversation', { data: JSON.stringify(item('a')) }))
    source().dispatchEvent(new MessageEvent('conversation', { data: '{}' }))
    source().dispatchEvent(new MessageEvent('removed', { data: '{"id":"a"}' }))
    source().dispatchEvent(new MessageEvent('removed', { data: '{}' }))
    expect(told).toEqual(['opened', 'a', '-a'])
  })

  it('is opened again after an answer that ended it, not after a break that the browser mends', async () => {
    const { time, told, source } = open()
    source().dispatchEvent(new Event('error'))
    await time.advance(60_000)
    expect(FakeSource.made).toHaveLength(1)
    expect(told).toEqual([])
    source().readyState = 2
    source().dispatchEvent(new Event('error'))
    expect(told).toEqual(['refused'])
    await time.advance(5_000)
    expect(FakeSource.made).toHaveLength(2)
  })

  it('ends', async () => {
    const { time, stop, source } = open()
    source().readyState = 2
    source().dispatchEvent(new Event('error'))
    stop()
    await time.advance(60_000)
    expect(FakeSource.made).toHaveLength(1)
    expect(source().readyState).toBe(2)
  })
})
