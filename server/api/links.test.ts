/** Invitations: whom they let in, and as what. */
import { describe, expect, test } from 'vitest'
import { codeOf, signedInBrowser } from '../../test/rig/api-browser.ts'
import { a, createApiWorld } from '../../test/rig/api-world.ts'
import { routes } from '../../shared/api/routes.ts'
import * as people from '../../shared/api/people.ts'
import * as schemas from '../../shared/api/schemas.ts'

describe('invitations', () => {
  const invited = async (role: 'editor' | 'viewer') => {
    const world = await createApiWorld()
    const [owner, friend] = [await signedInBrowser(world), await signedInBrowser(world)]
    await owner.post(routes.conversations(), { id: a })
    const answer = await owner.post(routes.invitations(a), { role })
    expect(answer.status).toBe(201)
    return { world, owner, friend, invitation: people.madeLink.parse(await answer.json()) }
  }

  test('let the bearer in with the role that the owner chose', async () => {
    const { friend, invitation } = await invited('viewer')
    expect(invitation.path).toBe(`/join#${invitation.secret}`)
    const accepted = await friend.post(routes.acceptInvitation(), { secret: invitation.secret })
    expect(people.acceptedInvitation.parse(await accepted.json())).toEqual({ kind: 'conversation', id: a, role: 'viewer' })
    expect((await friend.get(routes.messages(a))).status).toBe(200)
    expect(schemas.conversationList.parse(await (await friend.get(routes.conversations())).json()).conversations[0]).toMatchObject({ id: a, role: 'viewer' })
  })

  test('are made by the owner alone', async () => {
    const { world, friend, invitation } = await invited('editor')
    await friend.post(routes.acceptInvitation(), { secret: invitation.secret })
    expect(await codeOf(await friend.post(routes.invitations(a), { role: 'editor' }))).toBe('not-allowed')
    const stranger = await signedInBrowser(world)
    expect(await codeOf(await stranger.post(routes.invitations(a), { role: 'editor' }))).toBe('not-found')
  })

  test('cannot give the conversation away', async () => {
    const { owner } = await invited('editor')
    expect(await codeOf(await owner.post(routes.invitations(a), { role: 'owner' }))).toBe('invalid-request')
  })

  test('do not lower the role of who is a member already', async () => {
    const { owner, invitation } = await invited('viewer')
    expect(await (await owner.post(routes.acceptInvitation(), { secret: invitation.secret })).json()).toEqual({ kind: 'conversation', id: a, role: 'owner' })
  })

  test('with another secret let nobody in', async () => {
    const { friend } = await invited('viewer')
    for (const secret of ['guess', '../a', '%00', 'x'.repeat(5000)]) {
      expect(await codeOf(await friend.post(routes.acceptInvitation(), { secret }))).toBe('not-found')
    }
  })
})
