/** Shared drafts between devices over real sockets: nobody's letters are lost, nobody's words are put into a mouth. */
import 'fake-indexeddb/auto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type * as Y from 'yjs'
import type { Conversation } from '../../client/sync/conversation.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { readDrafts, readMessages, textOf } from '../../shared/conversation/read.ts'
import { proposeSend, putRequest } from '../../shared/conversation/write.ts'
import type { AgentId, DraftId } from '../../shared/ids.ts'
import { newRequestId } from '../rig/conversation.ts'
import { createSdkWorld, settled } from '../rig/sdk-world.ts'
import type { SdkWorld } from '../rig/sdk-world.ts'
import { runSeed, seededRandom, times, withReplay } from '../rig/seed.ts'
import { until } from '../rig/until.ts'

let world: SdkWorld

beforeAll(async () => {
  world = await createSdkWorld()
})

afterAll(() => world.close())

beforeEach(() => world.converse('ada', 'ben', 'cleo'))

const nobody = { to: [] as AgentId[] }
const sealedTexts = (page: Conversation): string[] => readMessages(page.doc).map(({ parts }) => textOf(parts))
/** Author and text of each open draft. */
const openDrafts = (page: Conversation): string[] =>
  readDrafts(page.doc).map(({ head, parts }) => `${head.authorId}: ${textOf(parts)}`).sort()
const content = (page: Conversation): string => JSON.stringify([readMessages(page.doc), readDrafts(page.doc)])

/** Everything is on the server, and all pages show the same. */
const agree = async (...pages: Conversation[]): Promise<void> => {
  await until('all pages agree', async () => {
    for (const page of pages) await settled(page)
    return new Set(pages.map(content)).size === 1 && pages.every(page => !page.hasUnsaved)
  })
}

const text = (page: Conversation, id: DraftId): Y.Text => page.draftText(id)!
const type = (page: Conversation, id: DraftId, letters: string): void => {
  for (const letter of letters) text(page, id).insert(text(page, id).length, letter)
}

/** Ada opened a draft and typed into it; everybody has it. */
const draftOfAda = async (letters: string, ada: Conversation, ...others: Conversation[]): Promise<DraftId> => {
  await settled(ada)
  const id = ada.openDraft()
  type(ada, id, letters)
  await agree(ada, ...others)
  return id
}

