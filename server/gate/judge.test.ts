import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { applyClientUpdate } from './apply.ts'
import { audit } from './audit.ts'
import { judge } from './judge.ts'
import { scan } from './scan.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import type { UserId } from '../../shared/ids.ts'

const ada = 'ada' as UserId
describe('smoke', () => {
  it('takes a request and a draft', () => {
    const server = new Y.Doc()
    openRoots(server).messages.push([{ a: 1 } as never])
    const client = new Y.Doc()
    Y.applyUpdate(client, Y.encodeStateAsUpdate(server))
    const send = () => {
      const bytes = Y.encodeStateAsUpdate(client, Y.encodeStateVector(server))
      const s = scan(bytes, 'conversation')
      if (!s.ok) throw new Error(s.reason)
      const v = judge(s.decoded, { kind: 'conversation', doc: server, principal: ada, role: 'editor', ownerOf: () => undefined })
      if (v.kind === 'accept') server.transact(tr => { applyClientUpdate(tr, server, bytes); audit(tr, v) })
      return v
    }
    openRoots(client).requests.set('r1', { hello: 1 } as never)
    expect(send()).toMatchObject({ kind: 'accept', requestIds: ['r1'] })
    const id = '0190a000-0000-7000-8000-000000000001'
    client.transact(() => {
      const d = new Y.Map()
      openRoots(client).drafts.set(id, d as never)
      d.set('head', { kind: 'shared', authorId: 'ada', parentId: null, createdAt: 1 })
      const part = new Y.Map<string | Y.Text>()
      part.set('type', 'text')
      part.set('text', new Y.Text('hello'))
      const parts = new Y.Array()
      parts.push([part])
      d.set('parts', parts)
    })
    expect(send()).toMatchObject({ kind: 'accept', touched: [{ root: 'drafts', key: id }] })
    expect(send()).toEqual({ kind: 'nothing' })
    openRoots(client).messages.push([{ b: 1 } as never])
    expect(send()).toMatchObject({ kind: 'refuse', code: 'forged' })
  })
})
