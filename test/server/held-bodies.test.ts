/** Bodies that are begun and not ended, over real HTTP: how much of them the server keeps in memory, and that others are served. */
import { request } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { routes } from '../../shared/api/routes.ts'
import { IDEMPOTENCY_KEY } from '../../shared/api/schemas.ts'
import { serverLimits } from '../../shared/limits.ts'
import { newConversationId, newRequestId } from '../rig/conversation.ts'
import { guestCookie } from '../rig/for-one-test.ts'
import { startInProcess } from '../rig/in-process.ts'
import { until } from '../rig/until.ts'

const PART = 60_000

const headersOf = (who: Record<string, string>) => ({ ...who, 'content-type': 'application/json', [IDEMPOTENCY_KEY]: newRequestId() })

const start = async (limits: Partial<typeof serverLimits>) => {
  const environment = { SKEIN_AUTH: 'accounts' }
  const server = await startInProcess({ durability: 'os', environment, limits: { ...serverLimits, ...limits } })
  onTestFinished(() => server.close())
  const person = async (): Promise<Record<string, string>> => ({ cookie: await guestCookie(server) })
  const url = server.url + routes.requests(newConversationId())
  /** A body of which half comes and no more; where that was too much beside others it begins once more. @returns ends it */
  const begin = (who: Record<string, string>): (() => void) => {
    const call = request(url, { method: 'POST', headers: { ...headersOf(who), 'content-length': 2 * PART } })
    let end = (): void => void call.destroy()
    call.on('error', () => {})
    call.once('response', () => {
      call.destroy()
      end = begin(who)
    })
    call.write(Buffer.alloc(PART, ' '))
    onTestFinished(() => void call.destroy())
    return () => end()
  }
  /** It says nothing that could be taken. @returns the answer and when to come back */
  const ask = async (who: Record<string, string>, chunked = false): Promise<string> => {
    const text = ' '.repeat(PART)
    const body = chunked ? new Blob([text]).stream() : text
    const response = await fetch(url, { method: 'POST', headers: headersOf(who), body, duplex: 'half' } as RequestInit)
    const { code } = await response.json() as { code: string }
    return `${response.status} ${code} ${response.headers.get('retry-after')}`
  }
  return { person, begin, ask }
}

it('of one person so many bytes are held, and others are served meanwhile; when the call has gone there is room again', async () => {
  const { person, begin, ask } = await start({ bodyBytesPerPerson: 100_000 })
  const [ada, bob] = [await person(), await person()]
  const end = begin(ada)
  await until('it is held', async () => (await ask(ada)).startsWith('429'))
  expect([await ask(ada), await ask(ada, true)]).toEqual(['429 rate-limited 1', '429 rate-limited 1'])
  expect([await ask(bob), await ask(bob, true)]).toEqual(['422 invalid-request null', '422 invalid-request null'])
  end()
  await until('it is let go of', async () => (await ask(ada)).startsWith('422'))
})

it('of all so many are held; then the server says so', async () => {
  const { person, begin, ask } = await start({ bodyBytes: 100_000 })
  const bob = await person()
  begin(await person())
  await until('it is held', async () => (await ask(bob)).startsWith('503'))
  expect(await ask(bob)).toBe('503 unavailable 1')
})

it('who is nobody is not read at all', async () => {
  const { ask } = await start({ bodyBytesPerPerson: 1, bodyBytes: 1 })
  expect(await ask({})).toMatch(/^401/)
})
