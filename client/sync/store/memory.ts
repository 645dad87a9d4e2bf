/** A document store that keeps nothing after the process: for bots that can ask the server for everything again, and for tests. */
import type { DocumentStore, KeptGeneration, StoredDocument } from '../port.ts'
import { whenLeft } from '../own-request.ts'
import type { OutboxEntry } from '../view.ts'

export const memoryStore = (): DocumentStore => {
  let document: Omit<StoredDocument, 'outbox' | 'generation'> = { updates: [], epoch: null, role: null }
  let generation = 1
  let writers: number[] = []
  let unsaved: boolean | undefined
  let kept: KeptGeneration[] = []
  const outbox = new Map<string, OutboxEntry>()
  return {
    load: async () => ({
      ...document, generation: String(generation), updates: [...document.updates], outbox: [...outbox.values()], writers: [...writers],
      ...unsaved !== undefined && { unsaved }
    }),
    append: async (update, own = false) => {
      document.updates.push(update)
      if (own) unsaved = true
    },
    markSaved: async () => {
      unsaved = false
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
    rebuild: async (epoch, keepOld) => {
      const { updates } = document
      if (keepOld) kept.push({ generation: String(generation), updates, writers, ...unsaved !== undefined && { unsaved } })
      for (const [id, entry] of outbox) outbox.set(id, whenLeft(entry))
      generation++
      unsaved = undefined
      document = { updates: [], epoch, role: document.role }
      writers = []
    },
    kept: {
      list: async () => [...kept],
      add: async (left, update, writer) => {
        const known = kept.find(({ generation }) => generation === left) ?? { generation: left, updates: [], writers: [] }
        const more = { generation: left, updates: [...known.updates, update], writers: [...known.writers, writer] }
        kept = [...kept.filter(other => other !== known), more]
      },
      remove: async left => {
        kept = kept.filter(({ generation }) => generation !== left)
      }
    },
    watch: () => () => {},
    close: async () => {}
  }
}