describe('a shared draft', () => {
  it('is written by two people letter by letter, and says what its sender saw', async () => {
    const [ada, ben] = [world.open('ada'), world.open('ben')]
    const id = await draftOfAda('', ada, ben)
    for (const letter of 'abcdefgh') {
      type(ada, id, letter)
      type(ben, id, letter.toUpperCase())
      if (letter === 'd') await agree(ada, ben)
    }
    await agree(ada, ben)
    const seen = text(ada, id).toString()
    expect([...seen].sort().join('')).toBe('ABCDEFGHabcdefgh')
    const sent = await ada.sendDraft(id, nobody)
    expect(ada.view().drafts).toEqual([])
    await agree(ada, ben)
    expect(sealedTexts(ben)).toEqual([seen])
    expect(readMessages(ben.doc)[0]).toMatchObject({ id: sent, metadata: { authorId: 'ada', draftId: id } })
    expect(openDrafts(ben)).toEqual([])
    expect(ada.draftText(id)).toBeNull()
  })

  it('of ten never becomes ten thousand: the letters that the sender did not see come back to who typed them', async () => {
    const [ada, ben, cleo] = [world.open('ada'), world.open('ben'), world.open('cleo')]
    const id = await draftOfAda('I will pay 10', ada, ben, cleo)
    ada.disconnect()
    type(ben, id, '000')
    await agree(ben, cleo)
    await ada.sendDraft(id, nobody)
    ada.connect()
    await agree(ada, ben, cleo)
    await until('the letters are back', () => openDrafts(ada).join().startsWith('ben'))
    expect(sealedTexts(ben)).toEqual(['I will pay 10'])
    expect(openDrafts(ada)).toEqual(['ben: 000'])
    const successor = ben.successorOf(id)!
    expect(text(ben, successor).toString()).toBe('000')
    expect(ben.view().drafts[0]!.head.parentId).toBe(readMessages(ben.doc)[0]!.id)
    expect(cleo.successorOf(id)).toBeNull()
  })

  it('takes letters for a moment after it is gone', async () => {
    const [ada, ben] = [world.open('ada'), world.open('ben')]
    const id = await draftOfAda('hello', ada, ben)
    const bound = text(ben, id)
    await ada.sendDraft(id, nobody)
    await until('it is gone', () => ben.draftText(id) === null)
    bound.insert(0, '!')
    bound.insert(1, '?')
    await agree(ada, ben)
    expect(openDrafts(ada)).toEqual(['ben: !?'])
    expect(text(ben, ben.successorOf(id)!).toString()).toBe('!?')
  })

  it('keeps what its own sender types after sending', async () => {
    const ada = world.open('ada')
    const id = await draftOfAda('one', ada)
    ada.disconnect()
    await ada.sendDraft(id, nobody)
    type(ada, id, ' more')
    ada.connect()
    await until('it is back', () => openDrafts(ada).join() === 'ada:  more')
    await agree(ada)
    expect(sealedTexts(ada)).toEqual(['one'])
  })

  it('is sent by two people at once as what each of them saw', async () => {
    const [ada, ben] = [world.open('ada'), world.open('ben')]
    const id = await draftOfAda('we', ada, ben)
    for (const page of [ada, ben]) page.disconnect()
    type(ada, id, ' all')
    type(ben, id, ' two')
    await ada.sendDraft(id, nobody)
    await ben.sendDraft(id, nobody)
    ada.connect()
    await agree(ada)
    ben.connect()
    await agree(ada, ben)
    expect(sealedTexts(ada)).toEqual(['we all', 'we two'])
    expect(openDrafts(ada)).toEqual([])
  })

  it('is dropped by its author alone, and what others typed comes back to them', async () => {
    const [ada, ben] = [world.open('ada'), world.open('ben')]
    const id = await draftOfAda('mine', ada, ben)
    type(ben, id, ' ours')
    await agree(ada, ben)
    expect(() => ben.dropDraft(id)).toThrow(expect.objectContaining({ code: 'not-author' }))
    ada.dropDraft(id)
    await until('it is back', () => openDrafts(ada).join() === 'ben:  ours')
    await agree(ada, ben)
    expect(() => ada.dropDraft(id)).toThrow(expect.objectContaining({ code: 'target-unknown' }))
  })

  it('is refused with its text in place when it is empty or gone', async () => {
    const ada = world.open('ada')
    const id = await draftOfAda(' ', ada)
    await expect(ada.sendDraft(id)).rejects.toMatchObject({ code: 'message-empty' })
    ada.dropDraft(id)
    await expect(ada.sendDraft(id)).rejects.toMatchObject({ code: 'target-unknown' })
    await agree(ada)
    expect([sealedTexts(ada), openDrafts(ada)]).toEqual([[], []])
  })
})

describe('edits made offline in a draft that was sent meanwhile', () => {
  it('come back when the device connects, and after a reload in between', async () => {
    const [ada, ben] = [world.open('ada'), world.open('ben')]
    const id = await draftOfAda('shared', ada, ben)
    ben.disconnect()
    type(ben, id, ' before')
    await ben.close()
    const again = world.open('ben', 'laptop', { connect: false })
    await again.ready
    type(again, id, ' after')
    await ada.sendDraft(id, nobody)
    await ada.send('and something else', nobody)
    await agree(ada)
    again.connect()
    await until('they are back', () => openDrafts(ada).join().startsWith('ben'))
    await agree(ada, again)
    expect(openDrafts(ada)).toEqual(['ben:  before after'])
    expect(sealedTexts(again)).toEqual(['shared', 'and something else'])
    await again.close()
    const third = world.open('ben')
    await agree(ada, third)
    expect(openDrafts(third)).toEqual(['ben:  before after'])
  })

  it('do not come back where they were sealed and taken out', async () => {
    const [ada, ben] = [world.open('ada'), world.open('ben')]
    const id = await draftOfAda('', ada, ben)
    type(ben, id, 'secret')
    await agree(ada, ben)
    ben.disconnect()
    await ada.sendDraft(id, nobody)
    await agree(ada)
    await ada.redact(readMessages(ada.doc)[0]!.id)
    await agree(ada)
    ben.connect()
    await agree(ada, ben)
    expect([sealedTexts(ben), openDrafts(ben)]).toEqual([[], []])
  })

  it('of who may no longer write are kept on the device as a refused message', async () => {
    const [ada, ben] = [world.open('ada'), world.open('ben')]
    const id = await draftOfAda('x', ada, ben)
    type(ben, id, 'kept')
    await agree(ada, ben)
    ben.disconnect()
    await world.setRole('ben', 'viewer')
    ada.dropDraft(id)
    await agree(ada)
    ben.connect()
    await until('it is kept', () => ben.view().messages.length === 1)
    expect(ben.view().messages[0]).toMatchObject({ message: { parts: [{ text: 'kept' }] }, delivery: { state: 'refused', code: 'viewer' } })
  })
})

