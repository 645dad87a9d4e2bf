/** Attacks with names of documents, on real upgrades: none opens a document, and nothing of them reaches the disk or other rooms. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { encodeFrame } from '../../shared/wire/codec.ts'
import { AttackWorld } from '../rig/attack-world.ts'
import { newConversationId } from '../rig/conversation.ts'
import { clientFrame, openRaw, upgradeHead } from '../rig/raw-socket.ts'
import { until } from '../rig/until.ts'

let world: AttackWorld

beforeAll(async () => {
  world = await AttackWorld.start()
})

afterEach(() => world.expectHonestGoesOn())

afterAll(() => world?.stop())

/**
 * The name is sent as it stands: a library would tidy the path first.
 * @returns the status of an answer that is no upgrade; after an upgrade, the code of the close frame, or "open" when the document is served
 */
const answerTo = async (name: string): Promise<number | 'open'> => {
  const raw = await openRaw(world.server.port)
  raw.socket.write(upgradeHead(world.server.port, name, [`Cookie: ${world.cookies.mallory}`]))
  await until('there is an answer', () => raw.received().includes('\r\n\r\n'))
  const head = raw.received().indexOf('\r\n\r\n') + 4
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(raw.received().toString('latin1'))![1])
  if (status === 101) raw.socket.write(clientFrame(encodeFrame({ type: 'sync-step-1', stateVector: Uint8Array.of(0) })))
  const answer = (): number | 'open' | undefined =>
    framesIn(raw.received().subarray(head)).map(({ first, payload }) => {
      if (first === CLOSE) return payload.readUInt16BE(0)
      return payload[0] === SYNC ? 'open' : undefined
    }).find(each => each !== undefined)
  await until('it is served or closed', () => status !== 101 || raw.isClosed() || answer() !== undefined)
  raw.socket.destroy()
  return status === 101 ? answer() ?? 0 : status
}

/** First byte of a close frame; its code is the first of the payload. */
const CLOSE = 0x88
/** First byte of what brings a document; what a server says of itself begins with another one. */
const SYNC = 0

/** Whole frames of the server, which does not mask; none of those here is longer than two bytes can say. */
const framesIn = (bytes: Buffer): { first: number, payload: Buffer }[] => {
  const frames: { first: number, payload: Buffer }[] = []
  for (let at = 0; at + 4 <= bytes.length;) {
    const isLong = bytes[at + 1] === 126
    const start = at + (isLong ? 4 : 2)
    const end = start + (isLong ? bytes.readUInt16BE(at + 2) : bytes[at + 1]!)
    if (end > bytes.length) break
    frames.push({ first: bytes[at]!, payload: bytes.subarray(start, end) })
    at = end
  }
  return frames
}

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
