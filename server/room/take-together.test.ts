/** What has come to a free document by the time when the log can write: one record, and everybody is answered as if taken alone. */
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { say } from '../../test/rig/conversation.ts'
import { settle } from '../../test/rig/manual-time.ts'
import { ada, bob, closeWorlds, talk, world } from '../../test/rig/rooms-world.ts'
import type { Page, World } from '../../test/rig/rooms-world.ts'
import { runSeed, seededRandom, times, withReplay } from '../../test/rig/seed.ts'
import { readMessages } from '../../shared/conversation/read.ts'
import { parseDocumentName } from '../../shared/ids.ts'
import { scan } from '../gate/scan.ts'
import { BURST_MS } from './broadcast.ts'
import { HourlyBudget, createBudgets } from './budget.ts'
import { ClientOwners } from './client-owners.ts'
import type { Recorder } from './recorder.ts'
import type { Submission } from './session.ts'
import { takeTogether } from './take-together.ts'

const board = parseDocumentName('artifact/board')!

afterEach(closeWorlds, 10_000)

/** A log that is busy until the test says that it can write. */
const busy = (over: World): { write: () => Promise<void> } => {
  let actions: (() => void)[] = []
  over.tick = 0
  over.log.beforeWrite = action => { actions.push(action) }
  return {
    write: async () => {
      const due = actions
      actions = []
      for (const action of due) action()
      await over.time.advance(BURST_MS)
    },
  }
}

/** Two people who have written a word each. */
const twoPages = async (over = world()): Promise<{
  over: World, pages: [Page, Page], text: (page: Page) => string, records: () => Promise<number>,
}> => {
  const pages: [Page, Page] = [await over.enter(board, ada), await over.enter(board, bob)]
  for (const page of pages) {
    await page.join()
    page.doc.getText('text').insert(0, 'word ')
    await settle()
  }
  return {
    over,
    pages,
    text: ({ doc }) => doc.getText('text').toJSON(),
    records: async () => (await over.log.read(board))!.head + 1,
  }
}

/** What a page that was just opened writes. */
const fresh = (): Uint8Array => {
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'x')
  return Y.encodeStateAsUpdate(doc)
}

const answered = ({ sent, acknowledged, refusedBy, endedBy }: Page) => ({ open: sent - acknowledged, refusedBy, endedBy })
const WELL = { open: 0, refusedBy: null, endedBy: null }

