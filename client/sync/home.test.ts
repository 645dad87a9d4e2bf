/** The home document on real devices and a real server: every device of a person, offline too, and nobody else. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { limits } from '../../shared/limits.ts'
import { homeName } from '../../shared/ids.ts'
import type { UserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import { createNoIdentity } from '../../server/identity/none.ts'
import { newRequestId } from '../../test/rig/conversation.ts'
import { startInProcess } from '../../test/rig/in-process.ts'
import type { InProcessServer } from '../../test/rig/in-process.ts'
import { Peer } from '../../test/rig/peer.ts'
import { RevocableIdentity } from '../../test/rig/revocable-identity.ts'
import { until } from '../../test/rig/until.ts'
import { Home } from './home.ts'
import { memoryStore } from './store/memory.ts'
import { openDocument } from './synced-document.ts'

let server: InProcessServer
const closers: (() => Promise<void>)[] = []

beforeEach(async () => {
  server = await startInProcess({ identity })
})
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
  await server.close()
})

/** Everybody is the one person that there is, who was a guest before. */
const local: Principal = { kind: 'user', id: 'local' as UserId, name: 'Local', aliases: ['guest-1' as UserId] }
const identity = { ...createNoIdentity(), authenticate: async () => local }

/** One of their devices. */
const device = (names = ['local']) => {
  const documents = names.map(name => openDocument({ name: homeName(name), url: server.syncUrl, store: memoryStore() }))
  const home = new Home([documents[0]!, ...documents.slice(1)], newRequestId)
  closers.push(() => home.close())
  const prompts = () => home.view().prompts.map(({ name, text }) => `${name}: ${text}`)
  return { home, documents, prompts }
}
const loaded = ({ home }: ReturnType<typeof device>) => until('it is loaded', () => home.view().loaded)

describe('prompts that a person keeps', () => {
  it('stand on every device, by name, as they were changed last, also offline', async () => {
    const [laptop, phone] = [device(), device()]
    await Promise.all([loaded(laptop), loaded(phone)])
    const id = laptop.home.keepPrompt({ name: ' Pirate ', text: 'Speak like a pirate.\n' })
    laptop.home.keepPrompt({ name: 'Editor', text: 'Mend my words.' })
    await until('the phone has them', () => phone.prompts().length === 2)
    expect(phone.prompts()).toEqual(['Editor: Mend my words.', 'Pirate: Speak like a pirate.'])

    for (const document of phone.documents) document.disconnect()
    phone.home.keepPrompt({ id, name: 'Captain', text: 'Speak like a captain.' })
    phone.home.removePrompt(phone.home.view().prompts.find(({ name }) => name === 'Editor')!.id)
    expect([phone.prompts(), phone.home.view().hasUnsaved]).toEqual([['Captain: Speak like a captain.'], true])
    expect(laptop.prompts()).toHaveLength(2)
    for (const document of phone.documents) document.connect()
    await until('the laptop has it', () => laptop.prompts().length === 1)
    expect(laptop.prompts()).toEqual(['Captain: Speak like a captain.'])
    await until('it is saved', () => !phone.home.view().hasUnsaved)
  })

  it('of the guest that somebody was stand among their own, and are changed where they are', async () => {
    const before = device(['guest-1'])
    await loaded(before)
    const id = before.home.keepPrompt({ name: 'From before', text: 'x' })
    const now = device(['local', 'guest-1'])
    await loaded(now)
    await until('it came along', () => now.prompts().length === 1)
    now.home.keepPrompt({ name: 'New', text: 'y' })
    now.home.keepPrompt({ id, name: 'Changed', text: 'z' })
    await until('it is changed there', () => before.prompts().includes('Changed: z'))
    expect([now.prompts(), before.prompts()]).toEqual([['Changed: z', 'New: y'], ['Changed: z']])
  })

  it('have a name and a text, neither too long, and are not without number', async () => {
    const { home, prompts } = device()
    const good = { name: 'n', text: 't' }
    for (const bad of [{ name: ' ' }, { text: '\n' }, { name: 'n'.repeat(limits.promptNameLength + 1) }, { text: 't'.repeat(limits.systemPromptLength + 1) }]) {
      expect(() => home.keepPrompt({ ...good, ...bad })).toThrow(/nothing was changed/)
    }
    expect(prompts()).toEqual([])
    home.keepPrompt({ name: 'n'.repeat(limits.promptNameLength), text: 't'.repeat(limits.systemPromptLength) })
    for (let n = 1; n < limits.promptsPerPerson; n++) home.keepPrompt(good)
    expect(() => home.keepPrompt(good)).toThrow(/delete one first/)
    home.keepPrompt({ ...good, id: home.view().prompts[0]!.id, name: 'changed' })
    expect(prompts()).toHaveLength(limits.promptsPerPerson)
  })

  it('that another program wrote in another form are left out', async () => {
    const { home, documents, prompts } = device()
    const map = documents[0]!.doc.getMap('prompts')
    for (const [i, value] of [null, 'text', 7, { name: 'n' }, { name: 1, text: 't' }, { name: 'n', text: 'x'.repeat(limits.systemPromptLength + 1) }].entries()) map.set(`${i}`, value)
    expect(prompts()).toEqual([])
    home.keepPrompt({ name: 'Good', text: 'x' })
    expect(prompts()).toEqual(['Good: x'])
  })
})

it('nobody else opens a person\'s home', async () => {
  const guarded = await startInProcess({ identity: new RevocableIdentity() })
  closers.push(() => guarded.close())
  const own = await Peer.join(guarded.syncUrl, homeName('ada'), { cookie: 'person=ada.laptop' })
  own.doc.getMap('prompts').set('p', { name: 'Mine', text: 'secret' })
  await own.allSaved()
  const other = await Peer.open(guarded.syncUrl, homeName('ada'), { cookie: 'person=bob.laptop' })
  await until('bob is turned away', () => other.closedBy !== null)
  expect([other.closedBy!.code, other.doc.getMap('prompts').size]).toEqual([4404, 0])
  own.close()
})
