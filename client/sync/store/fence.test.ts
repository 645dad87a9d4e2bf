/** An owner that was frozen before it wrote, and goes on after another tab has taken over and gone on. */
import 'fake-indexeddb/auto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { openDeviceStore } from './indexeddb.ts'
import type { DeviceStore } from './indexeddb.ts'
import type { DocumentStore } from '../port.ts'
import type { OutboxEntry } from '../view.ts'
import { proposeSend } from '../../../shared/conversation/write.ts'
import { conversationName } from '../../../shared/ids.ts'
import type { RequestId } from '../../../shared/ids.ts'
import { until } from '../../../test/rig/until.ts'

const name = conversationName('c1')!
let users = 0
let devices: DeviceStore[]
let lost: string[]
/** Two tabs of one person, each with a connection to the databases of its own. */
let frozen: DocumentStore
let next: DocumentStore

const claimed = async (who: string, document = name): Promise<DocumentStore> => {
  const device = openDeviceStore({ userId: `fence-${users}` })
  devices.push(device)
  const store = device.document(document)
  store.claim!(() => lost.push(who))
  await store.load()
  return store
}
const update = (text: string): Uint8Array => {
  const doc = new Y.Doc()
  doc.getText('body').insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}
const textIn = (updates: Uint8Array[]): string => {
  const doc = new Y.Doc()
  for (const each of updates) Y.applyUpdate(doc, each)
  return doc.getText('body').toString()
}
const entry = (id: string): OutboxEntry => ({
  id: id as RequestId, request: proposeSend({ parts: [{ type: 'text', text: id }], parentId: null }, 1), stored: true, refusal: null
})
/** What the device holds, as a page that is opened later reads it. */
const onDisk = async () => {
  const device = openDeviceStore({ userId: `fence-${users}` })
  const store = device.document(name)
  const { updates, epoch, outbox } = await store.load()
  await store.close()
  await device.close()
  return { text: textIn(updates), epoch, outbox: outbox.map(({ id }) => id as string) }
}

beforeEach(async () => {
  devices = []
  lost = []
  users++
  frozen = await claimed('frozen')
})

afterEach(async () => {
  await Promise.all(devices.map(device => device.close()))
})

describe('what an owner of the past writes late', () => {
  it('of another lineage is not mixed with what the next one has stored', async () => {
    next = await claimed('next')
    await Promise.all([next.append(update('new')), next.setEpoch('epoch-2', 'owner')])
    const done: string[] = []
    void frozen.append(update('old')).then(() => done.push('append'))
    void frozen.setEpoch('epoch-1', 'owner').then(() => done.push('epoch'))
    await until('it hears of it', () => lost.length > 0)
    await frozen.close()
    expect(await onDisk()).toEqual({ text: 'new', epoch: 'epoch-2', outbox: [] })
    // Nobody is told that it was stored, so the tab hands it to the next owner.
    expect(done).toEqual([])
    expect(new Set(lost)).toEqual(new Set(['frozen']))
  })

  it('does not bring back a request that was discarded since, nor take one that was made since', async () => {
    await frozen.putOutbox(entry('kept'))
    next = await claimed('next')
    await next.putOutbox(entry('made'))
    await next.deleteOutbox('discarded')
    const done: string[] = []
    void frozen.putOutbox(entry('discarded')).then(() => done.push('put'))
    void frozen.deleteOutbox('made').then(() => done.push('delete'))
    await until('it hears of it', () => lost.length > 0)
    expect((await onDisk()).outbox.sort()).toEqual(['kept', 'made'])
    expect(done).toEqual([])
  })

  it('does not hold up what the same page writes of other documents', async () => {
    next = await claimed('next')
    const other = devices[0]!.document(conversationName('c2')!)
    other.claim!(() => lost.push('other'))
    await other.load()
    void frozen.putOutbox(entry('late'))
    await other.putOutbox(entry('in time'))
    expect((await other.load()).outbox.map(({ id }) => id)).toEqual(['in time'])
    expect(lost).toEqual(['frozen'])
    await other.close()
  })

  it('does not begin a generation that takes the place of the next one\'s, nor does it write into that of the next one', async () => {
    next = await claimed('next')
    await next.append(update('new'))
    await frozen.rebuild(null, false)
    void frozen.append(update('old'))
    await frozen.close()
    await next.rebuild('epoch-2', false)
    await next.load()
    await next.append(update('newer'))
    expect((await onDisk()).text).toBe('newer')
    expect(lost).toContain('frozen')
    expect(lost).not.toContain('next')
  })

  it('is written where nobody claimed the document since, through new beginnings too', async () => {
    await Promise.all([frozen.append(update('mine')), frozen.setEpoch('epoch-1', 'owner'), frozen.putOutbox(entry('mine'))])
    await frozen.rebuild('epoch-2', false)
    await frozen.load()
    await frozen.append(update('next'))
    expect((await onDisk()).text).toBe('next')
    next = await claimed('next')
    await next.append(update('after '))
    void frozen.append(update('late'))
    await until('it hears of it', () => lost.length > 0)
    expect([...(await onDisk()).text].sort()).toEqual([...'nextafter '].sort())
  })
})

it('does not write into a generation that the next owner has begun and not claimed yet', async () => {
  await Promise.all([frozen.append(update('held')), frozen.setEpoch('epoch-1', 'owner')])
  await frozen.close()
  const real = indexedDB.open
  indexedDB.open = function (database, version) {
    if (database.includes(name)) throw new DOMException('not here', 'SecurityError')
    return real.call(this, database, version)
  }
  const barred = await claimed('barred').finally(() => Object.assign(indexedDB, { open: real }))
  next = await claimed('next')
  await next.rebuild('epoch-2', true)
  void barred.append(update('late'))
  await until('it hears of it', () => lost.includes('barred'))
  await barred.close()
  expect((await next.load()).updates).toEqual([])
})
