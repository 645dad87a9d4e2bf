/** What honest clients send is never refused, however it was delayed, repeated or relayed, and all of them end with the same document. */
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { openRoots } from '../../shared/conversation/document.ts'
import { dump, firstDifference, load } from './dump.ts'
import { LittleServer, person } from './little-server.ts'
import type { Sender } from './little-server.ts'
import { createRandom, seedOfRun, withReplay } from './random.ts'
import type { Random } from './random.ts'
import { draftId, openDraft } from './worlds.ts'

const ROUNDS = Number(process.env['SKEIN_LONG'] ?? 0) > 0 ? 300 : 30
const STEPS = 120

/** A client with an unreliable line: its frames get lost, are sent again, and what they build on may come later. */
class Device {
  readonly doc: Y.Doc
  readonly undo: Y.UndoManager | null
  readonly server: LittleServer
  readonly sender: Sender
  #outbox: Uint8Array[] = []
  #isPulling = false
  isOnline = true

  constructor(server: LittleServer, sender: Sender, keepsAll: boolean) {
    this.server = server
    this.sender = sender
    this.doc = new Y.Doc({ gc: !keepsAll })
    if (server.kind === 'conversation') openRoots(this.doc)
    this.undo = server.kind === 'free'
      ? new Y.UndoManager([this.doc.getText('text'), this.doc.getArray('list'), this.doc.getMap('map')], { captureTimeout: 0 })
      : null
    this.doc.on('update', (update: Uint8Array) => {
      if (!this.#isPulling) this.#outbox.push(update)
    })
  }

  pull(): void {
    this.#isPulling = true
    Y.applyUpdate(this.doc, Y.encodeStateAsUpdate(this.server.doc, Y.encodeStateVector(this.doc)), 'server')
    this.#isPulling = false
  }

  /** Sends what is in the outbox; after a loss, as after a reconnect, everything that the server lacks. */
  flush(random: Random): void {
    const frames = this.#outbox
    this.#outbox = []
    let isComplete = true
    for (const frame of frames) {
      if (random.chance(0.1)) isComplete = false
      else this.#send(frame, isComplete)
      if (random.chance(0.1)) this.#send(frame, isComplete)
    }
    if (!isComplete || random.chance(0.2)) this.reconnect(random.chance(0.1))
  }

  /** @param everything as a client whose store replays all it has, what it learnt from others included */
  reconnect(everything = false): void {
    const vector = everything ? undefined : Y.encodeStateVector(this.server.doc)
    this.#send(Y.encodeStateAsUpdate(this.doc, vector), true)
  }

  #send(frame: Uint8Array, isComplete: boolean): void {
    const verdict = this.server.receive(frame, this.sender)
    if (verdict.kind === 'refuse' || (verdict.kind === 'park' && isComplete)) {
      throw new Error(`An honest frame of ${this.sender.id} was not taken: ${JSON.stringify(verdict)}`)
    }
  }
}

/** The place, or the next one if it is inside a surrogate pair: editors never stop there, and Yjs does not keep pairs that are cut. */
const outsidePair = (text: Y.Text, at: number): number => {
  const units: string[] = text.toDelta().flatMap(({ insert }: { insert: unknown }) => typeof insert === 'string' ? insert.split('') : [' '])
  return at > 0 && (units.slice(at - 1, at + 1).join('').codePointAt(0) ?? 0) > 0xffff ? at + 1 : at
}

const editText = (random: Random, text: Y.Text): void => {
  const at = outsidePair(text, random.int(text.length + 1))
  const end = outsidePair(text, Math.min(text.length, at + 1 + random.int(3)))
  switch (random.int(7)) {
    case 0:
      if (at < end) text.delete(at, end - at)
      break
    case 1:
      if (at < end) text.format(at, end - at, { bold: random.pick([true, null]) })
      break
    case 2:
      text.insertEmbed(at, { image: 'x' })
      break
    default:
      text.insert(at, random.pick(['a', 'hello ', '😀', 'ü', 'a😀b']))
  }
}

