/** The cached list of conversations. */
import 'fake-indexeddb/auto'
import { describe, expect, it } from 'vitest'
import type { DeviceStore } from './indexeddb.ts'
import { listCache } from './list-cache.ts'
import { deviceForEachTest } from '../../../test/rig/device-of-test.ts'

const { tab } = deviceForEachTest()

describe('the cached list', () => {
  const cache = (device: DeviceStore) => listCache(device.lists, 'conversations', value => typeof value === 'string' ? value : null)

  it('is read back, without what this version does not understand', async () => {
    const device = tab()
    expect(await cache(device).read()).toBe(null)
    await cache(device).write(['a', 'b'])
    expect(await cache(tab()).read()).toEqual(['a', 'b'])
    await device.lists.put('conversations', ['a', 7])
    expect(await cache(device).read()).toEqual(['a'])
  })

  it('is no reason to fail', async () => {
    const broken = { get: async () => { throw new Error('gone') }, put: async () => { throw new Error('gone') } }
    const list = listCache<string>(broken, 'conversations', () => null)
    await list.write(['a'])
    expect(await list.read()).toBe(null)
  })
})