describe('two devices of one person', () => {
  it('bring late letters back once, whichever of them is there', async () => {
    const [ada, laptop, phone] = [world.open('ada'), world.open('ben'), world.open('ben', 'phone')]
    const id = await draftOfAda('base', ada, laptop, phone)
    ada.disconnect()
    type(laptop, id, ' one')
    type(phone, id, ' two')
    await agree(laptop, phone)
    await ada.sendDraft(id, nobody)
    laptop.disconnect()
    await until('the phone sees that the laptop left', () => phone.view().people.length === 1)
    ada.connect()
    await until('they are back', () => openDrafts(ada).join().startsWith('ben'))
    laptop.connect()
    await agree(ada, laptop, phone)
    expect(sealedTexts(ada)).toEqual(['base'])
    const back = openDrafts(ada).join('')
    expect([...back].sort().join('')).toBe([...'ben:  one two'].sort().join(''))
  })

  it('bring back what only one of them knows besides', async () => {
    const [ada, laptop, phone] = [world.open('ada'), world.open('ben'), world.open('ben', 'phone')]
    const id = await draftOfAda('base', ada, laptop, phone)
    ada.disconnect()
    type(laptop, id, ' known')
    await agree(laptop, phone)
    laptop.disconnect()
    type(laptop, id, ' unknown')
    await until('the phone sees that the laptop left', () => phone.view().people.length === 1)
    await ada.sendDraft(id, nobody)
    ada.connect()
    await until('the known ones are back', () => openDrafts(ada).join().startsWith('ben'))
    laptop.connect()
    await until('the others too', () => openDrafts(ada).length > 1)
    await agree(ada, laptop, phone)
    expect(openDrafts(ada)).toEqual(['ben:  known', 'ben:  unknown'])
  })

  it('that are two tabs of one device bring late letters back once', async () => {
    const [ada, first] = [world.open('ada'), world.open('ben')]
    const id = await draftOfAda('base', ada, first)
    ada.disconnect()
    type(first, id, ' late')
    await agree(first)
    const second = world.open('ben')
    await agree(first, second)
    await ada.sendDraft(id, nobody)
    ada.connect()
    await until('they are back', () => openDrafts(ada).join().startsWith('ben'))
    await agree(ada, first, second)
    expect(openDrafts(ada)).toEqual(['ben:  late'])
    for (const tab of [first, second]) await tab.close()
    const again = world.open('ben')
    again.dropDraft((await until('it is there', () => again.view().drafts[0])).id)
    await agree(ada, again)
    expect(openDrafts(ada)).toEqual([])
  })

  it('do not bring back what their person dropped', async () => {
    const [laptop, phone] = [world.open('ada'), world.open('ada', 'phone')]
    const id = await draftOfAda('never mind', laptop, phone)
    phone.dropDraft(id)
    await agree(laptop, phone)
    expect(openDrafts(laptop)).toEqual([])
  })
})

describe('a viewer', () => {
  it('can neither open, send nor drop a draft, and is told before anything is written', async () => {
    await world.setRole('cleo', 'viewer')
    const [ada, cleo] = [world.open('ada'), world.open('cleo')]
    const id = await draftOfAda('hers', ada, cleo)
    expect(() => cleo.openDraft()).toThrow(expect.objectContaining({ code: 'viewer' }))
    expect(() => cleo.dropDraft(id)).toThrow(expect.objectContaining({ code: 'viewer' }))
    await expect(cleo.sendDraft(id)).rejects.toMatchObject({ code: 'viewer' })
    await agree(ada, cleo)
    expect(openDrafts(ada)).toEqual(['ada: hers'])
  })

  it('who types into one all the same changes nothing for others', async () => {
    await world.setRole('cleo', 'viewer')
    const [ada, cleo] = [world.open('ada'), world.open('cleo')]
    const id = await draftOfAda('hers', ada, cleo)
    type(cleo, id, ' and mine')
    await until('it begins anew', () => cleo.view().synced && cleo.draftText(id)?.toString() === 'hers')
    expect(openDrafts(ada)).toEqual(['ada: hers'])
  })
})