describe('updates of a free document that wait for the log', () => {
  it('are one record and one frame to each reader, and each of them is acknowledged', async () => {
    const { over, pages, text, records } = await twoPages()
    const [before, frames] = [await records(), pages.map(page => page.frames.length)]
    const { write } = busy(over)
    for (let n = 0; n < 5; n++) for (const page of pages) page.doc.getText('text').insert(0, `${page.principal.name} ${n} `)
    await settle()
    expect(pages.map(page => answered(page).open)).toEqual([5, 5])
    await write()
    expect(pages.map(answered)).toEqual([WELL, WELL])
    expect(await records()).toBe(before + 1)
    expect(pages.map((page, i) => page.frames.length - frames[i]!)).toEqual([1, 1])
    expect(text(pages[0])).toBe(text(pages[1]))
    const loaded = new Y.Doc()
    for (const update of (await over.log.read(board))!.updates) Y.applyUpdate(loaded, update)
    expect(loaded.getText('text').toJSON()).toBe(text(pages[0]))
  })

  it('that stand before and behind one that is refused are taken, but none behind it of who sent it', async () => {
    const { over, pages: [page, other], text } = await twoPages()
    const { write } = busy(over)
    page.doc.getText('text').insert(0, 'before ')
    other.doc.getText('text').insert(0, 'also ')
    page.submit(new Uint8Array([1, 2, 3]))
    page.doc.getText('text').insert(0, 'behind ')
    other.doc.getText('text').insert(0, 'last ')
    await write()
    expect(page.refusedBy).toBe('malformed')
    expect(answered(other)).toEqual(WELL)
    expect(text(other)).toContain('before ')
    expect(text(other)).toContain('last ')
    expect(text(other)).not.toContain('behind ')
  })

  it('are bound to who sent each of them, all in that one record', async () => {
    const { over, pages } = await twoPages()
    const third = await over.enter(board, { ...bob, id: 'carl' as typeof bob.id })
    await third.join()
    const { write } = busy(over)
    for (const page of [...pages, third]) {
      const doc = new Y.Doc()
      doc.getText('text').insert(0, page.principal.name)
      page.submit(Y.encodeStateAsUpdate(doc))
    }
    await write()
    const owners = (await over.log.read(board))!.bindings.map(({ owner }) => owner)
    expect(owners.sort()).toEqual(['ada', 'ada', 'bob', 'bob', 'carl'])
  })

  it('that reach what they were not judged to reach end with what was taken before, whoever sent them refused', () => {
    const doc = new Y.Doc()
    doc.getText('text').insert(0, 'word')
    const recorder: Pick<Recorder, 'record'> = {
      record: (_actor, _bindings, change) => doc.transact(transaction => change(null, transaction)),
    }
    const owners = new ClientOwners(null, [], () => false)
    const ended: string[] = []
    const [first, forged, last] = ['first', 'forged', 'last'].map((said): Submission => {
      const client = new Y.Doc()
      client.getText('text').insert(0, said)
      return { session: { principal: ada, end: (code: string) => ended.push(`${said} ${code}`) } as unknown, bytes: Y.encodeStateAsUpdate(client) } as Submission
    })
    const inbox = [first!, forged!, last!]
    const { taken, lost } = takeTogether(inbox, { doc, owners, recorder }, {
      now: () => 0,
      judge: submission => {
        const scanned = scan(submission.bytes, 'free', () => 0)
        if (!scanned.ok) return null
        const touched = submission === forged ? [] : [{ root: 'text', key: null }]
        return { scanned, verdict: { kind: 'accept', touched, requestIds: [], newClients: [], newNeighbours: () => [] } }
      },
    })
    expect(taken).toEqual([first])
    expect(lost?.forged).toBe(forged)
    expect(ended).toEqual(['forged forged'])
    expect(inbox).toEqual([last])
  })

  it('end the room, and it alone, when one of them cannot be answered', async () => {
    const { over, pages: [page, other] } = await twoPages()
    const { write } = busy(over)
    const answers = { saved: () => {}, parked: () => {}, refused: () => {} }
    const applied = (): void => { throw new Error('of ours') }
    page.room.submit({ session: page, bytes: fresh(), final: false, applied, ...answers })
    other.submit(fresh())
    await write()
    expect([page.endedBy, other.endedBy]).toEqual(['not-saved', 'not-saved'])
    delete over.log.beforeWrite
    const again = await over.enter(board, bob)
    await again.join()
    again.doc.getText('text').insert(0, 'goes on ')
    await settle()
    expect(answered(again)).toEqual(WELL)
  })

  it('are no more than a reader can be sent at once', async () => {
    const { over, pages, text, records } = await twoPages()
    const before = await records()
    const { write } = busy(over)
    for (const page of pages) page.doc.getText('text').insert(0, 'x'.repeat(40_000))
    await write()
    expect(pages.map(answered)).toEqual([WELL, WELL])
    expect(await records()).toBe(before + 2)
    expect(text(pages[0])).toBe(text(pages[1]))
  })

  it('cost each who sent them what they would cost alone', async () => {
    const over = world()
    over.budgets = { ...createBudgets(), newClients: new HourlyBudget(3) }
    over.start()
    const { pages: [page, other] } = await twoPages(over)
    const { write } = busy(over)
    for (let n = 0; n < 3; n++) page.submit(fresh())
    other.submit(fresh())
    await write()
    expect(answered(page)).toEqual({ open: 1, refusedBy: 'rate-limited', endedBy: null })
    expect(answered(other)).toEqual(WELL)
  })

  it('find the document as full as one alone', async () => {
    const over = world()
    over.documentBytes = 1000
    over.start()
    const pages = [await over.enter(board, ada), await over.enter(board, bob)]
    for (const page of pages) await page.join()
    pages[0]!.doc.getText('text').insert(0, 'x'.repeat(2000))
    await settle()
    const { write } = busy(over)
    for (const page of pages) page.doc.getText('text').insert(0, 'more')
    await write()
    expect(pages.map(({ refusedBy }) => refusedBy)).toEqual(['document-full', 'document-full'])
  })

  it('of a conversation are taken one by one, each in the name of who sent it', async () => {
    const over = world()
    const pages = [await over.enter(talk, ada), await over.enter(talk, bob)]
    for (const page of pages) await page.join()
    say(pages[0]!.doc, 'before', { to: [] })
    await settle()
    const { write } = busy(over)
    for (const page of pages) say(page.doc, page.principal.name, { to: [] })
    await write()
    expect(pages[0]!.texts).toEqual(['before', 'Ada', 'Bob'])
    expect(readMessages(pages[1]!.doc).map(({ metadata }) => metadata.authorId)).toEqual(['ada', 'ada', 'bob'])
  })

  it('of several who write, delete and overwrite at once leave everybody, and the log, with the same document', async () => {
    const seed = runSeed()
    await withReplay(seed, 'server/room/take-together.test.ts', async () => {
      for (let run = 0; run < times(300, 15); run++) await writeAtOnce(seededRandom(seed + run))
    })
  })
})

