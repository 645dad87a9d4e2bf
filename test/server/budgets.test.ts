/** Somebody who asks without end, over real sockets. */
import { expect, it } from 'vitest'
import { randomFillSync } from 'node:crypto'
import { createGuestIdentity } from '../../server/identity/guest-cookie.ts'
import { limits } from '../../shared/limits.ts'
import { newConversationId, newRequestId, say } from '../rig/conversation.ts'
import { startInProcess } from '../rig/in-process.ts'
import { Peer } from '../rig/peer.ts'
import { noDevices, nobodyBecameAnybody } from '../rig/no-devices.ts'

const random = <T extends Uint8Array>(target: T): T => randomFillSync(target)

it('a person who asks without end is refused with the reason, then disconnected; others go on', { timeout: 60_000 }, async () => {
  const identity = createGuestIdentity({
    secret: new Uint8Array(32), now: Date.now, random, aliases: nobodyBecameAnybody, devices: noDevices
  })
  const server = await startInProcess({ identity })
  const guest = async (): Promise<string> => (await identity.admitGuest({ address: '' }, false))!.setCookie.split(';', 1)[0]!
  const name = `conversation/${newConversationId()}`
  const eager = await Peer.join(server.syncUrl, name, { cookie: await guest() })
  const sendMany = (count: number): void => {
    for (let sent = 0; sent < count; sent += limits.requestsPerUpdate) {
      eager.doc.transact(() => {
        for (let i = sent; i < Math.min(count, sent + limits.requestsPerUpdate); i++) {
          say(eager.doc, 'again', { to: [], id: newRequestId(), parentId: null })
        }
      })
    }
  }

  sendMany(limits.requestsPerHour + 5)
  await eager.allSaved()
  const outcomes = eager.controls.flatMap(control => control.kind === 'result' ? [control.outcome] : [])
  expect(outcomes.filter(({ status }) => status === 'accepted')).toHaveLength(limits.requestsPerHour)
  expect(outcomes.filter(outcome => outcome.status === 'refused' && outcome.code === 'rate-limited')).toHaveLength(5)

  sendMany(limits.requestsPerHour)
  expect(await eager.closed()).toMatchObject({ code: 4429, reason: expect.stringContaining('rate-limited') })

  const other = await Peer.join(server.syncUrl, `conversation/${newConversationId()}`, { cookie: await guest() })
  say(other.doc, 'I only have one question', { to: [] })
  await other.allSaved()
  for (const peer of [eager, other]) peer.close()
  await server.close()
})
