// Who belongs to a conversation, and what became of what was asked for.
import { expect, test } from 'vitest'
import { PeopleOf } from './people.svelte.ts'
import type { MembershipApi } from './sdk.ts'

test.each(['leave', 'delete'] as const)('%s is done when the server has done it, though the list is refused to whoever is gone by then', async what => {
  const done = Promise.withResolvers<void>()
  const api: Partial<MembershipApi> = {
    leave: () => done.promise,
    deleteConversation: () => done.promise,
    members: () => Promise.reject(new Error('You are not a member of this conversation (any more).'))
  }
  const people = new PeopleOf(api as MembershipApi, 'one', 'http://here')
  const asked = people[what]()
  expect(await people.load()).toBe(false)
  expect(people.problem).toMatch(/not a member/)
  done.resolve()
  expect(await asked).toBe(true)
})