const editConversation = (random: Random, { doc, sender }: Device): void => {
  const { drafts, requests } = openRoots(doc)
  const shared = [...drafts].filter(([, draft]) => (draft.get('head') as { authorId?: string } | undefined)?.authorId !== undefined)
  switch (random.int(12)) {
    case 0:
      openDraft(doc, draftId(random.int(2 ** 40)), sender.id, 'new')
      break
    case 1: {
      const own = shared.find(([, draft]) => (draft.get('head') as { authorId?: string }).authorId === sender.id)
      if (own) drafts.delete(own[0])
      break
    }
    case 2:
    case 3:
      requests.set(`${sender.id} ${random.int(2 ** 40)}`, { type: 'x', text: 'hello' } as never)
      break
    case 4:
      for (const key of requests.keys()) if (random.chance(0.5)) requests.delete(key)
      break
    default: {
      if (shared.length === 0) break
      const parts = random.pick(shared)[1].get('parts') as Y.Array<Y.Map<string | Y.Text>>
      if (random.chance(0.1) || parts.length === 0) parts.push([new Y.Map<string | Y.Text>([['type', 'text'], ['text', new Y.Text('part')]])])
      else if (random.chance(0.05)) parts.delete(random.int(parts.length))
      else {
        const text = parts.get(random.int(parts.length)).get('text')
        if (text instanceof Y.Text) editText(random, text)
      }
    }
  }
}

const editArtifact = (random: Random, { doc, undo }: Device): void => {
  const list = doc.getArray<unknown>('list')
  const map = doc.getMap<unknown>('map')
  switch (random.int(11)) {
    case 0:
      list.insert(random.int(list.length + 1), [1, 'x', new Y.Map([['deep', new Y.Map([['deeper', 1]])]])])
      break
    case 1:
      if (list.length > 1) list.delete(random.int(list.length - 1), 1)
      break
    case 2:
      map.set(random.pick(['a', 'b', 'c']), random.pick([1, new Y.Array(), new Uint8Array([1]), { x: [null] }, new Y.Text('t')]))
      break
    case 3: {
      const value = map.get(random.pick(['a', 'b', 'c']))
      if (value instanceof Y.Array) value.push([random.int(9)])
      if (value instanceof Y.Text) editText(random, value)
      break
    }
    case 4:
      map.delete(random.pick(['a', 'b', 'c']))
      break
    case 5:
      undo?.undo()
      break
    case 6:
      undo?.redo()
      break
    default:
      editText(random, doc.getText('text'))
  }
}

const live = (kind: LittleServer['kind'], seed: number): void => {
  const random = createRandom(seed)
  const server = new LittleServer(kind)
  if (kind === 'conversation') server.write(() => openRoots(server.doc).messages.push([{ id: 'a' } as never, { id: 'b' } as never]))
  const devices = [person('ada'), person('ada'), person('ben')].map((sender, i) => new Device(server, sender, i === 2 && random.chance(0.5)))
  for (let i = 0; i < STEPS; i++) {
    const device = random.pick(devices)
    if (random.chance(0.05)) device.isOnline = !device.isOnline
    device.doc.transact(() => (kind === 'conversation' ? editConversation : editArtifact)(random, device))
    if (device.isOnline && random.chance(0.7)) device.flush(random)
    if (device.isOnline && random.chance(0.5)) device.pull()
    if (kind === 'conversation' && random.chance(0.1)) server.write(() => openRoots(server.doc).meta.set('title', `${i}`))
  }
  // Tidying formats is an edit of each client, so it takes a few rounds until everybody has everything.
  for (let i = 0; i < 6; i++) {
    for (const device of devices) {
      device.pull()
      device.reconnect()
    }
  }
  for (const device of devices) device.pull()
  expect(server.doc.store.pendingStructs).toBeNull()
  const whole = dump(server.doc)
  expect(firstDifference(whole, dump(load(server.records)))).toBeNull()
  for (const device of devices) if (device.doc.gc) expect(firstDifference(whole, dump(device.doc))).toBeNull()
}

describe('honest clients', () => {
  it.each(['conversation', 'free'] as const)('are never refused and converge, with losses, repetitions and time offline (%s)', kind => {
    const first = seedOfRun(4_000)
    for (let i = 0; i < ROUNDS; i++) withReplay(first + i, 'test/fuzz/honest.test.ts', () => live(kind, first + i))
  }, 600_000)
})
