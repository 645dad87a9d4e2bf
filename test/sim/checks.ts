/** What has to hold at the end of a simulation, when everything was delivered and everybody is online. */
import * as Y from 'yjs'
import { openRoots } from '../../shared/conversation/document.ts'
import { readDrafts, readMessages, readRedactions, textOf } from '../../shared/conversation/read.ts'
import type { Message, Request } from '../../shared/conversation/schema.ts'
import { carriesText } from '../../client/sync/own-request.ts'
import type { DocumentName } from '../../shared/ids.ts'
import { FORGED } from './attacker.ts'
import { hasGaps, normal } from './lineages.ts'
import { BOARD, TALK } from './names.ts'
import type { Asked } from './witness.ts'
import type { World } from './world.ts'

const openRuns = ({ data }: World): number => data.log.documents.get(TALK)?.runs.size ?? 0

export const whatIsNotAtRest = (world: World): string | null => {
  const { data, devices, network, server } = world
  if (!server.isAlive) return 'the server is down'
  if (!server.log.isIdle) return 'the disk is busy'
  for (const device of devices) if (device.unrest) return device.unrest
  if (network.links.some(({ inFlight }) => inFlight > 0)) return 'frames are under way'
  if (data.directory.owesErasure) return 'what was deleted is to be erased still'
  return openRuns(world) > 0 ? `${openRuns(world)} runs are open` : null
}

export const checkEnd = async (world: World): Promise<void> => {
  for (const name of [TALK, BOARD]) {
    const isDeleted = world.data.isDeleted(name)
    const live = isDeleted ? new Uint8Array([0, 0]) : await liveState(world, name)
    if (!isDeleted) checkReplicas(world, name, live)
    if (world.weather.lies) continue
    const epoch = world.epochOf(name)
    for (const wrong of world.witness.lineages.check(name, epoch, live)) world.witness.violation(wrong)
  }
  if (world.weather.lies) return
  if (world.data.isDeleted(TALK)) checkDeleted(world)
  else checkConversation(world)
  checkRefused(world)
}

/** Nothing of it is left anywhere, but what people wrote in vain. */
const checkDeleted = ({ data, devices, witness }: World): void => {
  if (data.log.documents.has(TALK)) witness.violation('The conversation was deleted, and stands in the log.')
  for (const device of devices) {
    for (const talk of device.replicas(TALK)) {
      if (!talk || device.refused === null) continue // A stock page goes on to show what it held.
      const { messages, drafts } = openRoots(talk)
      if (messages.length > 0 || drafts.size > 0) witness.violation(`${device.label} still holds what was deleted.`)
    }
  }
}

/** What somebody wrote and the server did not take is shown where it was written, with its text. */
const checkRefused = ({ devices, witness }: World): void => {
  for (const { label, own, person, refused } of devices) {
    for (const id of refused ? own : []) {
      const key = `${person.principal.id} ${id}`
      const asked = witness.asked.get(key)
      if (!asked?.certain || !carriesText(asked.request) || witness.accepted.has(key)) continue
      const mark = markOf(asked.request)
      if (!refused?.get(id)?.includes(mark ?? '')) witness.violation(`${label} does not show ${id} (${mark}), which was never accepted.`)
    }
  }
}

/** What the server's room holds; read as an API does. */
const liveState = async ({ server, clock }: World, name: DocumentName): Promise<Uint8Array> => {
  let state: Uint8Array | null = null
  const reading = server.rooms.use(name, room => room.read(doc => Y.encodeStateAsUpdate(doc))).then(read => { state = read })
  while (!state) await clock.advance(100)
  await reading
  return state
}

const checkReplicas = ({ devices, data, witness }: World, name: DocumentName, live: Uint8Array): void => {
  const expected = normal(live)
  if (hasGaps(expected.doc)) witness.violation(`The live ${name} has gaps.`)
  const stored = normal(...data.log.documents.get(name)?.updates ?? [])
  if (stored.bytes !== expected.bytes) witness.violation(`A fresh load of ${name} differs from the live document.`)
  for (const [label, doc] of devices.flatMap(device => device.replicas(name).map(copy => [device.label, copy] as const))) {
    if (!doc) {
      witness.violation(`${label} has not opened ${name}.`)
      continue
    }
    const own = normal(Y.encodeStateAsUpdate(doc))
    if (hasGaps(doc)) witness.violation(`${label} has pending structs of ${name}.`)
    if (own.bytes !== expected.bytes) witness.violation(`${label} holds another ${name} than the server.`)
    if (Buffer.compare(Y.encodeStateVector(doc), Y.encodeStateVector(expected.doc)) !== 0) {
      witness.violation(`${label} has another state vector of ${name} than the server.`)
    }
  }
}

