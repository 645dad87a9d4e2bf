/** A document begins a new generation on its device. */
import 'fake-indexeddb/auto'
import { openDB } from 'idb'
import { describe, expect, it } from 'vitest'
import { deviceForEachTest, entry, textOf, write } from '../../../test/rig/device-of-test.ts'
import { until } from '../../../test/rig/until.ts'

const { generations, open, tab } = deviceForEachTest()

describe('a new generation', () => {
  it('is empty, keeps the outbox, and the old one is removed', async () => {
    const first = open(tab())
    await first.load()
    await Promise.all([first.append(write('old')), first.setEpoch('e1', 'owner'), first.putOutbox(entry(1))])
    const [old] = await generations()
    await first.rebuild('e2', false)
    expect(await first.load()).toMatchObject({ updates: [], epoch: null, role: null, outbox: [entry(1)] })
    await first.append(write('new'))
    await until('the old database is gone', async () => !(await generations()).includes(old!))
    await first.close()
    expect(textOf((await open(tab()).load()).updates)).toBe('new')
  })

  it('leaves the old one where it holds what the server never got', async () => {
    const first = open(tab())
    await first.load()
    await first.append(write('unsent'))
    const [old] = await generations()
    await first.rebuild('e2', true)
    await first.load()
    await first.close()
    await open(tab()).load()
    const kept = await openDB(old!)
    expect(textOf(await kept.getAll('updates') as Uint8Array[])).toBe('unsent')
    kept.close()
  })

  it('is the one that another tab has begun for the same epoch', async () => {
    const tabs = [open(tab()), open(tab())]
    for (const store of tabs) {
      await store.load()
      await store.setEpoch('e1', 'owner')
    }
    await tabs[0]!.rebuild('e2', false)
    await tabs[0]!.load()
    await tabs[0]!.append(write('new'))
    await tabs[1]!.append(write('stale'))
    await tabs[1]!.rebuild('e2', false)
    expect(textOf((await tabs[1]!.load()).updates)).toBe('new')
  })

  it('does not stop another tab from writing into the old one, nor mix with it', async () => {
    const tabs = [open(tab()), open(tab())]
    await Promise.all(tabs.map(store => store.load()))
    await tabs[0]!.rebuild('e2', false)
    await tabs[0]!.load()
    await tabs[1]!.append(write('stale'))
    await tabs[1]!.setEpoch('e1', 'owner')
    expect((await tabs[0]!.load()).updates).toEqual([])
    await Promise.all([tabs[0]!.setEpoch('e2', 'owner'), tabs[0]!.append(write('new'))])
    expect((await open(tab()).load()).epoch).toBe('e2')
    await tabs[1]!.rebuild('e2', false)
    expect(textOf((await tabs[1]!.load()).updates)).toBe('new')
  })
})
