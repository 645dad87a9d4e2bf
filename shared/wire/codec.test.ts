/** Frames as bytes: the golden ones, and any others there and back. */
import fc from 'fast-check'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { describe, expect, test } from 'vitest'
import { decodeControl, decodeFrame, encodeFrame } from './codec.ts'
import { controlType, frameType } from './frame.ts'
import type { Control, Frame } from './frame.ts'
import { errorTable, isErrorCode } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import { parseRequestId } from '../ids.ts'
import type { RequestId } from '../ids.ts'

const SEED = 20261101

const hex = (bytes: Uint8Array): string => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
const fromHex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], pair => Number.parseInt(pair, 16))
const ascii = (text: string): string => hex(new TextEncoder().encode(text))

const requestId = parseRequestId('01900000-0000-7000-8000-000000000001')!
const hello: Frame = {
  type: 'control',
  control: { kind: 'hello', epoch: 'e1', role: 'viewer', userId: 'u1', schema: 1, limits: { frameBytes: 8, messageBytes: 9 } },
}
const helloJson = '{"epoch":"e1","role":"viewer","userId":"u1","schema":1,"limits":{"frameBytes":8,"messageBytes":9}}'

/** What stands here is what other programs rely on: y-websocket's clients for 0 to 3, ours for 100 (0x64). Never change a line. */
const golden: [string, Frame, string][] = [
  ['sync step 1', { type: 'sync-step-1', stateVector: fromHex('0101c80102') }, '0000' + '05' + '0101c80102'],
  ['sync step 1 of an empty document', { type: 'sync-step-1', stateVector: fromHex('00') }, '0000' + '01' + '00'],
  ['sync step 2', { type: 'sync-step-2', update: fromHex('0000') }, '0001' + '02' + '0000'],
  ['an update', { type: 'update', update: fromHex('abcdef') }, '0002' + '03' + 'abcdef'],
  ['an update of 300 bytes', { type: 'update', update: new Uint8Array(300).fill(7) }, '0002' + 'ac02' + '07'.repeat(300)],
  ['awareness', { type: 'awareness', update: fromHex('0101') }, '01' + '02' + '0101'],
  ['a denial', { type: 'auth', reason: 'nö' }, '0200' + '03' + '6ec3b6'],
  ['a query for awareness', { type: 'query-awareness' }, '03'],
  ['hello', hello, '6400' + (helloJson.length).toString(16) + ascii(helloJson)],
  ['saved', { type: 'control', control: { kind: 'saved', frames: 300 } }, '6401' + 'ac02'],
  ['an accepted request', { type: 'control', control: { kind: 'result', requestId, outcome: { status: 'accepted' } } }, '6402' + '24' + ascii(requestId) + '00'],
  [
    'a refused request',
    { type: 'control', control: { kind: 'result', requestId, outcome: { status: 'refused', code: 'viewer', reason: 'no' } } },
    '6402' + '24' + ascii(requestId) + '01' + '06' + ascii('viewer') + '02' + ascii('no'),
  ],
  [
    'a refused frame',
    { type: 'control', control: { kind: 'refused', frame: 5, code: 'forged', reason: '' } },
    '6403' + '05' + '06' + ascii('forged') + '00',
  ],
  ['role', { type: 'control', control: { kind: 'role', role: 'viewer', userId: 'ada' } }, '6405' + '06766965776572' + '03616461'],
  ['no role', { type: 'control', control: { kind: 'role', role: null, userId: 'ada' } }, '6405' + '00' + '03616461'],
  ['draining', { type: 'control', control: { kind: 'draining', afterMs: 1000 } }, '6404' + 'e807'],
]

describe('the bytes of a frame', () => {
  test.each(golden)('%s', (_, frame, bytes) => {
    expect(hex(encodeFrame(frame))).toBe(bytes)
    expect(decodeFrame(fromHex(bytes))).toEqual(frame)
  })

  test('the golden frames leave no type out', () => {
    expect(new Set(golden.map(([, { type }]) => type)).size).toBe(7)
    expect(new Set(golden.flatMap(([, frame]) => frame.type === 'control' ? [frame.control.kind] : []))).toEqual(new Set(Object.keys(controlType)))
    expect(frameType).toEqual({ sync: 0, awareness: 1, auth: 2, queryAwareness: 3, control: 100 })
  })
})

