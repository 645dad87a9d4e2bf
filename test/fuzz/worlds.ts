/** Small live documents with everything in them that an update can refer to: text, tombstones, dropped subtrees, formats, key chains. */
import * as Y from 'yjs'
import { openRoots } from '../../shared/conversation/document.ts'
import { LittleServer, person } from './little-server.ts'
import type { Sender } from './little-server.ts'

export const ada = person('ada')
export const ben = person('ben')
export const mallory = person('mallory')
export const vera = person('vera', 'viewer')

export const draftId = (n: number): string => `0190a000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`

/** A client of a little server that sends what the server lacks. */
export class Peer {
  readonly doc = new Y.Doc()
  readonly server: LittleServer
  readonly sender: Sender

  constructor(server: LittleServer, sender: Sender, clientId?: number) {
    this.server = server
    this.sender = sender
    if (clientId !== undefined) this.doc.clientID = clientId
    if (server.kind === 'conversation') openRoots(this.doc)
    this.pull()
  }

  pull(): void {
    Y.applyUpdate(this.doc, Y.encodeStateAsUpdate(this.server.doc, Y.encodeStateVector(this.doc)), 'server')
  }

  /** Edits, sends the difference, as a sync step 2 does, and gets the answer of the server. */
  edit(change: () => void): ReturnType<LittleServer['receive']> {
    this.doc.transact(change)
    const verdict = this.push()
    this.pull()
    return verdict
  }

  /** What a sync step 2 would carry. */
  unsent(): Uint8Array {
    return Y.encodeStateAsUpdate(this.doc, Y.encodeStateVector(this.server.doc))
  }

  push(): ReturnType<LittleServer['receive']> {
    return this.server.receive(this.unsent(), this.sender)
  }
}

export const openDraft = (doc: Y.Doc, id: string, authorId: string, text: string): Y.Text => {
  const body = new Y.Text(text)
  doc.transact(() => {
    const part = new Y.Map<string | Y.Text>([['type', 'text'], ['text', body]])
    const head = { kind: 'shared', authorId, parentId: null, createdAt: 1 }
    openRoots(doc).drafts.set(id, new Y.Map<unknown>([['head', head], ['parts', Y.Array.from([part])]]) as never)
  })
  return body
}

/** The text of the draft's first part, when there is one. */
export const textOfDraft = (doc: Y.Doc, id: string): Y.Text | null => {
  const parts = openRoots(doc).drafts.get(id)?.get('parts')
  const text = parts instanceof Y.Array && parts.length > 0 ? parts.get(0).get('text') : null
  return text instanceof Y.Text ? text : null
}

export const liveConversation = (): LittleServer => {
  const server = new LittleServer('conversation')
  const { messages, meta, runs, drafts } = openRoots(server.doc)
  server.write(() => {
    meta.set('title', 'Plans')
    messages.push([{ id: 'm1' } as never, { id: 'm2' } as never])
    runs.set('run', { state: 'processing' } as never)
    const head = { kind: 'agent', authorId: 'ada', agentId: 'echo', runId: draftId(90), replyId: draftId(91), parentId: draftId(92), createdAt: 1 }
    const part = new Y.Map<string | Y.Text>([['type', 'text'], ['text', new Y.Text('the agent says')]])
    drafts.set(draftId(9), new Y.Map<unknown>([['head', head], ['parts', Y.Array.from([part])]]) as never)
  })
  server.write(() => meta.set('title', 'Other plans'))
  const first = new Peer(server, ada, 101)
  const second = new Peer(server, ben, 202)
  const third = new Peer(server, mallory, 303)
  first.edit(() => openDraft(first.doc, draftId(1), 'ada', 'one two three 😀'))
  second.pull()
  second.edit(() => textOfDraft(second.doc, draftId(1))!.insert(4, 'more '))
  first.pull()
  first.edit(() => textOfDraft(first.doc, draftId(1))!.delete(2, 4))
  second.pull()
  second.edit(() => textOfDraft(second.doc, draftId(1))!.format(0, 4, { bold: true }))
  first.pull()
  first.edit(() => openDraft(first.doc, draftId(2), 'ada', 'will be dropped'))
  first.edit(() => openRoots(first.doc).drafts.delete(draftId(2)))
  third.pull()
  third.edit(() => openDraft(third.doc, draftId(3), 'mallory', 'mine'))
  third.edit(() => openRoots(third.doc).requests.set('request 1', { type: 'x' } as never))
  second.edit(() => openRoots(second.doc).requests.set('request 2', { type: 'y' } as never))
  return server
}

export const liveArtifact = (): LittleServer => {
  const server = new LittleServer('free')
  const first = new Peer(server, ada, 101)
  const second = new Peer(server, ben, 202)
  const third = new Peer(server, mallory, 303)
  first.edit(() => first.doc.getText('note').insert(0, 'one two three 😀'))
  second.pull()
  second.edit(() => second.doc.getText('note').insert(4, 'more '))
  first.edit(() => first.doc.getText('note').delete(2, 4))
  first.edit(() => first.doc.getText('note').format(1, 4, { bold: true }))
  first.edit(() => first.doc.getArray('list').push([1, 2, new Y.Map([['a', 1]]), new Y.Array()]))
  second.pull()
  second.edit(() => second.doc.getArray('list').delete(1, 2))
  third.pull()
  third.edit(() => third.doc.getArray('list').insert(1, ['x', new Y.Text('inner')]))
  for (const value of [1, 2, 3]) third.edit(() => third.doc.getMap('map').set('key', value))
  third.edit(() => third.doc.getMap('map').set('nested', new Y.Map([['deep', new Y.Map()]])))
  third.edit(() => third.doc.getXmlFragment('xml').insert(0, [new Y.XmlElement('p')]))
  return server
}
