/** Browsers of an {@link ApiWorld}, and what they read of its answers. */
import { expect } from 'vitest'
import { routes } from '../../shared/api/routes.ts'
import * as schemas from '../../shared/api/schemas.ts'
import { createApiWorld } from './api-world.ts'
import type { ApiWorld } from './api-world.ts'

export const problemOf = async (response: Response): Promise<schemas.Problem> => {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const problem = schemas.problem.parse(await response.json())
  expect(problem.status).toBe(response.status)
  expect(problem.type).toBe(`urn:skein:error:${problem.code}`)
  return problem
}

export const codeOf = async (response: Response): Promise<string> => (await problemOf(response)).code

export const signedInBrowser = async (given?: ApiWorld) => {
  const world = given ?? await createApiWorld()
  const browser = world.browser()
  const me = schemas.me.parse(await (await browser.get(routes.me())).json())
  return { ...browser, me, world }
}

export const listOf = async ({ get }: { get: (path: string) => Promise<Response> }, page = {}) =>
  schemas.conversationList.parse(await (await get(routes.conversations(page))).json())