const writeAtOnce = async (random: () => number): Promise<void> => {
  const below = (n: number): number => Math.floor(random() * n)
  const over = world()
  const pages: Page[] = []
  for (const principal of [ada, bob, ada]) {
    const page = await over.enter(board, principal)
    await page.join()
    pages.push(page)
  }
  const { write } = busy(over)
  const edits: ((doc: Y.Doc) => void)[] = [
    doc => { doc.getText('text').insert(below(doc.getText('text').length + 1), 'ab'.repeat(1 + below(3))) },
    (doc) => {
      const text = doc.getText('text')
      const at = below(text.length + 1)
      text.delete(at, Math.min(below(6), text.length - at))
    },
    doc => { doc.getText('text').format(0, below(doc.getText('text').length + 1), { bold: random() < 0.5 ? true : null }) },
    doc => { doc.getMap('map').set(`k${below(3)}`, random() < 0.4 ? new Y.Map([['inner', below(9)]]) : below(9)) },
    doc => { doc.getMap('map').delete(`k${below(3)}`) },
    (doc) => {
      const inner = doc.getMap('map').get(`k${below(3)}`)
      if (inner instanceof Y.Map) inner.set(`i${below(2)}`, below(9))
    },
    doc => { doc.getArray('list').insert(below(doc.getArray('list').length + 1), [below(9), 'x']) },
    (doc) => {
      const list = doc.getArray('list')
      if (list.length > 0) list.delete(below(list.length), 1)
    },
  ]
  for (let round = 0; round < 12; round++) {
    for (let n = below(12); n > 0; n--) edits[below(edits.length)]!(pages[below(pages.length)]!.doc)
    await write()
    // What came while that was taken.
    await write()
  }
  const content = (doc: Y.Doc): unknown => [doc.getText('text').toDelta(), doc.getMap('map').toJSON(), doc.getArray('list').toJSON()]
  const loaded = new Y.Doc()
  for (const update of (await over.log.read(board))!.updates) Y.applyUpdate(loaded, update)
  for (const page of pages) {
    expect(answered(page)).toEqual(WELL)
    expect(content(page.doc)).toEqual(content(loaded))
  }
  await over.rooms.close()
}