it('a send that drops an unknown draft is taken, and one of somebody else\'s drops it', async () => {
  const [ada, ben] = [world.open('ada'), world.open('ben')]
  const id = await draftOfAda('hers', ada, ben)
  const unknown = newRequestId() as string as DraftId
  const send = (drops: DraftId): void =>
    putRequest(ben.doc, newRequestId(), proposeSend({ parts: [{ type: 'text', text: 'said' }], parentId: null, drops, ...nobody }, 1))
  send(unknown)
  await agree(ada, ben)
  expect([sealedTexts(ada), openDrafts(ada)]).toEqual([['said'], ['ada: hers']])
  send(id)
  await until('it is dropped', () => openRoots(ada.doc).drafts.get(id) === undefined)
  await until('its text came back', () => openDrafts(ada).join() === 'ada: hers')
  await agree(ada, ben)
  expect(sealedTexts(ada)).toEqual(['said', 'said'])
})

// --- At random ----------------------------------------------------------------------------------------------------------------------

const ROUNDS = 120
const FILE = 'test/server/shared-drafts.test.ts'

it('loses no letter that anybody typed: people write, send, drop, leave, reload and come back', { timeout: 600_000 }, async () => {
  const seed = runSeed()
  for (let i = 0; i < times(20, 2); i++) {
    await withReplay(seed + i, FILE, async () => {
      await world.converse('ada', 'ben', 'cleo')
      await runAtRandom(seededRandom(seed + i))
    })
  }
})

interface Person {
  name: string
  page: Conversation
  typed: Set<string>
}

/** Every letter is typed once, so that it can be told where it is. */
const runAtRandom = async (random: () => number): Promise<void> => {
  const below = (n: number): number => Math.floor(random() * n)
  const people: Person[] = ['ada', 'ben', 'cleo'].map(name => ({ name, page: world.open(name), typed: new Set() }))
  let letter = 0x4e00
  await Promise.all(people.map(({ page }) => settled(page)))

  const act = async (person: Person): Promise<void> => {
    const { page, typed, name } = person
    const drafts = page.view().drafts.filter(({ head }) => head.kind === 'shared')
    const draft = drafts[below(drafts.length)]
    switch (below(14)) {
      case 0:
        page.openDraft()
        break
      case 1:
        if (draft && textOf(draft.parts) !== '') await page.sendDraft(draft.id, nobody)
        break
      case 2:
        if (!draft || draft.head.authorId !== name) break
        // What its author sees of their own goes by their own wish.
        for (const own of textOf(draft.parts)) typed.delete(own)
        page.dropDraft(draft.id)
        break
      case 3:
        page.disconnect()
        break
      case 4:
      case 5:
        page.connect()
        break
      case 6:
        if (below(3) > 0) break
        await page.close()
        person.page = world.open(name, 'laptop', { connect: below(2) === 0 })
        await person.page.ready
        break
      case 7: {
        const body = draft && text(page, draft.id)
        const mine = body ? [...body.toString()].findIndex(char => typed.has(char)) : -1
        if (!body || mine < 0) break
        typed.delete(body.toString()[mine]!)
        body.delete(mine, 1)
        break
      }
      default:
        if (!draft) break
        for (let i = below(4); i >= 0; i--) {
          const char = String.fromCharCode(letter++)
          typed.add(char)
          text(page, draft.id).insert(below(text(page, draft.id).length + 1), char)
        }
    }
  }

  for (let round = 0; round < ROUNDS; round++) {
    await act(people[below(people.length)]!)
    if (below(4) === 0) await until('a turn passed', () => new Promise<boolean>(resolve => setImmediate(() => resolve(true))))
  }
  for (const { page } of people) page.connect()
  const pages = people.map(({ page }) => page)
  await agree(...pages)
  const kept = new Set([...sealedTexts(pages[0]!), ...readDrafts(pages[0]!.doc).map(({ parts }) => textOf(parts))].join(''))
  for (const { name, typed } of people) expect([...typed].filter(char => !kept.has(char)), `lost letters of ${name}`).toEqual([])
}
