/** Four tabs of one person, opened, closed, crashed, stuck and frozen at random: whatever happens, no word is lost, and none comes back. */
import { describe, expect, it } from 'vitest'
import { PING_EVERY, STUCK_AFTER } from './role.ts'
import { TabSession } from './session.ts'
import { openConversation } from '../conversation.ts'
import { openDocument } from '../synced-document.ts'
import { textOf } from '../../../shared/conversation/read.ts'
import { conversationName, parseDocumentName } from '../../../shared/ids.ts'
import type { RequestId } from '../../../shared/ids.ts'
import type { FakeTab } from '../../../test/rig/fake-tab.ts'
import { ManualTime } from '../../../test/rig/manual-time.ts'
import { runSeed, seededRandom, times, withReplay } from '../../../test/rig/seed.ts'
import { TabWorld } from '../../../test/rig/tab-world.ts'

/** By then an owner that does not answer has been robbed. */
const STUCK = PING_EVERY * 1.25 * (STUCK_AFTER + 2)

let time: ManualTime
let world: TabWorld

const pass = async (ms: number): Promise<void> => {
  for (let passed = 0; passed < ms; passed += PING_EVERY / 4) {
    await time.advance(PING_EVERY / 4)
    await world.quiet()
  }
}

/** What a tab has open, and how the test writes in it and reads it. */
interface Subject {
  tab: FakeTab
  /** Resolves when the text is said to be on this device; a document of letters never says so. */
  write: (text: string) => Promise<unknown>
  read: () => string[]
  /** Takes back what it shows at this place; null where nothing can be taken back. */
  discard: ((place: number) => { text: string, done: Promise<void> }) | null
  close: () => Promise<void>
}

const offline = (tab: FakeTab) => {
  const surroundings = tab.surroundings()
  const tabs = new TabSession({ surroundings, key: 'ada', openStore: () => tab.store() })
  return { url: 'ws://127.0.0.1:9/sync', connect: false, store: tabs.store, tabs, now: time.now, random: surroundings.random }
}

const talking = (name: string): Subject => {
  const tab = world.open(name)
  const conversation = openConversation({ name: conversationName('c1')!, userId: 'ada', userName: 'Ada', ...offline(tab) })
  return {
    tab,
    write: text => conversation.send(text),
    read: () => conversation.view().messages.map(({ message }) => textOf(message.parts)),
    discard: place => {
      const { message } = conversation.view().messages[place]!
      return { text: textOf(message.parts), done: conversation.discard(message.id as string as RequestId) }
    },
    close: () => conversation.close()
  }
}

const typing = (name: string): Subject => {
  const tab = world.open(name)
  const document = openDocument({ name: parseDocumentName('artifact/a1')!, ...offline(tab) })
  return {
    tab,
    write: text => {
      document.doc.getText('body').insert(0, `${text},`)
      return new Promise(() => {})
    },
    read: () => document.doc.getText('body').toString().split(',').filter(text => text !== ''),
    discard: null,
    close: () => document.close()
  }
}

describe.each([['send', talking], ['type', typing]])('whatever happens to four tabs that %s', (_what, open) => {
  it('no word is lost and only the owner writes', { timeout: 600_000 }, async () => {
    const start = runSeed()
    for (let run = 0; run < times(2_000, 60); run++) {
      const seed = (start + run) >>> 0
      await withReplay(seed, 'client/sync/tabs/four-tabs.test.ts', () => live(seed))
    }
  })

  const live = async (seed: number): Promise<void> => {
    const random = seededRandom(seed)
    time = new ManualTime()
    world = new TabWorld(time, random)
    const subjects: Subject[] = []
    const written: { text: string, by: FakeTab, confirmed: boolean }[] = []
    /** Text → whether it is forgotten for certain. */
    const takenBack = new Map<string, boolean>()
    const closing = new Set<FakeTab>()
    const closed = new Set<FakeTab>()
    let count = 0

    const pick = (may: (tab: FakeTab) => boolean): Subject | undefined => {
      const some = subjects.filter(({ tab }) => world.tabs.has(tab) && !closing.has(tab) && may(tab))
      return some[Math.floor(random() * some.length)]
    }
    const running = () => pick(({ state }) => state === 'runs')
    const write = () => {
      const subject = running()
      if (!subject) return
      const entry = { text: `${subject.tab.name}-${count++}`, by: subject.tab, confirmed: false }
      written.push(entry)
      void subject.write(entry.text).then(() => {
        entry.confirmed = true
      })
    }
    const discard = () => {
      const subject = running()
      const shown = subject?.read() ?? []
      if (!subject?.discard || shown.length === 0) return
      const { text, done } = subject.discard(Math.floor(random() * shown.length))
      takenBack.set(text, takenBack.get(text) ?? false)
      void done.then(() => takenBack.set(text, true))
    }
    const close = () => {
      const subject = running()
      if (!subject) return
      closing.add(subject.tab)
      void subject.close().then(() => closed.add(subject.tab))
    }
    const openOne = () => {
      if (world.tabs.size - closing.size < 4) subjects.push(open(`t${count++}`))
    }
    const crash = () => {
      const subject = pick(() => true)
      if (subject) world.crash(subject.tab)
    }
    const stop = () => {
      const subject = running()
      if (subject) world.stop(subject.tab, random() < 0.5 ? 'stuck' : 'frozen')
    }
    const goOn = () => {
      const subject = pick(({ state }) => state !== 'runs')
      if (subject) world.goOn(subject.tab)
    }
    const acts = [write, write, write, discard, openOne, openOne, goOn, stop, close, crash]

    for (let act = 0; act < 60; act++) {
      acts[Math.floor(random() * acts.length)]!()
      for (let steps = Math.floor(random() * 12); steps > 0; steps--) await world.step()
      if (random() < 0.3) await time.advance(random() * PING_EVERY * 2)
    }
    for (const tab of world.tabs) world.goOn(tab)
    const last = open('last')
    subjects.push(last)
    await pass(STUCK * 3)

    const expected = written
      .filter(({ text, by, confirmed }) => !takenBack.has(text) && (confirmed || closed.has(by) || world.tabs.has(by)))
      .map(({ text }) => text)
    const shown = last.read().sort()
    expect(shown).toEqual(expect.arrayContaining(expected))
    expect(shown.filter(text => takenBack.get(text)), 'came back').toEqual([])
    // A tab that took something back and did not live to store that has told some of the others.
    const isCertain = (text: string): boolean => takenBack.get(text) !== false
    for (const subject of subjects) {
      if (!world.tabs.has(subject.tab) || closing.has(subject.tab)) continue
      expect(subject.read().sort().filter(isCertain)).toEqual(shown.filter(isCertain))
    }
    // And it is on the disk, not only in the tabs. What was never confirmed and whose tab is gone may be there or not.
    for (const tab of [...world.tabs]) world.crash(tab)
    const reader = open('reader')
    await world.quiet()
    const unpromised = written.filter(({ text }) => !expected.includes(text)).map(({ text }) => text)
    const promised = (text: string): boolean => !unpromised.includes(text)
    expect(reader.read().sort().filter(promised)).toEqual(shown.filter(promised))
    expect(closed.size).toBe(closing.size)
    expect(world.trespasses).toEqual([])
    world.crash(reader.tab)
    for (const { close } of [...subjects, reader]) void close()
  }
})
