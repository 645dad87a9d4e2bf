/** Updates that are too large for one frame, cut so that the server takes all of it once. */
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { openRoots } from '../../shared/conversation/document.ts'
import { limits } from '../../shared/limits.ts'
import { dump } from '../../test/fuzz/dump.ts'
import { LittleServer } from '../../test/fuzz/little-server.ts'
import { ada, ben, draftId, openDraft, Peer } from '../../test/fuzz/worlds.ts'
import { splitUpdate } from './split-update.ts'

const send = (server: LittleServer, update: Uint8Array): string[] => splitUpdate(update).map(piece => server.receive(piece, ada).kind)

describe('a long time offline', () => {
  it('of thousands of requests and drafts arrives in pieces that are all taken, once each, and what was cancelled never', () => {
    const server = new LittleServer('conversation')
    const peer = new Peer(server, ada, 5)
    const { requests, drafts } = openRoots(peer.doc)
    for (let i = 0; i < 3000; i++) {
      requests.set(`request ${i}`, { type: 'send', text: `What I wrote offline as number ${i}` } as never)
      if (i % 10 === 0) requests.delete(`request ${i}`)
      if (i % 100 === 1) openDraft(peer.doc, draftId(1000 + i), 'ada', 'a draft')
      if (i % 200 === 1) drafts.delete(draftId(1000 + i))
    }
    const update = peer.unsent()
    expect(server.judge(update, ada).kind).toBe('refuse')
    const verdicts = send(server, update)
    expect(verdicts.length).toBeGreaterThan(3000 / limits.requestsPerUpdate)
    expect(new Set(verdicts)).toEqual(new Set(['accept']))
    const taken = openRoots(server.doc).messages.toArray().map(({ id }) => id as string)
    expect(taken.toSorted()).toEqual(Array.from({ length: 3000 }, (_, i) => `request ${i}`).filter((_, i) => i % 10 !== 0).toSorted())
    expect(openRoots(server.doc).drafts.size).toBe(15)
  })

  it('of twenty thousand edits in a text that others wrote in arrives as one text', () => {
    const server = new LittleServer('free')
    const other = new Peer(server, ben, 4)
    other.edit(() => other.doc.getText('note').insert(0, 'what was there before '.repeat(100)))
    const peer = new Peer(server, ada, 5)
    for (let i = 0; i < 20_000; i++) peer.doc.getText('note').insert((i * 7919) % peer.doc.getText('note').length, 'x')
    for (let i = 0; i < 2000; i++) peer.doc.getText('note').delete((i * 31) % 5000, 1)
    other.edit(() => other.doc.getText('note').insert(5, 'meanwhile '))
    const verdicts = send(server, peer.unsent())
    expect(new Set(verdicts)).toEqual(new Set(['accept']))
    peer.pull()
    expect(dump(server.doc)).toBe(dump(peer.doc))
  })

  it('does not touch what is small', () => {
    const doc = new Y.Doc()
    doc.getText('note').insert(0, 'hello')
    const update = Y.encodeStateAsUpdate(doc)
    expect(splitUpdate(update)).toEqual([update])
  })
})
