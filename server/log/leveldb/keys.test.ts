/** Our own encoder of keys beside the one of y-leveldb. */
import { keyEncoding } from 'y-leveldb'
import { expect, test } from 'vitest'
import { MAX_CLOCK } from '../store-port.ts'
import type { Key } from '../store-port.ts'
import { encodeKey } from './keys.ts'

test('keys are the bytes that y-leveldb makes of them', () => {
  const long = 'x'.repeat(127)
  const keys: Key[] = [
    [], [''], ['v1', 'conversation/a', 'update', 0], ['v1', 'a', 'crc', 0x01020304], ['skein', 'run', MAX_CLOCK], ['v1_sv', long],
    ['v1', `${long}x`, 'update', 7], ['v1', 'ü', 'update', 7], ['a\u007f', 'b\u0080', 1], ['\0', '😀', 2], ['x'.repeat(300), 3],
  ]
  for (const key of keys) {
    expect([...encodeKey(key)]).toEqual([...keyEncoding.encode(key)])
    expect(keyEncoding.decode(encodeKey(key))).toEqual(key)
  }
})