const bytes = fc.uint8Array({ maxLength: 300 })
const number = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const text = fc.string({ unit: 'grapheme', maxLength: 40 })
const refusal = fc.record({ code: fc.constantFrom<ErrorCode>(...Object.keys(errorTable).filter(isErrorCode)), reason: text })
const id = fc.uuid({ version: 7 }).map(uuid => parseRequestId(uuid)).filter((uuid): uuid is RequestId => uuid !== null)
const control: fc.Arbitrary<Control> = fc.oneof(
  fc.record({
    kind: fc.constant('hello' as const), epoch: text, role: fc.constantFrom('owner' as const, 'editor' as const, 'viewer' as const), userId: text,
    schema: number, limits: fc.record({ frameBytes: number, messageBytes: number }),
  }, { noNullPrototype: true }),
  fc.record({ kind: fc.constant('saved' as const), frames: number }),
  fc.record({ kind: fc.constant('result' as const), requestId: id, outcome: fc.constant({ status: 'accepted' as const }) }),
  fc.tuple(id, refusal).map(([requestId, refused]) => ({ kind: 'result' as const, requestId, outcome: { status: 'refused' as const, ...refused } })),
  fc.tuple(number, refusal).map(([frame, refused]) => ({ kind: 'refused' as const, frame, ...refused })),
  fc.record({ kind: fc.constant('draining' as const), afterMs: number }),
  fc.record({ kind: fc.constant('role' as const), role: fc.constantFrom('owner' as const, 'editor' as const, 'viewer' as const, null), userId: fc.string() }),
)
const frame: fc.Arbitrary<Frame> = fc.oneof(
  bytes.map(stateVector => ({ type: 'sync-step-1' as const, stateVector })),
  bytes.map(update => ({ type: 'sync-step-2' as const, update })),
  bytes.map(update => ({ type: 'update' as const, update })),
  bytes.map(update => ({ type: 'awareness' as const, update })),
  text.map(reason => ({ type: 'auth' as const, reason })),
  fc.constant({ type: 'query-awareness' as const }),
  control.map(control => ({ type: 'control' as const, control })),
)

describe('any frame', () => {
  test('is the same after encoding and decoding', () => {
    fc.assert(fc.property(frame, original => {
      expect(decodeFrame(encodeFrame(original))).toEqual(original)
    }), { seed: SEED, numRuns: 3000 })
  })

  test('cut short or with bytes left over is no frame', () => {
    fc.assert(fc.property(frame, original => {
      const whole = encodeFrame(original)
      for (let length = 0; length < whole.length; length++) expect(decodeFrame(whole.subarray(0, length))).toBeNull()
      for (let rest = 0; rest < 256; rest += 51) expect(decodeFrame(Uint8Array.of(...whole, rest))).toBeNull()
    }), { seed: SEED, numRuns: 200 })
  })

  test('that lies in a larger buffer is read from its own bytes alone', () => {
    const neighbours = new Uint8Array(1000).fill(0x41)
    for (const [, , wire] of golden) {
      const own = fromHex(wire)
      neighbours.set(own, 100)
      for (let length = 0; length < own.length; length++) {
        expect(decodeFrame(neighbours.subarray(100, 100 + length))).toBeNull()
      }
      neighbours.fill(0x41, 100, 100 + own.length)
    }
  })
})

describe('any bytes', () => {
  test('give a frame that can be encoded again, or null, and never a throw', () => {
    let frames = 0
    const noise = fc.uint8Array({ maxLength: 64 })
    const likeFrames = fc.tuple(fc.constantFrom(0, 1, 2, 3, 100), fc.nat(5), fc.uint8Array({ maxLength: 48 }))
      .map(([type, inner, rest]) => Uint8Array.of(type, inner, ...rest))
    const changes = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 4 })
    const changedFrames = fc.tuple(fc.constantFrom(...golden.map(([, , wire]) => wire)), changes).map(([wire, changes]) => {
      const changed = fromHex(wire)
      for (const [at, byte] of changes) changed[at % changed.length] = byte
      return changed
    })
    fc.assert(fc.property(fc.oneof(noise, likeFrames, likeFrames, changedFrames), random => {
      const decoded = decodeFrame(random)
      if (!decoded) return
      frames++
      expect(decodeFrame(encodeFrame(decoded))).toEqual(decoded)
    }), { seed: SEED, numRuns: 20_000 })
    expect(frames).toBeGreaterThan(1000)
  })
})

