/**
 * Ten thousand hostile updates a kind of document against live documents: what is accepted holds, honest people go on, and no decision
 * takes more than 50 ms or 10 MB. `SKEIN_LONG=1`: ten million over both kinds; a larger number: so many of each kind.
 */
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { openRoots } from '../../shared/conversation/document.ts'
import { dump, firstDifference, load } from './dump.ts'
import type { Verdict } from '../../server/gate/verdict.ts'
import { bytesInUse, costOf, MOST } from './decision-cost.ts'
import type { Cost } from './decision-cost.ts'
import { grammarUpdate, mutate } from './hostile.ts'
import { enlarge, largeUpdate } from './large.ts'
import type { LittleServer, Sender } from './little-server.ts'
import { createRandom, seedOfRun, withReplay } from './random.ts'
import type { Random } from './random.ts'
import { ada, draftId, liveArtifact, liveConversation, mallory, openDraft, Peer, textOfDraft, vera } from './worlds.ts'

const LONG = Number(process.env['SKEIN_LONG'] ?? 0)
const CASES = LONG === 1 ? 5_000_000 : LONG || 10_000
/** Cases between two lines about how far it is. */
const REPORT = 500_000
/** One case in so many is a large update. */
const LARGE_ONE_IN = 2000
/** One document in so many is a large one, and the second is. */
const LARGE_LIFE_ONE_IN = 1000
/** So many cases damage the same honest update: making one takes a copy of the document, as long as ten decisions. */
const HONEST_USES = 32
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

/** Makes hostile updates for one document. */
const attackerOf = (server: LittleServer, random: Random): (() => Uint8Array) => {
  let honest = honestUpdate(server, random)
  return () => {
    if (random.int(HONEST_USES) === 0) honest = honestUpdate(server, random)
    return hostileUpdate(server, random, honest)
  }
}

const hostileUpdate = (server: LittleServer, random: Random, honest: Uint8Array): Uint8Array => {
  if (random.int(LARGE_ONE_IN) === 0) return largeUpdate(server, random, OWN)
  switch (random.int(12)) {
    case 0: return random.bytes(random.int(60))
    case 1: return Y.convertUpdateFormatV1ToV2(honest)
    case 2:
    case 3:
    case 4: return mutate(random, honest)
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

/** The dearest decisions of a run. One over a bound is made again on the same document, built anew, and counts if it is over it again. */
class Dearest {
  /** Decisions over a bound; they leave the document as whole as others, so the run goes on and fails at its end. */
  readonly tooDear: string[] = []
  milliseconds = 0
  megabytes = 0
  #suspects = 0

  /** @returns the verdict of the decision, which it makes on the server */
  watch(server: LittleServer, bytes: Uint8Array, sender: Sender): Verdict {
    const { length } = server.records
    const owners = new Map(server.owners)
    const before = bytesInUse()
    const start = performance.now()
    const verdict = server.receive(bytes, sender)
    const milliseconds = performance.now() - start
    const megabytes = (bytesInUse() - before) / 1e6
    if (milliseconds > MOST.milliseconds || megabytes > MOST.megabytes) {
      this.#suspects++
      this.#note(costOf(() => {
        const again = server.rebuilt(length, owners)
        return () => again.receive(bytes, sender)
      }), bytes)
    } else {
      this.milliseconds = Math.max(this.milliseconds, milliseconds)
      this.megabytes = Math.max(this.megabytes, megabytes)
    }
    return verdict
  }

  toString(): string {
    return `slowest decision ${this.milliseconds.toFixed(1)} ms, largest ${this.megabytes.toFixed(1)} MB (${this.#suspects} measured again)`
  }

  #note({ milliseconds, megabytes }: Cost, bytes: Uint8Array): void {
    this.milliseconds = Math.max(this.milliseconds, milliseconds)
    this.megabytes = Math.max(this.megabytes, megabytes)
    if (milliseconds > MOST.milliseconds || megabytes > MOST.megabytes) {
      const what = Buffer.from(bytes.subarray(0, 200)).toString('hex')
      this.tooDear.push(`${milliseconds.toFixed(1)} ms and ${megabytes.toFixed(1)} MB: ${what}… (${bytes.length} bytes)`)
      console.error(`A decision took ${this.tooDear.at(-1)}`)
    }
  }
}

const attack = (make: () => LittleServer, seed: number): Record<string, number> => {
  const random = createRandom(seed)
  const verdicts: Record<string, number> = {}
  const dearest = new Dearest()
  const report = (done: number): void =>
    console.info(`${done} hostile updates, ${Math.round(process.cpuUsage().user / 1e6)} s of the processor, seed ${seed}, ${dearest}:`, verdicts)
  for (let done = 0; done < CASES;) {
    const server = make()
    if ((done / LIFE) % LARGE_LIFE_ONE_IN === 1) enlarge(server, random)
    const honest = new Peer(server, ada, 606)
    const next = attackerOf(server, random)
    for (const end = Math.min(done + LIFE, CASES); done < end; done++) {
      const bytes = next()
      const verdict = dearest.watch(server, bytes, random.chance(0.9) ? mallory : vera)
      const name = verdict.kind === 'refuse' ? verdict.code : verdict.kind
      verdicts[name] = (verdicts[name] ?? 0) + 1
      if (verdict.kind === 'accept' && random.chance(0.3)) goOn(server, honest, random)
    }
    goOn(server, honest, random)
    checkWhole(server, honest)
    if (done % REPORT === 0) report(done)
  }
  report(CASES)
  expect(dearest.tooDear).toEqual([])
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
  }, 24 * 3_600_000)
})
