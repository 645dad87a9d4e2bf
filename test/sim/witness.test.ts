/** The witness notices what a person would. */
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { encodeFrame } from '../../shared/wire/codec.ts'
import { TALK } from './names.ts'
import { ada } from './people.ts'
import { Witness } from './witness.ts'

it('knows of which epoch a page holds something, although the answer has only begun to arrive', () => {
  const looks: (string | null)[] = []
  const socket = new Witness().socket(ada, TALK, epoch => looks.push(epoch), () => {})
  socket.admitted('an epoch', 'owner')
  for (const type of ['sync-step-1', 'update', 'sync-step-2'] as const) {
    const doc = new Y.Doc()
    socket.received(encodeFrame(type === 'sync-step-1'
      ? { type, stateVector: Y.encodeStateVector(doc) }
      : { type, update: Y.encodeStateAsUpdate(doc) }))
    socket.handled()
  }
  expect(looks).toEqual([null, 'an epoch', 'an epoch'])
})
