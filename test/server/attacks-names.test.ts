/** Attacks with names of documents, on real upgrades: none opens a document, and nothing of them reaches the disk or other rooms. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { AttackWorld } from '../rig/attack-world.ts'
import { newConversationId } from '../rig/conversation.ts'
import { openRaw, upgradeHead } from '../rig/raw-socket.ts'
import { until } from '../rig/until.ts'

let world: AttackWorld

beforeAll(async () => {
  world = await AttackWorld.start()
})

afterEach(() => world.expectHonestGoesOn())

afterAll(() => world?.stop())

/**
 * The name is sent as it stands: a library would tidy the path first.
 * @returns the status of an answer that is no upgrade; after an upgrade, the code of the close frame if that is the first one, else "open"
 */
const answerTo = async (name: string): Promise<number | 'open'> => {
  const raw = await openRaw(world.server.port)
  raw.socket.write(upgradeHead(world.server.port, name, [`Cookie: ${world.cookies.mallory}`]))
  const frameAt = (): number => raw.received().indexOf('\r\n\r\n') + 4
  await until('there is an answer', () => frameAt() > 3 && (raw.isClosed() || raw.received().length >= frameAt() + 4))
  raw.socket.destroy()
  const answer = raw.received()
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer.toString('latin1'))![1])
  if (status !== 101) return status
  return answer[frameAt()] === CLOSE ? answer.readUInt16BE(frameAt() + 2) : 'open'
}

/** First byte of a close frame; its code follows the length. */
const CLOSE = 0x88

describe('a name', () => {
  it('that is one opens its document', async () => {
    expect(await answerTo(`artifact/${newConversationId()}`)).toBe('open')
  })

  it.each<[string, () => string]>([
    ['climbs out of the folder', () => '../conversation/x'],
    ['climbs into another kind', () => `artifact/../${world.names.conversation}`],
    ['climbs by escapes', () => 'conversation/..%2f..%2fetc%2fpasswd'],
    ['climbs by escapes of escapes', () => 'conversation/..%252f..%252fetc'],
    ['climbs backwards', () => 'conversation/..\\..\\etc'],
    ['holds a second slash', () => `${world.names.artifact}/x`],
    ['holds an empty part', () => 'conversation/'],
    ['is none', () => ''],
    ['holds NUL', () => 'artifact/%00'],
    ['ends with NUL, behind the name of a document that there is', () => `${world.names.conversation}%00`],
    ['ends with a line', () => `${world.names.conversation}%0a`],
    ['ends with a space', () => `${world.names.conversation}%20`],
    ['looks like another by a Cyrillic letter', () => 'artifact/%D0%B0'],
    ['looks like another by capitals', () => world.names.conversation.replace('conversation', 'Conversation')],
    ['looks like another by a letter of full width', () => 'artifact/%EF%BD%81'],
    ['holds a mark that turns the direction of writing', () => 'artifact/a%E2%80%AEb'],
    ['holds a lone surrogate', () => 'artifact/%ED%A0%80'],
    ['holds half an escape', () => 'artifact/%E'],
    ['holds bytes that are no UTF-8', () => 'artifact/%FF%FE'],
    ['is longer than any', () => `artifact/${'a'.repeat(5000)}`],
    ['is of a kind that there is not', () => `log/${newConversationId()}`],
    ['is another\'s home', () => 'home/somebody-else'],
  ])('that %s opens none', async (_, name) => {
    expect([400, 404, 4404]).toContain(await answerTo(name()))
  })
})
