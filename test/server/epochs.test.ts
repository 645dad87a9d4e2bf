/** What a new epoch does to those who hold the document as it was before: they never merge, and whoever is fresh is never turned away. */
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { squashLimits } from '../../server/room/squash.ts'
import type { SquashLimits } from '../../server/room/squash.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { readDrafts } from '../../shared/conversation/read.ts'
import { messageTexts, newConversationId, newRequestId, say } from '../rig/conversation.ts'
import { startInProcess } from '../rig/in-process.ts'
import type { InProcessOptions, InProcessServer } from '../rig/in-process.ts'
import { Peer } from '../rig/peer.ts'
import type { PeerOptions } from '../rig/peer.ts'
import { temporaryFolder } from '../rig/server-process.ts'

const squashAlways: SquashLimits = { ...squashLimits, clients: 0, clientsFree: 0 }

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let server: InProcessServer
let name: string
const peers: Peer[] = []

const start = async (options: InProcessOptions = {}): Promise<void> => {
  server = await startInProcess({ dataFolder: join(folder.path, 'data'), ...options })
}
const restart = async (options: InProcessOptions = {}): Promise<void> => {
  await server.close()
  await start(options)
}
const enter = async (options?: PeerOptions): Promise<Peer> => {
  const peer = await Peer.join(server.syncUrl, name, options)
  peers.push(peer)
  return peer
}
const epochOf = (peer: Peer): string | undefined => peer.controls.flatMap(control => control.kind === 'hello' ? [control.epoch] : [])[0]
const outcomes = (peer: Peer): unknown[] => peer.controls.flatMap(control => control.kind === 'result' ? [control.outcome] : [])

/** Sends its state vector and everything it has, as a page does that knows nothing of epochs. */
const comeBack = async (doc: Y.Doc, skein: boolean): Promise<Peer> => {
  const peer = await Peer.open(server.syncUrl, name, { skein, doc })
  peers.push(peer)
  peer.send({ type: 'sync-step-1', stateVector: Y.encodeStateVector(doc) })
  peer.send({ type: 'sync-step-2', update: Y.encodeStateAsUpdate(doc) })
  return peer
}

beforeEach(async () => {
  folder = await temporaryFolder()
  name = `conversation/${newConversationId()}`
  await start()
})

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close()
  await server.close()
  await folder.remove()
})

/** Three messages by two page loads, and a shared draft. */
const talk = async (): Promise<{ epoch: string | undefined, doc: Y.Doc, sent: ReturnType<typeof say> }> => {
  const [first, second] = [await enter(), await enter()]
  const sent = say(first.doc, 'one', { to: [] })
  await first.allSaved()
  say(second.doc, 'two', { to: [] })
  await second.allSaved()
  say(first.doc, 'three', { to: [] })
  await first.allSaved()
  openDraft(second.doc, 'half a sent')
  await second.allSaved()
  for (const peer of peers.splice(0)) peer.close()
  return { epoch: epochOf(first), doc: second.doc, sent }
}

const openDraft = (doc: Y.Doc, text: string): void => {
  const part = new Y.Map<string | Y.Text>([['type', 'text'], ['text', new Y.Text(text)]])
  const draft = new Y.Map<unknown>([
    ['head', { kind: 'shared', authorId: 'local', parentId: null, createdAt: 1 }], ['parts', Y.Array.from([part])]
  ])
  doc.getMap('drafts').set(newRequestId(), draft)
}

