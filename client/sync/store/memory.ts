/** A document store that keeps nothing after the process: for bots that can ask the server for everything again, and for tests. */
import type { DocumentStore, StoredDocument } from '../port.ts'
import type { OutboxEntry } from '../view.ts'

export const memoryStore = (): DocumentStore => {
  let document: Omit<StoredDocument, 'outbox' | 'generation'> = { updates: [], epoch: null, role: null }
  let generation = 1
  let writers: number[] = []
  const outbox = new Map<string, OutboxEntry>()
  return {
    load: async () => ({
      ...document, generation: String(generation), updates: [...document.updates], outbox: [...outbox.values()], writers: [...writers]
    }),
    append: async update => {
      document.updates.push(update)
    },
    setEpoch: async (epoch, role) => {
      document = { ...document, epoch, role }
    },
    noteWriter: async clientId => {
      writers.push(clientId)
    },
    putOutbox: async entry => {
      outbox.set(entry.id, entry)
    },
    deleteOutbox: async id => {
      outbox.delete(id)
    },
    rebuild: async epoch => {
      generation++
      document = { updates: [], epoch, role: document.role }
      writers = []
    },
    watch: () => () => {},
    close: async () => {}
  }
}
