/** What a document holds, independent of how Yjs has cut and merged it: equal dumps are equal replicas. */
import * as Y from 'yjs'
import { applyClientUpdate } from '../../server/gate/apply.ts'
import type { SharedType } from '../../server/gate/yjs-internals.ts'

/** Every reachable element by id, in order, with its value or as deleted; the state vector; what is deleted. */
export const dump = (doc: Y.Doc): string => {
  const roots = [...doc.share].filter(([, type]) => type._start !== null || type._map.size > 0).sort(([a], [b]) => a < b ? -1 : 1)
  const lines = roots.flatMap(([name, type]) => [`root ${JSON.stringify(name)}`, ...dumpType(type)])
  const state = [...doc.store.clients.keys()].sort((a, b) => a - b).map(client => `${client}:${Y.getState(doc.store, client)}`)
  const deletes = [...Y.createDeleteSetFromStructStore(doc.store).clients].sort(([a], [b]) => a - b)
    .map(([client, ranges]) => `${client}: ${ranges.map(({ clock, len }) => `${clock}+${len}`).join(' ')}`)
  return [...lines, ...state, ...deletes].join('\n')
}

const dumpType = (type: SharedType): string[] => {
  const list: Y.Item[] = []
  for (let item = type._start; item !== null; item = item.right) list.push(item)
  const lines = dumpItems(list)
  for (const key of [...type._map.keys()].sort()) {
    const chain: Y.Item[] = []
    for (let item: Y.Item | null = type._map.get(key)!; item !== null; item = item.left) chain.push(item)
    lines.push(`key ${JSON.stringify(key)}`)
    for (const line of dumpItems(chain.reverse())) lines.push(line)
  }
  return lines.map(line => ` ${line}`)
}

const dumpItems = (items: readonly Y.Item[]): string[] => {
  const lines: string[] = []
  for (let i = 0; i < items.length; i++) {
    const item = items[i]!
    if (!item.deleted) {
      for (const line of dumpLiving(item)) lines.push(line)
      continue
    }
    // Tombstones that follow one another are one line, since how they are cut means nothing and they can be long.
    let length = item.length
    for (let next = items[i + 1]; next?.deleted && continues(item, length, next); next = items[i + 1]) {
      length += next.length
      i++
    }
    lines.push(`${item.id.client}:${item.id.clock}+${length} deleted`)
  }
  return lines
}

const continues = ({ id }: Y.Item, length: number, next: Y.Item): boolean =>
  next.id.client === id.client && next.id.clock === id.clock + length

const dumpLiving = (item: Y.Item): string[] => {
  const values: unknown[] = item.content instanceof Y.ContentString ? item.content.str.split('') : item.content.getContent()
  return Array.from({ length: item.length }, (_, i) => {
    const id = `${item.id.client}:${item.id.clock + i}`
    if (item.content instanceof Y.ContentType) return [`${id} ${item.content.type.constructor.name}`, ...dumpType(item.content.type)]
    if (item.content instanceof Y.ContentFormat) return `${id} ${item.content.key}=${JSON.stringify(item.content.value)}`
    const value = values[i]
    return `${id} ${value instanceof Uint8Array ? `bytes ${value.join()}` : JSON.stringify(value)}`
  }).flat()
}

/** A fresh document that has the records in their order; loaded as local, since Yjs tidies the formats of what it takes for remote. */
export const load = (records: readonly Uint8Array[]): Y.Doc => {
  const doc = new Y.Doc()
  for (const record of records) doc.transact(transaction => applyClientUpdate(transaction, doc, record))
  return doc
}

/** The first line in which two dumps differ, or null; a diff of whole dumps takes minutes. */
export const firstDifference = (expected: string, actual: string): { expected: string | undefined, actual: string | undefined } | null => {
  const [a, b] = [expected.split('\n'), actual.split('\n')]
  const at = Array.from({ length: Math.max(a.length, b.length) }, (_, i) => i).find(i => a[i] !== b[i])
  return at === undefined ? null : { expected: a[at], actual: b[at] }
}