describe('a squash', () => {
  it('happens to a conversation past its limits when it is loaded, and leaves what it says, its ledger and its owners', async () => {
    const { epoch, sent } = await talk()
    await restart()
    expect(epochOf(await enter())).toBe(epoch)
    await restart({ squashAt: { ...squashLimits, clients: 3 } })
    const peer = await enter()
    expect(epochOf(peer)).not.toBe(epoch)
    expect(messageTexts(peer.doc)).toEqual(['one', 'two', 'three'])
    expect(readDrafts(peer.doc).map(({ parts }) => parts)).toEqual([[{ type: 'text', text: 'half a sent' }]])
    expect(peer.doc.store.clients.size).toBe(2)

    const again = await enter({ doc: new Y.Doc() })
    say(again.doc, 'one', { id: sent, to: [], parentId: null })
    await again.allSaved()
    expect(outcomes(again)).toEqual([{ status: 'accepted' }])
    expect(messageTexts(again.doc)).toEqual(['one', 'two', 'three'])
  })

  it('is not repeated by the next load', async () => {
    await talk()
    await restart({ squashAt: { ...squashLimits, clients: 3 } })
    const epoch = epochOf(await enter())
    await restart({ squashAt: { ...squashLimits, clients: 3 } })
    expect(epochOf(await enter())).toBe(epoch)
  })

  it('leaves a draft that goes on to be written in', async () => {
    await talk()
    await restart({ squashAt: squashAlways })
    const [a, b] = [await enter(), await enter()]
    const body = (doc: Y.Doc): Y.Text =>
      ([...openRoots(doc).drafts.values()][0]!.get('parts') as Y.Array<Y.Map<Y.Text>>).get(0).get('text')!
    body(a.doc).insert(11, 'ence')
    await a.allSaved()
    say(b.doc, 'four', { to: [] })
    await b.allSaved()
    expect(body(b.doc).toString()).toBe('half a sentence')
    expect(messageTexts(a.doc)).toEqual(['one', 'two', 'three', 'four'])
  })

  it('that could not be written leaves the document as it was', async () => {
    const { epoch } = await talk()
    await restart({ squashAt: squashAlways })
    server.failNextWrite('before')
    const peer = await Peer.open(server.syncUrl, name)
    expect(await peer.closed()).toMatchObject({ code: 1013 })
    await restart()
    const after = await enter()
    expect(epochOf(after)).toBe(epoch)
    expect(messageTexts(after.doc)).toEqual(['one', 'two', 'three'])
  })

  it('happens to a free document too, whatever its roots are', async () => {
    name = `artifact/${newConversationId()}`
    const peer = await enter()
    peer.doc.getText('body').insert(0, 'some text')
    peer.doc.getText('body').delete(0, 5)
    peer.doc.getArray('list').push(['a', new Y.Map([['k', 1]])])
    await peer.allSaved()
    await restart({ squashAt: squashAlways })
    const after = await enter()
    expect(after.doc.getText('body').toString()).toBe('text')
    expect(after.doc.getArray('list').toJSON()).toEqual(['a', { k: 1 }])
    expect(await (await comeBack(peer.doc, false)).closed()).toMatchObject({ code: 4409 })
    after.doc.getText('body').insert(0, 'more ')
    await after.allSaved()
    expect((await enter()).doc.getText('body').toString()).toBe('more text')
  })
})

describe.each([['stock', false], ['skein.v1', true]] as const)('a stale %s page', (_kind, skein) => {
  it('is closed with 4409 before any data is sent, and what it had is not merged', async () => {
    const { doc } = await talk()
    say(doc, 'written offline', { to: [] })
    await restart({ squashAt: squashAlways })
    const stale = await comeBack(doc, skein)
    expect(await stale.closed()).toEqual({ code: 4409, reason: expect.stringMatching(/^epoch-changed: /) })
    expect(stale.frames.filter(({ type }) => type !== 'control')).toEqual([])
    expect(messageTexts((await enter()).doc)).toEqual(['one', 'two', 'three'])
  })

  it('is known even when it holds nothing but its own, so that a draft of it cannot come back', async () => {
    const own = new Y.Doc()
    openDraft(own, 'mine')
    const update = Y.encodeStateAsUpdate(own)
    const peer = await enter()
    Y.applyUpdate(peer.doc, update)
    await peer.allSaved()
    peer.doc.getMap('drafts').clear()
    await peer.allSaved()
    await restart({ squashAt: squashAlways })
    expect(await (await comeBack(own, skein)).closed()).toMatchObject({ code: 4409 })
    expect(readDrafts((await enter()).doc)).toEqual([])
  })

  it('of an epoch before the last one is known as well', async () => {
    const { doc } = await talk()
    for (let i = 0; i < 2; i++) {
      await restart({ squashAt: squashAlways })
      await enter()
    }
    expect(await (await comeBack(doc, skein)).closed()).toMatchObject({ code: 4409 })
  })
})

describe('a fresh page', () => {
  it('is never turned away, with nothing or with offline work of its own, and comes back as often as it likes', async () => {
    await talk()
    await restart({ squashAt: squashAlways })
    for (const skein of [true, false]) {
      const doc = new Y.Doc()
      say(doc, `begun offline (${skein})`, { to: [], parentId: null })
      const first = await enter({ doc, skein })
      await enter({ doc, skein })
      expect(first.closedBy).toBeNull()
    }
    await restart()
    const reader = await enter()
    expect(messageTexts(reader.doc)).toEqual(['one', 'two', 'three', 'begun offline (true)', 'begun offline (false)'])
    expect(await enter({ doc: reader.doc })).toMatchObject({ closedBy: null })
  })
})

