/** Requests that come by themselves, in rooms that come and go: their turn, their role, what is not taken, what they leave behind. */
import { afterEach, describe, expect, it } from 'vitest'
import { proposeRedact, proposeSend, proposeStop } from '../../shared/conversation/write.ts'
import type { Request } from '../../shared/conversation/schema.ts'
import { messageIdOf } from '../../shared/ids.ts'
import type { RequestId, RunId } from '../../shared/ids.ts'
import type { Role } from '../../shared/wire/frame.ts'
import { newRequestId, say } from '../../test/rig/conversation.ts'
import { settle } from '../../test/rig/manual-time.ts'
import { ada, bob, closeWorlds, QUIET_MS, talk, world } from '../../test/rig/rooms-world.ts'
import type { World } from '../../test/rig/rooms-world.ts'
import { HourlyBudget, createBudgets } from './budget.ts'
import type { PostedAnswer } from './port.ts'

afterEach(closeWorlds)

const text = (words: string): Request => proposeSend({ parts: [{ type: 'text', text: words }], parentId: null, to: [] }, 1)

const post = (over: World, request: Request, requestId: RequestId = newRequestId(), role: () => Role | null = () => 'editor'): Promise<PostedAnswer> =>
  over.rooms.use(talk, room => room.post({ principal: ada, requestId, request, get role() { return role() } }))

describe('a request without an update', () => {
  it('wakes a document that has left memory, reaches its readers, and leaves memory again with it', async () => {
    const over = world()
    const reader = await over.enter(talk, bob)
    await reader.join()
    await post(over, text('first'))
    await over.time.advance(3 * QUIET_MS)
    expect(reader.room.isLive).toBe(false)
    const id = newRequestId()
    const answer = await post(over, text('second'), id)
    expect(reader.texts).toEqual(['first', 'second'])
    expect(reader.room.isLive).toBe(true)
    await over.time.advance(3 * QUIET_MS)
    expect(reader.room.isLive).toBe(false)
    expect(await post(over, text('second'), id)).toEqual(answer)
    await over.restart()
    expect(await post(over, text('second'), id)).toEqual(answer)
  })

  it('that is refused is told to nobody else, and its document goes on, in memory and out of it', async () => {
    const over = world()
    const id = newRequestId()
    const refused = await post(over, text(' '), id)
    expect(refused.outcome).toMatchObject({ status: 'refused', code: 'message-empty' })
    await over.restart()
    expect(await post(over, text(' '), id)).toEqual(refused)
    const page = await over.enter()
    await page.join()
    say(page.doc, 'Hello', { to: [] })
    await settle()
    expect([page.texts, page.refusedBy, page.acknowledged]).toEqual([['Hello'], null, page.sent])
  })

  it('is judged by the role of the moment at which it has its turn', async () => {
    const over = world()
    await post(over, text('begin'))
    let role: Role | null = 'editor'
    const demoted = post(over, text('I may'), newRequestId(), () => role)
    role = 'viewer'
    expect((await demoted).outcome).toMatchObject({ code: 'viewer' })
    const removed = post(over, text('I may not'), newRequestId(), () => role)
    role = null
    await expect(removed).rejects.toMatchObject({ code: 'no-longer-member' })
  })

  it('has its turn between the slices of an update that is too much for one', async () => {
    const over = world()
    const page = await over.enter()
    await page.join()
    const turns: string[] = []
    let posted = null as Promise<unknown> | null
    over.yieldToOthers = async () => {
      posted ??= post(over, text('in between')).then(() => { turns.push('posted') })
      await settle()
    }
    page.doc.transact(() => { for (let n = 0; n < 1200; n++) say(page.doc, `message ${n}`, { to: [] }) })
    for (let n = 0; n < 300 && page.acknowledged < page.sent; n++) await settle()
    turns.push('all')
    await posted
    expect(page.refusedBy).toBeNull()
    expect(turns).toEqual(['posted', 'all'])
    expect(page.texts.indexOf('in between')).toBeLessThan(1200)
    expect(page.texts).toHaveLength(1201)
  })
})

describe('what is not taken and noted nowhere', () => {
  it('is what comes too often, and it is told when it may', async () => {
    const over = world()
    await over.rooms.close()
    over.budgets = { ...createBudgets(), requests: new HourlyBudget(2) }
    over.start()
    const id = newRequestId()
    await post(over, text('one'))
    await post(over, text('two'))
    await expect(post(over, text('three'), id)).rejects.toMatchObject({ code: 'rate-limited', retryAfter: expect.closeTo(1800, -1) as number })
    expect(over.disk.documents.get(talk)!.ledger.has(id)).toBe(false)
    await over.time.advance(1_800_000)
    expect((await post(over, text('three'), id)).outcome.status).toBe('accepted')
  })

  it('is what comes when the document is full, but to take something out, or to stop a reply, is still possible', async () => {
    const over = world()
    await over.rooms.close()
    over.documentBytes = 3000
    over.start()
    const first = newRequestId()
    await post(over, text('x'.repeat(4000)), first)
    await post(over, text('x'.repeat(4000))).catch(() => null)
    await settle()
    const id = newRequestId()
    await expect(post(over, text('more'), id)).rejects.toMatchObject({ code: 'document-full' })
    expect(over.disk.documents.get(talk)!.ledger.has(id)).toBe(false)
    expect((await post(over, proposeStop(newRequestId() as string as RunId, 1))).outcome).toMatchObject({ status: 'refused', code: 'target-unknown' })
    expect((await post(over, proposeRedact(messageIdOf(first), 1))).outcome.status).toBe('accepted')
  })

  it.each(['before', 'after'] as const)('is what the disk failed at %s it was done; the next try is taken once', async when => {
    const over = world()
    const id = newRequestId()
    await post(over, text('first'))
    over.log.failNext(when)
    await expect(post(over, text('second'), id)).rejects.toMatchObject({ code: 'not-saved' })
    expect((await post(over, text('second'), id)).outcome.status).toBe('accepted')
    const page = await over.enter()
    await page.join()
    expect(page.texts).toEqual(['first', 'second'])
  })
})
