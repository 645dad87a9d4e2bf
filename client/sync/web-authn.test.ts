/** Waiting for a passkey always ends: by the browser's answer, by the person who has had enough, or by the time. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { makePasskey, usePasskey } from './web-authn.ts'
import { accountLimits as limits } from '../../shared/limits.ts'
import { ManualTime } from '../../test/rig/manual-time.ts'

const PATIENCE = limits.passkeySeconds * 1000

class FakeCredential {
  static parseCreationOptionsFromJSON = (options: object): object => options
  static parseRequestOptionsFromJSON = (options: object): object => options
  toJSON = (): object => ({ id: 'made' })
}

let asked: { signal: AbortSignal }[]
let answer: PromiseWithResolvers<FakeCredential | null>
let time: ManualTime
const ask = (options: { signal: AbortSignal }): Promise<FakeCredential | null> => {
  asked.push(options)
  return answer.promise
}

beforeEach(() => {
  [asked, answer, time] = [[], Promise.withResolvers(), new ManualTime()]
  vi.stubGlobal('PublicKeyCredential', FakeCredential)
  vi.stubGlobal('navigator', { credentials: { create: ask, get: ask } })
})
afterEach(() => { vi.unstubAllGlobals() })

for (const [name, wait] of [['made', makePasskey], ['used', usePasskey]] as const) {
  test(`one that is ${name} is told in its JSON form, and nothing is waited for then`, async () => {
    const told = wait({}, { after: time.after })
    answer.resolve(new FakeCredential())
    expect(await told).toMatchObject({ id: 'made' })
    await time.advance(PATIENCE)
    expect(asked.map(({ signal }) => signal.aborted)).toEqual([false])
  })

  test(`a prompt that is answered by nobody ends when it is ${name} too late, though the browser does not end it`, async () => {
    const told = expect(wait({}, { after: time.after })).rejects.toThrow(/no longer waited for\. Nothing was changed; try again/)
    await time.advance(PATIENCE)
    await told
    expect(asked.map(({ signal }) => signal.aborted)).toEqual([true])
  })

  test(`who has had enough before it is ${name} waits no longer, and can ask again`, async () => {
    const enough = new AbortController()
    const told = wait({}, { after: time.after, signal: enough.signal })
    enough.abort()
    await expect(told).rejects.toThrow(/broken off/)
    await expect(wait({}, { after: time.after, signal: enough.signal })).rejects.toThrow(/broken off/)
    const again = wait({}, { after: time.after })
    answer.resolve(new FakeCredential())
    expect(await again).toMatchObject({ id: 'made' })
  })
}

test('a passkey that the device has already is told of', async () => {
  answer.reject(new DOMException('', 'InvalidStateError'))
  await expect(makePasskey({}, { after: time.after })).rejects.toThrow(/has a passkey of this account already/)
})