describe('a restored backup', () => {
  const restoreAfter = async (later: () => Promise<void>, options: InProcessOptions = {}): Promise<void> => {
    await server.close()
    await cp(join(folder.path, 'data'), join(folder.path, 'backup'), { recursive: true })
    await start()
    await later()
    await server.close()
    server = await startInProcess({ dataFolder: join(folder.path, 'backup'), beginNewEpochs: true, ...options })
  }

  it('begins new epochs, so that a page that saw more than it holds never merges', async () => {
    const { epoch } = await talk()
    let seen: Y.Doc | null = null
    await restoreAfter(async () => {
      const peer = await enter()
      say(peer.doc, 'after the backup', { to: [] })
      await peer.allSaved()
      seen = peer.doc
    })
    expect(await (await comeBack(seen!, false)).closed()).toMatchObject({ code: 4409 })
    const peer = await enter()
    expect(epochOf(peer)).not.toBe(epoch)
    expect(messageTexts(peer.doc)).toEqual(['one', 'two', 'three'])
  })

  it.each(['conversation', 'artifact'] as const)('keeps out who has seen what only a later epoch of it held (%s)', async kind => {
    name = `${kind}/${newConversationId()}`
    const write = (doc: Y.Doc, text: string): void => {
      if (kind === 'conversation') say(doc, text, { to: [] })
      else doc.getText('body').insert(doc.getText('body').length, text)
    }
    const read = (doc: Y.Doc): string => kind === 'conversation' ? messageTexts(doc).join('') : doc.getText('body').toString()
    const first = await enter()
    write(first.doc, 'one ')
    await first.allSaved()
    let seen: Y.Doc | null = null
    await restoreAfter(async () => {
      await restart({ squashAt: squashAlways })
      const peer = await enter()
      write(peer.doc, 'two ')
      await peer.allSaved()
      seen = peer.doc
    })
    const stale = await comeBack(seen!, false)
    expect(await stale.closed()).toMatchObject({ code: 4409 })
    expect(stale.frames.filter(({ type }) => type !== 'control')).toEqual([])
    expect(read((await enter()).doc)).toBe('one ')
  })

  it('begins another epoch each time that it is restored, of a document that it does not hold too', async () => {
    await (await enter()).allSaved()
    await server.close()
    await cp(join(folder.path, 'data'), join(folder.path, 'backup'), { recursive: true })
    const restore = async (): Promise<void> => {
      await rm(join(folder.path, 'data'), { recursive: true })
      await cp(join(folder.path, 'backup'), join(folder.path, 'data'), { recursive: true })
      await start({ beginNewEpochs: true })
    }
    await restore()
    const first = await enter()
    say(first.doc, 'after the first restore', { to: [] })
    await first.allSaved()
    await server.close()
    await restore()
    const second = await enter()
    expect(epochOf(second)).not.toBe(epochOf(first))
    expect(messageTexts(second.doc)).toEqual([])
  })

  it('begins them once', async () => {
    await talk()
    await restoreAfter(async () => {})
    const epoch = epochOf(await enter())
    await server.close()
    server = await startInProcess({ dataFolder: join(folder.path, 'backup') })
    expect(epochOf(await enter())).toBe(epoch)
  })
})

describe('an unclean stop without fsync', () => {
  it('begins a new epoch of every document that is loaded afterwards', async () => {
    await restart({ durability: 'os' })
    const { epoch } = await talk()
    await cp(join(folder.path, 'data'), join(folder.path, 'left'), { recursive: true })
    await server.close()
    server = await startInProcess({ dataFolder: join(folder.path, 'left'), durability: 'os' })
    const peer = await enter()
    expect(epochOf(peer)).not.toBe(epoch)
    expect(messageTexts(peer.doc)).toEqual(['one', 'two', 'three'])
  })

  it('keeps the epoch after an orderly stop', async () => {
    await restart({ durability: 'os' })
    const { epoch } = await talk()
    await restart({ durability: 'os' })
    expect(epochOf(await enter())).toBe(epoch)
  })
})
