/** Ids: in order on one device, different on two, and nothing else taken for one. */
import { describe, expect, test } from 'vitest'
import {
  conversationName, createUuidV7, documentId, documentKind, messageIdOf, parseAgentId, parseDocumentName, parseDraftId, parseMessageId,
  parseRequestId, parseRunId, parseUserId, uuidFromDigest,
} from './ids.ts'

const V7 = '01900000-0000-7000-8000-000000000001'
const V8 = '01900000-0000-8000-8000-000000000001'

/** Repeatable bytes (mulberry32). */
const seededRandom = (seed: number) => (target: Uint8Array): Uint8Array => target.map(() => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return (mixed ^ (mixed >>> 14)) & 0xff
})

const timeIn = (uuid: string): number => Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16)

const expectRising = (ids: readonly string[]) => {
  for (let i = 1; i < ids.length; i++) expect(ids[i]! > ids[i - 1]!, `${ids[i - 1]} then ${ids[i]}`).toBe(true)
}

describe('UUIDv7s of one device', () => {
  test('are of the form that RFC 9562 describes, with the time in front', () => {
    const uuid = createUuidV7(() => 0x0123456789ab, target => target.fill(0xff))()
    expect(uuid).toBe('01234567-89ab-77ff-bfff-ffffffffffff')
    expect(parseRequestId(uuid)).toBe(uuid)
  })

  test('rise within a burst of one millisecond that is longer than the counter', () => {
    const next = createUuidV7(() => 1_700_000_000_000, seededRandom(1))
    const ids = Array.from({ length: 10_000 }, next)
    expectRising(ids)
    expect(ids.every(id => parseRequestId(id) !== null)).toBe(true)
    expect(timeIn(ids.at(-1)!) - timeIn(ids[0]!)).toBeLessThan(5)
  })

  test('rise when the burst begins with the highest counter there is', () => {
    const next = createUuidV7(() => 1_700_000_000_000, target => target.fill(0xff))
    expectRising(Array.from({ length: 9000 }, next))
  })

  test('rise when the clock steps back, and follow it when it is ahead again', () => {
    const times = [1000, 2000, 1500, 1500, 100, 0, 2000, 2001, 5000]
    let at = 0
    const next = createUuidV7(() => times[at++]! * 1_000_000, seededRandom(2))
    const ids = times.map(next)
    expectRising(ids)
    expect(timeIn(ids.at(-1)!)).toBe(5_000_000_000)
  })

  test('rise when the clock counts fractions of milliseconds', () => {
    let time = 1_700_000_000_000
    const next = createUuidV7(() => time += 0.1, seededRandom(3))
    const ids = Array.from({ length: 1000 }, next)
    expectRising(ids)
    expect(timeIn(ids.at(-1)!)).toBe(Math.floor(time))
  })

  test('of two devices at the same time are different', () => {
    const [a, b] = [createUuidV7(() => 1, seededRandom(4)), createUuidV7(() => 1, seededRandom(5))]
    expect(a()).not.toBe(b())
  })
})

test('the UUIDv8 of a digest is the same on every node, and tells digests apart', () => {
  const digest = (last: number) => new Uint8Array(32).fill(0xff).fill(last, 15, 16)
  expect(uuidFromDigest(digest(1))).toBe('ffffffff-ffff-8fff-bfff-ffffffffff01')
  expect(uuidFromDigest(digest(2))).not.toBe(uuidFromDigest(digest(1)))
  expect(parseMessageId(uuidFromDigest(digest(1)))).not.toBeNull()
  expect(parseRequestId(uuidFromDigest(digest(1)))).toBeNull()
  const given = digest(1)
  uuidFromDigest(given)
  expect(given).toEqual(digest(1))
})

