/** Where an SDK device keeps a document: writes complete later and in order, and a killed page loses what was not written yet. */
import type { DocumentStore } from '../../client/sync/port.ts'
import { memoryStore } from '../../client/sync/store/memory.ts'
import type { OutboxEntry } from '../../client/sync/view.ts'
import type { RequestId } from '../../shared/ids.ts'
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'

/** What outlives a page. */
export class DeviceDisk {
  readonly platter = memoryStore()
  /** Requests that were ever written to it. */
  readonly requests = new Set<RequestId>()
}

export interface DeviceStore extends DocumentStore {
  /** The page is gone; of the writes that wait, a few more are done or none. */
  kill(): void
}

/** @param noted told of every request that the page keeps, before it is written */
export const openDeviceStore = (
  { platter, requests }: DeviceDisk, clock: Clock, chance: Chance, noted: (entry: OutboxEntry) => void,
): DeviceStore => {
  let dead = false
  let writing = false
  const queue: { perform: () => Promise<void>, resolve: () => void }[] = []

  const drain = (): void => {
    writing = true
    clock.after(chance.delay(10, 300), () => {
      if (dead) return
      const group = queue.splice(0)
      for (const { perform, resolve } of group) void perform().then(resolve)
      writing = false
      if (queue.length > 0) drain()
    })
  }
  const write = (perform: () => Promise<void>): Promise<void> => new Promise(resolve => {
    if (dead) return
    queue.push({ perform, resolve })
    if (!writing) drain()
  })

  return {
    ...platter,
    load: async () => {
      await clock.wait(chance.delay(10, 100))
      return platter.load()
    },
    append: (...args) => write(() => platter.append(...args)),
    markSaved: () => write(async () => platter.markSaved?.()),
    setEpoch: (epoch, role) => write(() => platter.setEpoch(epoch, role)),
    putOutbox: entry => {
      if (!dead) noted(entry)
      return write(() => {
        requests.add(entry.id)
        return platter.putOutbox(entry)
      })
    },
    deleteOutbox: id => write(() => platter.deleteOutbox(id)),
    rebuild: (...args) => write(() => platter.rebuild(...args)),
    kill: () => {
      dead = true
      for (const { perform } of queue.splice(0, chance.between(0, queue.length))) void perform()
    }
  }
}
