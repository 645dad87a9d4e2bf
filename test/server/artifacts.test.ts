/** Free documents over real sockets: who may read and write them. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { decodeBase64 } from '../../shared/api/base64.ts'
import { routes } from '../../shared/api/routes.ts'
import * as people from '../../shared/api/people.ts'
import * as schemas from '../../shared/api/schemas.ts'
import { newConversationId } from '../rig/conversation.ts'
import { Peer } from '../rig/peer.ts'
import type { PeerOptions } from '../rig/peer.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

let server: ServerProcess
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let ada: string
let bob: string
/** The artifact of this test; nobody has come to it. */
let id: string
const peers: Peer[] = []

const get = (path: string, cookie = ''): Promise<Response> => fetch(`${server.url}${path}`, { headers: { cookie } })

const guest = async (): Promise<string> => (await get(routes.me())).headers.get('set-cookie')!.split(';', 1)[0]!

const post = (path: string, cookie: string, body: object = {}): Promise<Response> =>
  fetch(`${server.url}${path}`, { method: 'POST', headers: { cookie, 'content-type': 'application/json' }, body: JSON.stringify(body) })

const join = async (cookie: string, options: PeerOptions = {}): Promise<Peer> => {
  const peer = await Peer.join(server.syncUrl, `artifact/${id}`, { cookie, ...options })
  peers.push(peer)
  return peer
}

/** Lets the guest in. @returns what they were told */
const letIn = async (cookie: string, role: 'editor' | 'viewer'): Promise<people.AcceptedInvitation> => {
  const { secret } = people.madeLink.parse(await (await post(routes.invitations(id, 'artifact'), ada, { role })).json())
  return people.acceptedInvitation.parse(await (await post(routes.acceptInvitation(), cookie, { secret })).json())
}

const textOf = ({ doc }: Peer): string => doc.getText('body').toString()

const helloOf = ({ controls }: Peer) => controls.find(control => control.kind === 'hello')

beforeAll(async () => {
  folder = await temporaryFolder()
  server = await startServer(folder.path, { SKEIN_AUTH: 'accounts' })
})

beforeEach(async () => {
  id = newConversationId()
  ada = await guest()
  bob = await guest()
})

afterAll(async () => {
  for (const peer of peers) peer.close()
  await server?.stop()
  await folder?.remove()
})

describe('an artifact', () => {
  it('belongs to who comes to it first, and to a stranger it does not exist', async () => {
    expect(helloOf(await join(ada))).toMatchObject({ role: 'owner' })
    const stranger = await Peer.open(server.syncUrl, `artifact/${id}`, { cookie: bob })
    peers.push(stranger)
    expect(await stranger.closed()).toMatchObject({ code: 4404, reason: expect.stringContaining('not-found') })
    expect(stranger.frames.filter(({ type }) => type !== 'control')).toEqual([])
  })

  it('is written together by its owner and an editor, letter by letter', async () => {
    const a = await join(ada)
    a.doc.getText('body').insert(0, 'Plan')
    await a.allSaved()
    expect(await letIn(bob, 'editor')).toEqual({ kind: 'artifact', id, role: 'editor' })
    const b = await join(bob)
    expect(helloOf(b)).toMatchObject({ role: 'editor' })
    expect(textOf(b)).toBe('Plan')
    a.doc.getText('body').insert(4, ' of Ada')
    b.doc.getText('body').insert(0, 'Bob and the ')
    await Promise.all([a.allSaved(), b.allSaved()])
    await until('both hold the same', () => textOf(a) === textOf(b) && textOf(a) === 'Bob and the Plan of Ada')
    expect([a.closedBy, b.closedBy]).toEqual([null, null])
  })

  it('is read and not written by a viewer: the write is refused with the reason, and nothing of it stays', async () => {
    const a = await join(ada)
    a.doc.getText('body').insert(0, 'Only Ada writes')
    await a.allSaved()
    expect(await letIn(bob, 'viewer')).toEqual({ kind: 'artifact', id, role: 'viewer' })
    const b = await join(bob)
    expect(helloOf(b)).toMatchObject({ role: 'viewer' })
    a.doc.getText('body').insert(15, ' here')
    await until('the viewer sees what is written', () => textOf(b) === 'Only Ada writes here')

    b.doc.getText('body').insert(0, 'forbidden ')
    const reason = expect.stringMatching(/^not-allowed: Your role does not allow this/)
    expect(await b.closed()).toMatchObject({ code: 4403, reason })
    expect(b.controls.at(-1)).toMatchObject({ kind: 'refused', frame: b.sent, code: 'not-allowed' })

    const stock = await join(bob, { skein: false })
    stock.doc.getMap('other').set('root', 1)
    expect(await stock.closed()).toMatchObject({ code: 4403, reason: expect.stringContaining('not-allowed') })

    expect(textOf(a)).toBe('Only Ada writes here')
    expect(a.closedBy).toBeNull()
    const fresh = await join(ada)
    expect(textOf(fresh)).toBe('Only Ada writes here')
    expect(fresh.doc.share.has('other')).toBe(false)
  })

  it('loses nothing by a viewer who deletes: that is ignored, and counted', async () => {
    const a = await join(ada)
    a.doc.getText('body').insert(0, 'It stays')
    await a.allSaved()
    await letIn(bob, 'viewer')
    const b = await join(bob)
    b.doc.getText('body').delete(0, 8)
    await b.allSaved()
    expect(b.closedBy).toBeNull()
    expect([textOf(a), textOf(await join(ada)), textOf(await join(bob))]).toEqual(Array(3).fill('It stays'))
  })

  it('stays open to a viewer who only connects, and comes back to them as they left it', async () => {
    const a = await join(ada)
    a.doc.getText('body').insert(0, 'To read')
    await a.allSaved()
    await letIn(bob, 'viewer')
    const doc = new Y.Doc()
    const first = await join(bob, { doc })
    await first.allSaved()
    first.close()
    // With all that the server has already, deletions included: a step 2 that says nothing new.
    const second = await join(bob, { doc })
    await second.allSaved()
    expect(second.closedBy).toBeNull()
    expect(textOf(second)).toBe('To read')
  })
})

