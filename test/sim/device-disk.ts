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
  /** Of the document: a store goes on writing into the one that it read. */
  generation = 1
}

export interface DeviceStore extends DocumentStore {
  /** The page is gone; of the writes that wait, a few more are done or none. */
  kill(): void
}

/**
 * @param noted told of every request that the page keeps, before it is written
 * @param run lets the page hear that something is done
 */
export const openDeviceStore = (
  disk: DeviceDisk, clock: Clock, chance: Chance, noted: (entry: OutboxEntry) => void, run: (hear: () => void) => void,
): DeviceStore => {
  const { platter, requests } = disk
  let { generation } = disk
  let dead = false
  let writing = false
  const queue: { perform: () => Promise<void>, resolve: () => void }[] = []

  const drain = (): void => {
    writing = true
    clock.after(chance.delay(10, 300), () => {
      if (dead) return
      const group = queue.splice(0)
      for (const { perform, resolve } of group) void perform().then(() => run(resolve))
      writing = false
      if (queue.length > 0) drain()
    })
  }
  const write = (perform: () => Promise<void>): Promise<void> => new Promise(resolve => {
    if (dead) return
    queue.push({ perform, resolve })
    if (!writing) drain()
  })

  const inGeneration = (perform: () => Promise<void>): Promise<void> =>
    write(() => generation === disk.generation ? perform() : Promise.resolve())

  return {
    ...platter,
    load: async () => {
      await clock.wait(chance.delay(10, 100))
      await new Promise<void>(run)
      generation = disk.generation
      return platter.load()
    },
    append: (...args) => inGeneration(() => platter.append(...args)),
    markSaved: () => inGeneration(async () => platter.markSaved?.()),
    noteWriter: id => inGeneration(async () => platter.noteWriter?.(id)),
    setEpoch: (epoch, role) => inGeneration(() => platter.setEpoch(epoch, role)),
    putOutbox: entry => {
      if (!dead) noted(entry)
      return write(() => {
        requests.add(entry.id)
        return platter.putOutbox(entry)
      })
    },
    deleteOutbox: id => write(() => platter.deleteOutbox(id)),
    rebuild: (epoch, keepOld) => write(async () => {
      // Where another tab has begun this epoch already, that one is taken.
      const isBegun = generation !== disk.generation && epoch !== null && (await platter.load()).epoch === epoch
      if (!isBegun) {
        disk.generation++
        await platter.rebuild(epoch, keepOld)
      }
      generation = disk.generation
    }),
    close: () => write(() => Promise.resolve()),
    kill: () => {
      dead = true
      for (const { perform } of queue.splice(0, chance.between(0, queue.length))) void perform()
    }
  }
}