const checkConversation = (world: World): void => {
  const { data, witness } = world
  const stored = data.log.documents.get(TALK)
  const { doc, bytes } = normal(...stored?.updates ?? [])
  if (openRoots(doc).requests.size > 0) witness.violation('Requests stand in the outbox of the document.')
  const sealed = new Map(readMessages(doc).map(message => [message.id as string, message]))
  const redacted = readRedactions(doc)
  const { lostMessages } = witness.lineages
  for (const [id, seen] of witness.messages) {
    if (lostMessages.has(id)) continue
    const now = sealed.get(id)
    if (!now && !redacted.has(id)) witness.violation(`Message ${id} was seen and is lost.`)
    if (now && JSON.stringify(now) !== JSON.stringify(seen)) witness.violation(`Message ${id} is another than was seen.`)
    const mark = markOf(seen)
    if (!now && mark && bytes.includes(latin1(mark))) witness.violation(`Message ${id} was redacted and its text is still there.`)
  }
  for (const [id, text] of witness.drafts) {
    if (lostMessages.has(id)) continue
    const reply = sealed.get(id)
    const says = reply ? textOf(reply.parts) : text
    // A redaction ends replies in progress without their words.
    const endedByRedaction = redacted.size > 0 && reply?.metadata.status === 'cancelled' && says === ''
    if (!endedByRedaction && !says.startsWith(text.trimEnd())) witness.violation(`Of reply ${id} was seen "${text}", and it says "${says}".`)
    if (!reply && !redacted.has(id)) witness.violation(`Reply ${id} was seen in the making and is lost.`)
  }
  checkTyped(world, doc)
  if (bytes.includes(latin1(FORGED))) witness.violation('Something forged stands in the document.')
  for (const asked of witness.asked.values()) {
    checkOutcome(world, asked, bytes, id => sealed.has(id) || redacted.has(id), id => sealed.get(id))
  }
}

/** What was typed into a draft that somebody else sent meanwhile was sent with it, is a draft again, or stands in a refused message. */
const checkTyped = ({ devices, witness }: World, doc: Y.Doc): void => {
  const said = [...readMessages(doc), ...readDrafts(doc)].map(({ parts }) => textOf(parts)).join('\n')
  // A message that was taken out brings nothing back.
  const redacted = readRedactions(doc)
  const sentAndTakenOut = new Set([...redacted.values()].map(({ draftId }) => draftId as string | undefined))
  const takenOut = [...witness.messages.values()].filter(({ id }) => redacted.has(id)).map(({ parts }) => textOf(parts)).join('\n')
  for (const [label, typed] of witness.typed) {
    const refused = [...devices.find(device => device.label === label)?.refused?.values() ?? []].join('\n')
    for (const { letter, key } of typed) {
      if ([said, refused, takenOut].some(text => text.includes(letter)) || witness.dropped.has(key) || sentAndTakenOut.has(key.split(' ')[1])) continue
      witness.violation(`${label} typed ${JSON.stringify(letter)} into a draft, and it is lost.`)
    }
  }
}

const checkOutcome = (
  { data, witness, devices }: World, { id, by, request, certain }: Asked, bytes: string,
  isMessage: (id: string) => boolean, said: (id: string) => Message | undefined,
): void => {
  const wasLost = witness.lineages.lostRequests.has(id)
  const entry = data.log.documents.get(TALK)?.ledger.get(id)
  const told = witness.told.filter(each => each.id === id && each.to === by).map(({ outcome }) => JSON.stringify(outcome))
  if (new Set(told).size > 1 && !wasLost) witness.violation(`Request ${id} got several outcomes: ${[...new Set(told)].join(' ')}`)
  if (!entry) {
    const isShown = devices.some(({ person, refused }) => person.principal.id === by && refused?.has(id))
    // Only what a person wrote is kept with its refusal for longer than its page lives.
    const isLeftToPerson = isShown || (!carriesText(request) && (witness.leftToPerson.has(`${by} ${id}`) || witness.deletions > 0))
    const isForgotten = wasLost && (told.length > 0 || witness.messages.has(id) || request.type !== 'send')
    if (certain && !isLeftToPerson && !isForgotten) witness.violation(`Request ${id} (${request.type} by ${by}) has no outcome.`)
    if (wasLost) return
    if (told.length > 0) witness.violation(`Request ${id} was answered with ${told[0]}, and the ledger does not know it.`)
    if (isMessage(id)) witness.violation(`Message ${id} is there, and the ledger does not know it.`)
    return
  }
  if (entry.principal !== by) {
    const other = told.find(outcome => !outcome.includes('id-conflict'))
    if (other && !wasLost) witness.violation(`Request ${id} is another person's, and ${by} was told ${other}.`)
    return
  }
  const noted = JSON.stringify(entry.outcome)
  const other = told.find(outcome => outcome !== noted)
  if (other && !wasLost) witness.violation(`Request ${id} was answered with ${other}, and not with ${noted}.`)
  if (request.type === 'send' && isMessage(id) !== (entry.outcome.status === 'accepted')) {
    witness.violation(`Message ${id} is ${isMessage(id) ? '' : 'not '}there, and its request was ${entry.outcome.status}.`)
  }
  const message = said(id)
  if (certain && request.type === 'send' && message && JSON.stringify(message.parts) !== JSON.stringify(request.message.parts)) {
    witness.violation(`Message ${id} says something else than its sender did.`)
  }
  const mark = markOf(request)
  if (entry.outcome.status === 'refused' && mark && bytes.includes(latin1(mark))) {
    witness.violation(`Request ${id} was refused, and ${mark} is there.`)
  }
}

/** The text that stands nowhere else; null: what was said stood in a shared draft, too. */
const markOf = (said: Request | Message): string | null => {
  const isFromDraft = 'metadata' in said ? said.metadata.draftId !== undefined : said.type === 'send' && said.drops !== undefined
  return isFromDraft ? null : /«\d+»/.exec(JSON.stringify(said))?.[0] ?? null
}

/** As it stands in bytes. */
const latin1 = (text: string): string => Buffer.from(text).toString('latin1')
