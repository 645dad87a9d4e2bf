/** What happens in a simulation, chosen by its seed: what people do, and what befalls devices, network, disk and server. */
import * as Y from 'yjs'
import { openRoots } from '../../shared/conversation/document.ts'
import type { DraftMap, DraftPart } from '../../shared/conversation/document.ts'
import { isFinished, readDrafts, readMessages, readRuns } from '../../shared/conversation/read.ts'
import type { DraftHead, Message } from '../../shared/conversation/schema.ts'
import { proposeReact, proposeRedact, proposeRegenerate, proposeSetMeta, proposeStop } from '../../shared/conversation/write.ts'
import { createUuidV7 } from '../../shared/ids.ts'
import type { AgentId, DraftId, MessageId, RequestId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { forgetful, talker } from './agent.ts'
import type { Device } from './device.ts'
import { BOARD, TALK } from './names.ts'
import { ada } from './people.ts'
import type { World } from './world.ts'

type Act = (world: World, device: Device) => void

/** Each with how often it happens. */
export const acts: readonly (readonly [number, Act])[] = [
  [14, (world, device) => say(world, device)],
  [6, (world, device) => chain(world, device)],
  [3, (world, device) => say(world, device, { to: [world.chance.pick([talker, forgetful])] })],
  [2, (world, device) => device.send({ text: ' ', to: [] })],
  [1, (world, device) => device.send({ text: world.text().padEnd(limits.messageBytes + 1, '.'), to: [] })],
  [2, (world, device) => say(world, device, { parentId: world.newId() as MessageId })],
  [2, (world, device) => onMessage(world, device, message => say(world, device, { replaces: message }))],
  [3, (world, device) => onMessage(world, device, ({ id }) => device.ask(proposeRedact(id, world.clock.now())))],
  [3, (world, device) => onMessage(world, device, ({ id }) => react(world, device, id))],
  [2, (world, device) => onMessage(world, device, ({ id }) => device.ask(proposeRegenerate(id, world.clock.now(), talker)))],
  [2, (world, device) => device.ask(proposeSetMeta('title', world.text(), world.clock.now()))],
  [2, (world, device) => stop(world, device)],
  [3, (world, device) => again(world, device)],
  [1, (_world, device) => device.takeBack()],
  [10, (world, device) => draft(world, device)],
  [3, (world, device) => sayDraft(world, device)],
  [3, (world, device) => typeLate(world, device)],
  [8, (world, device) => board(world, device)],
  [5, (world, device) => away(world, device)],
  [4, (_world, device) => device.line.cut()],
  [2, (_world, device) => device.line.cutSilently()],
  [4, (_world, device) => device.reload()],
  [2, (_world, device) => device.vanish()],
  [2, world => world.crash()],
  [3, world => world.lightFuse(world.chance.between(0, 30))],
  [1, world => world.restart()],
  [2, world => world.loseRoom()],
  [1, world => world.backUp()],
  [1, world => world.restore()],
  [1, world => { if (world.chance.of(0.25)) world.remove() }],
  [3, (world, device) => changeRole(world, device)],
  [8, (_world, device) => device.disturbTabs()],
  [2, (world, device) => sayIntoLoss(world, device)],
  [3, world => world.readByApi()],
  [5, world => writeBesidePeople(world)],
  [3, world => world.attacker.strike()]
]

interface Saying {
  to?: AgentId[]
  parentId?: MessageId
  replaces?: Message
}

const say = (world: World, device: Device, { to = [], ...rest }: Saying = {}): void =>
  device.send({ text: world.text(), to, ...rest })

/** Several messages in a row, each upon the one before. */
const chain = (world: World, device: Device): void => {
  if (world.chance.of(0.3)) device.send({ text: '', to: [] })
  for (let i = world.chance.between(2, 4); i > 0; i--) say(world, device)
}

const onMessage = (world: World, device: Device, act: (message: Message) => void): void => {
  const message = device.talk && world.chance.maybe(readMessages(device.talk).slice(-6))
  if (message) act(message)
}

const react = ({ chance, clock }: World, device: Device, id: MessageId): void =>
  device.ask(proposeReact(id, chance.pick(['up', 'down']), chance.of(0.8), clock.now()))

const stop = (world: World, device: Device): void => {
  const run = device.talk && readRuns(device.talk).find(each => !isFinished(each))
  if (run) device.ask(proposeStop(run.id, world.clock.now()))
}

/** The same request again, from another device of the same person; now and then somebody else uses its id. */
const again = (world: World, device: Device): void => {
  const entry = device.talk && world.chance.maybe([...openRoots(device.talk).requests])
  if (!entry) return
  const others = world.devices.filter(other => other !== device && other.mayWrite(TALK))
  const own = others.filter(({ person }) => person === device.person)
  const other = world.chance.maybe(world.chance.of(0.8) ? own : others)
  if (!other) return
  const [id, request] = [entry[0] as RequestId, entry[1]]
  const by = other.person.principal.id
  // Whether it comes from here is not certain: the map keeps one of two values. Who takes theirs back may take away both.
  if (!world.witness.asked.has(`${by} ${id}`)) world.witness.ask(id, request, by).certain = false
  if (other.person !== device.person) for (const asked of world.witness.asked.values()) if (asked.id === id) asked.certain = false
  other.repeat(id, request)
}

/** Opens a shared draft, or edits or drops one. */
const draft = (world: World, device: Device): void => {
  const { talk, person } = device
  if (!talk || !device.mayWrite(TALK)) return
  const { chance } = world
  const { drafts } = openRoots(talk)
  const shared = [...drafts].filter(([, map]) => (map.get('head') as { kind?: string } | undefined)?.kind === 'shared' && !isMarked(map))
  const found = chance.of(0.8) ? chance.maybe(shared) : undefined
  // No marks: what is brought back are letters of it, which may happen to be those of another text.
  const text = world.text().replaceAll(/[«»]/g, '|')
  if (!found) return openDraft(talk, createUuidV7(world.clock.now, chance.fill)() as DraftId, person.principal.id, text)
  const [id, map] = found
  const head = map.get('head') as { authorId: string }
  if (head.authorId === person.principal.id && chance.of(0.1)) {
    // With what other devices of its author typed meanwhile.
    world.witness.dropped.add(`${head.authorId} ${id}`)
    return void drafts.delete(id)
  }
  const parts = map.get('parts')
  const part = parts instanceof Y.Array ? chance.maybe(parts.toArray()) : undefined
  const body = part?.get('text')
  if (body instanceof Y.Text) editText(world, body)
}

/** Send by value: others may be typing in it still. */
const sayDraft = ({ chance }: World, device: Device): void => {
  const shared = device.talk ? readDrafts(device.talk).filter(({ head }) => head.kind === 'shared') : []
  const found = chance.maybe(shared)
  if (found && device.mayWrite(TALK)) device.sendDraft(found.id)
}

/** Nobody deletes letters from a draft in which one of {@link World.letter} stands. */
const isMarked = (draft: DraftMap): boolean => /[\uE000-\uF8FF]/.test(JSON.stringify(draft.toJSON()))

/** One types into a draft that another one is about to send. */
const typeLate = (world: World, device: Device): void => {
  const { talk, person, label, bringsBack } = device
  const draft = talk && world.chance.maybe(readDrafts(talk).filter(({ head }) => head.kind === 'shared'))
  if (!draft || !device.mayWrite(TALK) || !bringsBack) return
  const parts = openRoots(talk).drafts.get(draft.id)?.get('parts')
  const text = parts instanceof Y.Array ? parts.get(0)?.get('text') : undefined
  const other = world.chance.maybe(world.devices.filter(each => each.label !== label && each.mayWrite(TALK)))
  if (!(text instanceof Y.Text) || !other) return
  const letter = world.letter()
  const typed = { letter, key: `${person.principal.id} ${draft.id}` }
  world.witness.typed.set(label, [...world.witness.typed.get(label) ?? [], typed])
  world.clock.after(world.chance.between(0, 200), () => other.sendDraft(draft.id))
  text.insert(text.length, letter)
}

/** An editor becomes a viewer, or a viewer an editor. Who is connected goes on in the old role until they connect again. */
const changeRole = ({ chance, clock, data }: World, { person, line }: Device): void => {
  if (person === ada) return
  for (const name of chance.pick([[TALK], [BOARD], [TALK, BOARD]])) {
    data.setRole(name, person, data.roleOf(name, person) === 'viewer' ? 'editor' : 'viewer')
  }
  if (chance.of(0.7)) clock.after(chance.between(0, 2000), () => line.cut())
}

/** What the message becomes nobody knows for a while: the backup is put in place before, or after, the server has taken it. */
const sayIntoLoss = (world: World, device: Device): void => {
  say(world, device)
  world.clock.after(world.chance.between(0, 300), () => world.restore())
}

const openDraft = (doc: Y.Doc, id: DraftId, authorId: string, text: string): void => doc.transact(() => {
  const part: DraftPart = new Y.Map<string | Y.Text>([['type', 'text'], ['text', new Y.Text(text)]])
  const head: DraftHead = { kind: 'shared', authorId, parentId: null, createdAt: 1 }
  openRoots(doc).drafts.set(id, new Y.Map<DraftHead | Y.Array<DraftPart>>([['head', head], ['parts', Y.Array.from([part])]]))
})

const board = (world: World, device: Device): void => {
  const doc = device.board
  if (!doc || !device.mayWrite(BOARD)) return
  const { chance } = world
  if (chance.of(0.8)) return editText(world, doc.getText('body'))
  const place = chance.of(0.5) ? new Y.Map([['x', chance.between(0, 9)]]) : chance.between(0, 9)
  doc.getMap('places').set(String(chance.between(0, 3)), place)
}

/** Types a few letters, or deletes some. */
const editText = ({ chance }: World, text: Y.Text): void => {
  const at = chance.between(0, text.length)
  if (chance.of(0.3) && text.length > at) return text.delete(at, chance.between(1, Math.min(5, text.length - at)))
  for (let i = chance.between(1, 3); i > 0; i--) text.insert(Math.min(at, text.length), chance.pick(['a', 'bc', 'def ', '😀']))
}

/** The server writes into a shared draft by index, as an agent that edits beside people would. */
const writeBesidePeople = ({ server, witness, chance }: World): void => {
  if (!server.isAlive) return
  server.rooms.use(TALK, room => room.write('agent:editor', ({ doc }) => {
    const texts = [...openRoots(doc).drafts.values()].flatMap(map => {
      const parts = (map.get('head') as { kind?: string } | undefined)?.kind === 'shared' && !isMarked(map) ? map.get('parts') : null
      return parts instanceof Y.Array ? parts.map(part => part.get('text')).filter(each => each instanceof Y.Text) : []
    })
    const text = chance.maybe(texts)
    for (let i = chance.between(1, 3); text && i > 0; i--) {
      const before = text.toString()
      const at = chance.between(0, before.length)
      if (/^[\uDC00-\uDFFF]/.test(before.slice(at))) continue
      text.insert(at, 'S')
      const expected = `${before.slice(0, at)}S${before.slice(at)}`
      if (text.toString() !== expected) witness.violation('What the server wrote by index stands elsewhere.')
    }
  })).catch(() => null)
}

const away = ({ clock, chance }: World, { line }: Device): void => {
  line.goOffline()
  clock.after(chance.between(100, 12_000), () => line.goOnline())
}