describe('document names', () => {
  test.each(['conversation/a', 'artifact/A_b-9', `home/${'x'.repeat(128)}`])('%s is one', name => {
    expect(parseDocumentName(name)).toBe(name)
  })

  test('come apart into kind and id', () => {
    expect(documentKind(parseDocumentName('artifact/x-1')!)).toBe('artifact')
    expect(documentId(parseDocumentName('artifact/x-1')!)).toBe('x-1')
    expect(conversationName('x-1')).toBe('conversation/x-1')
    expect(conversationName('a/b')).toBeNull()
  })

  test.each([
    ['nothing', ''],
    ['no id', 'conversation/'],
    ['no kind', '/a'],
    ['no slash', 'conversation'],
    ['another kind', 'users/a'],
    ['another case', 'Conversation/a'],
    ['a look-alike letter', 'convers\u0430tion/a'],
    ['a look-alike in the id', 'conversation/\u0430'],
    ['full-width letters', 'conversation/\uff41'],
    ['NUL', 'conversation/a\u0000'],
    ['NUL in the kind', 'conversation\u0000/a'],
    ['a line end, which a careless pattern lets pass', 'conversation/a\n'],
    ['a line before', '\nconversation/a'],
    ['two slashes', 'conversation//a'],
    ['a deeper path', 'conversation/a/b'],
    ['the folder above', 'conversation/..'],
    ['a way out', 'conversation/../home/a'],
    ['a backslash', 'conversation\\a'],
    ['a dot', 'conversation/a.b'],
    ['an escape', 'conversation/%2e%2e'],
    ['spaces', ' conversation/a '],
    ['one letter too many', `conversation/${'x'.repeat(129)}`],
    ['an emoji', 'conversation/🙂'],
  ])('%s makes none', (_, text) => {
    expect(parseDocumentName(text)).toBeNull()
  })
})

describe('ids', () => {
  const parsers = { parseRequestId, parseMessageId, parseRunId, parseDraftId, parseUserId, parseAgentId }

  test('a request is named by a UUIDv7 and nothing else', () => {
    expect(parseRequestId(V7)).toBe(V7)
    expect(messageIdOf(parseRequestId(V7)!)).toBe(V7)
    for (const text of [V8, V7.toUpperCase().replace('0', 'A'), '01900000-0000-7000-c000-000000000001', '01900000-0000-4000-8000-000000000001', '{01900000-0000-7000-8000-000000000001}', V7.replaceAll('-', '')]) {
      expect(parseRequestId(text)).toBeNull()
    }
  })

  test.each([['message', parseMessageId], ['run', parseRunId], ['draft', parseDraftId]] as const)('a %s is named by any UUID of versions 1 to 8', (_, parse) => {
    expect(parse(V7)).toBe(V7)
    expect(parse(V8)).toBe(V8)
    expect(parse('00000000-0000-0000-0000-000000000000')).toBeNull()
    expect(parse('ffffffff-ffff-ffff-ffff-ffffffffffff')).toBeNull()
    expect(parse('01900000-0000-9000-8000-000000000001')).toBeNull()
  })

  test('people and agents have short names', () => {
    expect(parseUserId('guest-1_A')).toBe('guest-1_A')
    expect(parseUserId('x'.repeat(64))).not.toBeNull()
    expect(parseAgentId('gpt-5')).toBe('gpt-5')
    expect(parseAgentId('GPT')).toBeNull()
    expect(parseAgentId('a_b')).toBeNull()
    for (const parse of [parseUserId, parseAgentId]) expect(parse('x'.repeat(65))).toBeNull()
  })

  test.each(Object.entries(parsers))('%s takes nothing with strange characters around a good id', (_, parse) => {
    const good = parse(V7) ?? parse('guide')!
    for (const text of ['', `${good}\n`, `\n${good}`, `${good}\u0000`, `${good} `, ` ${good}`, `${good}/`, `../${good}`, `${good}é`, `${good}\u200b`, '\u0430', '..', '.']) {
      expect(parse(text)).toBeNull()
    }
  })
})