describe('invitations to an artifact', () => {
  it('are made by its owner alone', async () => {
    await join(ada)
    const codeOf = async (response: Response) => schemas.problem.parse(await response.json()).code
    expect(await codeOf(await post(routes.invitations(id, 'artifact'), bob, { role: 'editor' }))).toBe('not-found')
    await letIn(bob, 'editor')
    expect(await codeOf(await post(routes.invitations(id, 'artifact'), bob, { role: 'editor' }))).toBe('not-allowed')
    expect(await codeOf(await post(routes.invitations(id, 'artifact'), ada, { role: 'owner' }))).toBe('invalid-request')
  })

  it('are not made to what does not exist, and asking does not make it', async () => {
    for (const name of [id, '..%2fhome', 'x'.repeat(129)]) {
      const response = await post(`/api/documents/artifact/${name}/invitations`, bob, { role: 'editor' })
      expect(response.status).toBe(404)
    }
    expect(helloOf(await join(ada))).toMatchObject({ role: 'owner' })
  })

  it('are not made to a home document', async () => {
    const { principal } = schemas.me.parse(await (await get(routes.me(), ada)).json())
    expect((await post(`/api/documents/home/${principal.id}/invitations`, ada, { role: 'editor' })).status).toBe(404)
  })

  it('make an editor of a viewer, and not the other way round', async () => {
    await join(ada)
    expect(await letIn(bob, 'viewer')).toMatchObject({ role: 'viewer' })
    expect(await letIn(bob, 'editor')).toMatchObject({ role: 'editor' })
    expect(await letIn(bob, 'viewer')).toMatchObject({ role: 'editor' })
    const b = await join(bob)
    b.doc.getText('body').insert(0, 'now I may')
    await b.allSaved()
    expect(b.closedBy).toBeNull()
  })
})

it('an artifact comes with the batch sync of each of its members in their role, and stands in no list of conversations', async () => {
  const a = await join(ada)
  a.doc.getText('body').insert(0, 'shared')
  await a.allSaved()
  await letIn(bob, 'viewer')
  const syncOf = async (cookie: string) =>
    schemas.syncPage.parse(await (await post(routes.sync(), cookie, { documents: [] })).json())
  for (const [cookie, role] of [[ada, 'owner'], [bob, 'viewer']] as const) {
    const [document] = (await syncOf(cookie)).documents
    expect(document).toMatchObject({ name: `artifact/${id}`, role })
    const doc = new Y.Doc()
    Y.applyUpdate(doc, decodeBase64(document!.update)!)
    expect(doc.getText('body').toString()).toBe('shared')
    expect(await (await get(routes.conversations(), cookie)).json()).toEqual({ conversations: [], next: null })
  }
  expect((await syncOf(await guest())).documents).toEqual([])
})
