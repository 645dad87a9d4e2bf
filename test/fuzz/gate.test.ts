/** Ten thousand hostile updates (`SKEIN_LONG`: as many as it says) against live documents: what is accepted holds, honest people go on. */
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { openRoots } from '../../shared/conversation/document.ts'
import { dump, firstDifference, load } from './dump.ts'
import { grammarUpdate, mutate } from './hostile.ts'
import type { LittleServer } from './little-server.ts'
import { createRandom, seedOfRun, withReplay } from './random.ts'
import type { Random } from './random.ts'
import { ada, draftId, liveArtifact, liveConversation, mallory, openDraft, Peer, textOfDraft, vera } from './worlds.ts'

const CASES = Number(process.env['SKEIN_LONG'] ?? 10_000)
/** Cases after which the document is checked and a new one begun, so that it stays small. */
const LIFE = 250
const OWN = [303, 404, 505]
const NAMES = ['requests', 'drafts', 'messages', 'meta', 'key', 'head', 'parts', 'type', 'text', 'note', 'other', draftId(3), draftId(7), draftId(8)]

/** What an honest client of the attacker might send, to be damaged. */
const honestUpdate = (server: LittleServer, random: Random): Uint8Array => {
  const peer = new Peer(server, mallory, 1000 + random.int(1e6))
  if (server.kind === 'conversation') {
    if (random.chance(0.5)) openDraft(peer.doc, draftId(100 + random.int(1e6)), 'mallory', 'draft')
    openRoots(peer.doc).requests.set(`request ${random.int(5)}`, { type: 'x' } as never)
    textOfDraft(peer.doc, draftId(1))?.insert(0, 'abc')
  } else {
    peer.doc.getText('note').insert(0, 'abc')
    peer.doc.getText('note').delete(1, 2)
    peer.doc.getMap('map').set('key', new Y.Map([['x', 1]]))
  }
  return random.chance(0.3) ? Y.encodeStateAsUpdate(peer.doc) : peer.unsent()
}

const hostileUpdate = (server: LittleServer, random: Random): Uint8Array => {
  switch (random.int(12)) {
    case 0: return random.bytes(random.int(60))
    case 1: return Y.convertUpdateFormatV1ToV2(honestUpdate(server, random))
    case 2:
    case 3:
    case 4: return mutate(random, honestUpdate(server, random))
    case 5: return mutate(random, grammarUpdate({ random, doc: server.doc, own: OWN, names: NAMES, open: 'requests' }))
    default: return grammarUpdate({ random, doc: server.doc, own: OWN, names: NAMES, open: 'requests' })
  }
}

/** An honest person goes on: writes, and reads the same as the server. */
const goOn = (server: LittleServer, honest: Peer, random: Random): void => {
  honest.pull()
  const verdict = honest.edit(() => {
    const text = server.kind === 'free' ? honest.doc.getText('note') : textOfDraft(honest.doc, draftId(1)) ?? openAnother(honest, random)
    text.insert(random.int(Math.min(3, text.length)), 'honest ')
  })
  expect(verdict.kind).toBe('accept')
}

/** An editor may delete the text that another works on. */
const openAnother = ({ doc }: Peer, random: Random): Y.Text => openDraft(doc, draftId(1_000_000 + random.int(1e9)), 'ada', '')

const checkWhole = (server: LittleServer, honest: Peer): void => {
  // Its Yjs tidies formats, which are edits of its own.
  for (let i = 0; i < 5 && honest.push().kind === 'accept'; i++) honest.pull()
  expect(server.doc.store.pendingStructs).toBeNull()
  expect(server.doc.store.pendingDs).toBeNull()
  const live = dump(server.doc)
  expect(firstDifference(live, dump(load(server.records)))).toBeNull()
  expect(firstDifference(live, dump(honest.doc))).toBeNull()
}

const attack = (make: () => LittleServer, seed: number): Record<string, number> => {
  const random = createRandom(seed)
  const verdicts: Record<string, number> = {}
  let slowest = 0
  for (let done = 0; done < CASES;) {
    const server = make()
    const honest = new Peer(server, ada, 606)
    for (const end = Math.min(done + LIFE, CASES); done < end; done++) {
      const bytes = hostileUpdate(server, random)
      const verdict = server.receive(bytes, random.chance(0.9) ? mallory : vera)
      const name = verdict.kind === 'refuse' ? verdict.code : verdict.kind
      verdicts[name] = (verdicts[name] ?? 0) + 1
      if (verdict.kind === 'accept' && random.chance(0.3)) goOn(server, honest, random)
    }
    goOn(server, honest, random)
    checkWhole(server, honest)
    slowest = Math.max(slowest, server.slowest)
  }
  console.info(`${CASES} hostile updates, seed ${seed}, slowest decision ${slowest.toFixed(1)} ms:`, verdicts)
  return verdicts
}

describe('hostile updates', () => {
  it.each([
    { name: 'conversation', make: liveConversation },
    { name: 'artifact', make: liveArtifact }
  ])('leave a live $name whole: what is accepted applies, nothing waits, honest people go on, a fresh load is the same', ({ make }) => {
    const seed = seedOfRun(20_251)
    const verdicts = withReplay(seed, 'test/fuzz/gate.test.ts', () => attack(make, seed))
    // The generator must get past the scan, or it proves nothing.
    expect(verdicts['accept']).toBeGreaterThan(CASES / 30)
    expect(verdicts['malformed']).toBeGreaterThan(CASES / 20)
  }, 600_000)
})