describe('what a stranger may say', () => {
  const encode = (write: (encoder: encoding.Encoder) => void): Uint8Array => {
    const encoder = encoding.createEncoder()
    write(encoder)
    return encoding.toUint8Array(encoder)
  }
  const helloOf = (json: string) => decodeFrame(encode(encoder => {
    encoding.writeVarUint(encoder, 100)
    encoding.writeVarUint(encoder, 0)
    encoding.writeVarString(encoder, json)
  }))

  test.each([
    ['not JSON', '{'],
    ['null', 'null'],
    ['a list', '[]'],
    ['a text', '"hello"'],
    ['an unknown role', helloJson.replace('viewer', 'admin')],
    ['no limits', helloJson.replace('"limits"', '"limit"')],
    ['limits that are null', helloJson.replace(/\{"frame.*?\}/, 'null')],
    ['limits of text', helloJson.replace('8', '"8"')],
    ['a schema of text', helloJson.replace('"schema":1', '"schema":"1"')],
    ['no epoch', helloJson.replace('epoch', 'Epoch')],
    ['a hundred thousand brackets', '['.repeat(100_000)],
  ])('a hello of %s is none', (_, json) => {
    expect(helloOf(json)).toBeNull()
  })

  test('a hello names the lineages that it continues, as texts', () => {
    const continues = { ...(hello.type === 'control' && hello.control), continues: ['e0'] }
    expect(helloOf(helloJson.replace('{', '{"continues":["e0",3],'))).toEqual({ type: 'control', control: continues })
    expect(helloOf(helloJson.replace('{', '{"continues":"e0",'))).toEqual(hello)
  })

  test('a hello keeps the known fields only', () => {
    expect(helloOf(helloJson.replace('{', '{"__proto__":{"x":1},"later":2,'))).toEqual(hello)
  })

  test('a code of a newer server is kept as internal, with its reason', () => {
    const refused = encode(encoder => {
      for (const n of [100, 3, 7]) encoding.writeVarUint(encoder, n)
      encoding.writeVarString(encoder, 'from-the-future')
      encoding.writeVarString(encoder, 'why')
    })
    expect(decodeFrame(refused)).toEqual({ type: 'control', control: { kind: 'refused', frame: 7, code: 'internal', reason: 'why' } })
  })

  test('names that every object has are no codes', () => {
    for (const name of ['toString', 'constructor', '__proto__', 'hasOwnProperty']) expect(isErrorCode(name)).toBe(false)
  })

  test('a length that goes beyond all memory is no frame', () => {
    for (const type of ['0000', '0002', '01', '0200', '6400']) expect(decodeFrame(fromHex(`${type}ffffffffffffff0f41`))).toBeNull()
  })

  test('text that is not UTF-8 is no frame', () => {
    expect(decodeFrame(fromHex('020002c328'))).toBeNull()
  })
})

describe('a control message behind its type', () => {
  const decoderAt = (bytes: Uint8Array) => {
    const decoder = decoding.createDecoder(bytes)
    decoding.readVarUint(decoder)
    return decoder
  }

  test('is read where y-websocket hands the decoder over', () => {
    expect(decodeControl(decoderAt(encodeFrame(hello)))).toEqual(hello.type === 'control' && hello.control)
  })

  test('that is broken gives null', () => {
    const whole = encodeFrame(hello)
    for (let length = 1; length < whole.length; length++) expect(decodeControl(decoderAt(whole.slice(0, length)))).toBeNull()
    expect(decodeControl(decoderAt(Uint8Array.of(...whole, 0)))).toBeNull()
    expect(decodeControl(decoderAt(fromHex('6409')))).toBeNull()
  })
})
