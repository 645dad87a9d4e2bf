/** Documents that several people wrote, by chance. */
import * as Y from 'yjs'

/** What one server document emitted while several people wrote into it. */
export const written = (random: () => number, turns: number): { doc: Y.Doc, records: Uint8Array[] } => {
  const doc = new Y.Doc()
  const records: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => records.push(update))
  const below = (most: number): number => Math.floor(random() * most)
  const people = Array.from({ length: 3 }, (_, n) => {
    const own = new Y.Doc()
    own.clientID = 1 + n * 1000 + below(1000)
    return own
  })
  for (let turn = 0; turn < turns; turn++) {
    const own = people[below(people.length)]!
    if (random() < 0.5) Y.applyUpdate(own, Y.encodeStateAsUpdate(doc))
    const [text, list, map] = [own.getText('text'), own.getArray<unknown>('list'), own.getMap('map')]
    switch (below(6)) {
      case 0: text.insert(below(text.length + 1), ['ä', '🙂漢字', 'word '][below(3)]!); break
      case 1: if (text.length > 0) text.delete(below(text.length), 1); break
      case 2: list.insert(below(list.length + 1), [{ turn, deep: [1, 'ä', null] }, 2.5, true]); break
      case 3: if (list.length > 0) list.delete(below(list.length), 1); break
      case 4: map.set(String(below(3)), random() < 0.5 ? turn : new Y.Map([['x', turn]])); break
      default: text.format(0, below(text.length + 1), { bold: random() < 0.5 ? true : null })
    }
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(own, Y.encodeStateVector(doc)))
  }
  return { doc, records }
}
