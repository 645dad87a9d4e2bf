/** Bytes that no honest client sends are refused before Yjs sees them, and all that honest ones send pass. */
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import * as encoding from 'lib0/encoding'
import { limits } from '../../shared/limits.ts'
import {
  any, binary, deleted, embed, encode, format, legacyJson, oneBlock, rawAny, rawText, subdocument, text, type, writeUpdate
} from '../../test/fuzz/update-writer.ts'
import type { Content } from '../../test/fuzz/update-writer.ts'
import { scan } from './scan.ts'
import type { Judged } from './verdict.ts'

const entry = (content: Content) => oneBlock(1, 0, { parent: 'requests', key: 'k', content })
const outcome = (bytes: Uint8Array, kind: Judged = 'conversation') => {
  const result = scan(bytes, kind, () => 0)
  return result.ok ? 'ok' : result.code
}
const number = (value: number) => encode(encoder => encoding.writeVarUint(encoder, value))
const nested = (depth: number): unknown => depth === 0 ? 1 : [nested(depth - 1)]

describe('the scan', () => {
  it('passes what Yjs writes, and decodes it as Yjs does', () => {
    const doc = new Y.Doc()
    doc.getMap('requests').set('k', { a: [1, 'ü😀', null, true, 0.5, -7, 2 ** 40], b: {} })
    doc.getText('text').insert(0, 'hello', { bold: true })
    doc.getText('text').delete(1, 2)
    const bytes = Y.encodeStateAsUpdate(doc)
    expect(scan(bytes, 'conversation', () => 0)).toMatchObject({ ok: true, decoded: Y.decodeUpdate(bytes), bytes })
  })

  it('passes every kind of content in free documents', () => {
    const doc = new Y.Doc()
    doc.getArray('list').push([new Uint8Array([1]), { a: undefined }, NaN, new Y.XmlElement('p'), new Y.XmlText('x'), { bytes: new Uint8Array(2) }])
    doc.getText('text').insertEmbed(0, { image: 'x' })
    expect(outcome(Y.encodeStateAsUpdate(doc), 'free')).toBe('ok')
  })

  it.each<[string, Uint8Array]>([
    ['an empty frame', new Uint8Array()],
    ['trailing bytes', writeUpdate({ trailing: new Uint8Array(1) })],
    ['a client without structs', writeUpdate({ blocks: [{ client: 1, clock: 0, structs: [] }] })],
    ['the same client twice', writeUpdate({ blocks: [0, 1].map(clock => ({ client: 1, clock, structs: [{ gc: 1 }] })) })],
    ['a client twice among the deletions', writeUpdate({ deletes: [0, 1].map(() => ({ client: 1, ranges: [[0, 1]] as const })) as never })],
    ['deletions without ranges', writeUpdate({ deletes: [{ client: 1, ranges: [] }] })],
    ['deletions of length 0', writeUpdate({ deletes: [{ client: 1, ranges: [[0, 0]] }] })],
    ['deletions that overlap', writeUpdate({ deletes: [{ client: 1, ranges: [[0, 3], [2, 3]] }] })],
    ['a GC of length 0', oneBlock(1, 0, { gc: 0 })],
    ['a skip of length 0', oneBlock(1, 0, { skip: 0 })],
    ['a GC with references', oneBlock(1, 0, { raw: Uint8Array.from([0x80, 1]) })],
    ['a skip with references, which Yjs\'s two readers take differently', oneBlock(1, 0, { raw: Uint8Array.from([0x2a, 1]) })],
    ['deleted content of length 0', entry(deleted(0))],
    ['a text of length 0', entry(text(''))],
    ['an item without values', entry(any())],
    ['a subdocument', entry(subdocument('g'))],
    ['legacy JSON content', entry(legacyJson('1'))],
    ['binary content', entry(binary(new Uint8Array(1)))],
    ['content of an unknown kind', entry({ ref: 17, bytes: new Uint8Array([1]) })],
    ['a type that does not exist', entry(type(7))],
    ['XML', entry(type('xml-fragment'))],
    ['invalid UTF-8', entry(rawText(Uint8Array.from([0xc3])))],
    ['a lone surrogate', entry(rawText(Uint8Array.from([0xed, 0xa0, 0x80])))],
    ['a big integer', entry(any(12n))],
    ['bytes in a value', entry(any(new Uint8Array(1)))],
    ['a value of an unknown type', entry(rawAny(Uint8Array.from([115])))],
    ['a value 33 deep', entry(any(nested(33)))],
    ['a value 5,000 deep', entry(rawAny(Uint8Array.from([...Array.from({ length: 5000 }, () => [117, 1]).flat(), 126])))],
    ['a value with the key __proto__', entry(any(JSON.parse('{"__proto__":1}')))],
    ['a value with one key twice', entry(rawAny(Uint8Array.from([118, 2, 1, 97, 126, 1, 97, 126])))],
    ['a map key __proto__', oneBlock(1, 0, { parent: 'requests', key: '__proto__', content: any(1) })],
    ['a root __proto__', oneBlock(1, 0, { parent: '__proto__', key: 'k', content: any(1) })],
    ['a format key __proto__', entry(format('__proto__', '1'))],
    ['an embed with the key __proto__', entry(embed('{"a":{"__proto__" : 1}}'))],
    ['an embed with the key __proto__ in escapes', entry(embed('{"\\u005f_proto__":1}'))],
    ['an embed 100,000 deep', entry(embed('['.repeat(100_000)))],
    ['an embed that is not JSON', entry(embed('{'))],
    ['an embed with a string that does not end', entry(embed('"a'))],
    ['an embed with a key that is not JSON', entry(embed('{"\\x":1}'))],
    ['an embed with a number that JSON loses', entry(embed('[1e999]'))],
    ['a parent of an unknown kind', oneBlock(1, 0, { raw: Uint8Array.from([4, 2, 0, 0, 1, 97]) })],
    ['a clock that lengths push over 32 bits', oneBlock(1, 2 ** 32 - 2, { gc: 2 })],
    ['a number of nine bytes', Uint8Array.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 0])],
    ['a number over 2^53', Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0])],
    ['counts that the bytes cannot hold', Uint8Array.from([1, 255, 255, 255, 127, 0, 0])],
    ['a value that counts more than the bytes hold', entry(rawAny(Uint8Array.from([117, 255, 255, 127])))]
  ])('refuses %s as malformed', (_, bytes) => {
    expect(outcome(bytes)).toBe('malformed')
  })

  it('takes a key name inside an embed\'s string for what it is', () => {
    expect(outcome(entry(embed('{"a":"__proto__","b":["\\"{[[","__proto__"]}')))).toBe('ok')
  })

  it('passes a value as deep as the limit', () => {
    expect(outcome(entry(any(nested(limits.jsonDepth))))).toBe('ok')
  })

  it('refuses V2 bytes', () => {
    const doc = new Y.Doc()
    doc.getText('text').insert(0, 'hello')
    expect(outcome(Y.encodeStateAsUpdateV2(doc))).toBe('malformed')
  })

  it('refuses more clients, structs and bytes than one update may have', () => {
    const block = (client: number) => ({ client, clock: 0, structs: [{ gc: 1 }] })
    expect(outcome(writeUpdate({ blocks: Array.from({ length: 1024 }, (_, i) => block(i)) }))).toBe('ok')
    expect(outcome(writeUpdate({ blocks: Array.from({ length: 1025 }, (_, i) => block(i)) }))).toBe('too-large')
    expect(outcome(new Uint8Array(limits.frameBytes + 1))).toBe('too-large')
  })

  it('is not impressed by headers: 500,000 clients, 180 MB of structs', () => {
    const clients = encode(encoder => {
      encoding.writeVarUint(encoder, 500_000)
      for (let client = 0; client < 500_000; client++) {
        for (const value of [1, client, 0, 0, 1]) encoding.writeVarUint(encoder, value)
      }
      encoding.writeVarUint(encoder, 0)
    })
    expect(outcome(clients)).toBe('too-large')
    expect(outcome(Uint8Array.from([1, 0xc0, 0xf0, 0xf5, 0x0b, 1, 0]))).toBe('malformed')
  })

  it('refuses each part of an update that was cut short', () => {
    const doc = new Y.Doc()
    doc.getMap('requests').set('k', { text: 'hello', list: [1, 2, 0.5] })
    doc.getText('text').insert(0, 'hello', { bold: true })
    doc.getText('text').delete(1, 2)
    const bytes = Y.encodeStateAsUpdate(doc)
    for (let length = 0; length < bytes.length; length++) expect(outcome(bytes.subarray(0, length))).toBe('malformed')
  })

  it('throws what is no fault of the bytes', () => {
    const bytes = oneBlock(1, 0, { parent: 'text', content: text('x'.repeat(limits.comparedBytes)) })
    const stateOf = (): never => { throw new Error('The document is broken.') }
    expect(() => scan(bytes, 'free', stateOf)).toThrow('document is broken')
  })

  it('decodes a copy, so that the frame\'s buffer can be used again', () => {
    const bytes = oneBlock(1, 0, { parent: 'list', content: binary(Uint8Array.from([1, 2])) })
    const result = scan(bytes, 'free', () => 0)
    bytes.fill(0)
    expect(result).toMatchObject({ ok: true, decoded: { structs: [{ content: { content: Uint8Array.from([1, 2]) } }] } })
  })

  it('reads numbers of up to eight bytes as Yjs does', () => {
    const update = oneBlock(2 ** 53 - 1, 0, { gc: 1 })
    expect(number(2 ** 53 - 1)).toHaveLength(8)
    expect(outcome(update)).toBe('ok')
  })
})
