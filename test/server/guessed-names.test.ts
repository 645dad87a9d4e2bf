/**
 * A name that can be guessed tells nobody whether it is taken, and cannot be taken: only what was drawn becomes a new document's name. What
 * existed before under another name goes on for its members.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeFrame } from '../../shared/wire/codec.ts'
import { parseDocumentName } from '../../shared/ids.ts'
import type { DocumentName, UserId } from '../../shared/ids.ts'
import { routes } from '../../shared/api/routes.ts'
import { sharedDocuments } from '../../server/api/shared-documents.ts'
import { messageTexts, say } from '../rig/conversation.ts'
import { startInProcess } from '../rig/in-process.ts'
import type { InProcessServer } from '../rig/in-process.ts'
import { keyPair, pemOf, sign } from '../rig/jwt-issuer.ts'
import { Peer } from '../rig/peer.ts'
import { temporaryFolder } from '../rig/server-process.ts'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const nameOf = (text: string): DocumentName => parseDocumentName(text)!

interface Person {
  id: UserId
  /** What proves them. */
  headers: { cookie?: string, authorization?: string }
}

interface Way {
  environment: Record<string, string>
  person: (server: InProcessServer, name: string) => Promise<Person>
  close: () => Promise<void>
}

const accounts = async (): Promise<Way> => ({
  environment: { SKEIN_AUTH: 'accounts' },
  person: async server => {
    const answer = await fetch(server.url + routes.me())
    const { principal } = await answer.json() as { principal: { id: UserId } }
    return { id: principal.id, headers: { cookie: answer.headers.get('set-cookie')!.split(';', 1)[0]! } }
  },
  close: async () => {},
})

const jwt = async (): Promise<Way> => {
  const [pair, folder] = [keyPair('ES256'), await temporaryFolder()]
  const file = join(folder.path, 'issuer.pem')
  await writeFile(file, pemOf(pair))
  return {
    environment: {
      SKEIN_AUTH: 'jwt', SKEIN_JWT_ISSUER: 'us', SKEIN_JWT_AUDIENCE: 'skein', SKEIN_JWT_ALGORITHMS: 'ES256', SKEIN_JWT_PUBLIC_KEY: file,
    },
    person: async (server, name) => {
      const exp = Math.floor(Date.now() / 1000) + 3600
      const authorization = `Bearer ${await sign(pair.privateKey, 'ES256', { iss: 'us', aud: 'skein', sub: name, name, exp })}`
      const me = await fetch(server.url + routes.me(), { headers: { authorization } })
      const { principal } = await me.json() as { principal: { id: UserId } }
      return { id: principal.id, headers: { authorization } }
    },
    close: folder.remove,
  }
}

describe.each([['accounts', accounts], ['jwt', jwt]] as const)('with SKEIN_AUTH=%s', (_, open) => {
  let way: Way
  let server: InProcessServer
  let ada: Person
  let mallory: Person

  beforeAll(async () => {
    way = await open()
    server = await startInProcess({ environment: way.environment })
    ada = await way.person(server, 'ada')
    mallory = await way.person(server, 'mallory')
    // As an older version let her.
    for (const name of ['conversation/plans', 'artifact/plans']) {
      await server.directory.create(nameOf(name), { kind: 'user', id: ada.id, name: 'Ada' }, 1)
    }
  })
  afterAll(async () => {
    await server?.close()
    await way?.close()
  })

  const ask = (who: Person, method: string, path: string, body?: unknown): Promise<Response> => fetch(server.url + path, {
    method, headers: { ...who.headers as Record<string, string>, 'content-type': 'application/json' }, ...body !== undefined && { body: JSON.stringify(body) },
  })

  /** All that a socket to this name is told. @param skein offers the subprotocol of our clients */
  const toldBySocket = async (who: Person, name: string, skein: boolean) => {
    const peer = await Peer.open(server.syncUrl, name, { ...who.headers, skein })
    await peer.closed()
    return { frames: peer.frames.map(frame => [...encodeFrame(frame)]), closed: peer.closedBy }
  }

  /** But for what is new with each answer. */
  const toldByHttp = async (answer: Response, id: string) => ({
    status: answer.status,
    headers: [...answer.headers].filter(([name]) => name !== 'date'),
    body: (await answer.text()).replaceAll(id, '<id>'),
  })

  it.each(['conversation', 'artifact'] as const)('a socket of a stranger is told the same of a name of a %s that is taken and of one that is free', async kind => {
    for (const skein of [true, false]) {
      const [taken, free] = [await toldBySocket(mallory, `${kind}/plans`, skein), await toldBySocket(mallory, `${kind}/plan5`, skein)]
      expect(free).toEqual(taken)
      expect(taken.closed).toEqual({ code: 4404, reason: expect.stringMatching(/^not-found: .*UUID \(v4 or v7\).*Draw one\.$/) })
    }
    expect(await server.directory.find(nameOf(`${kind}/plan5`))).toBeNull()
  })

  it('so is every call of the API', async () => {
    const calls = (id: string): [string, string, unknown?][] => [
      ['POST', routes.conversations(), { id }],
      ['POST', routes.conversations(), { id, title: 'Ours' }],
      ['GET', routes.messages(id)],
      ['GET', routes.request(id, '01932c07-209c-7d31-8f2b-6f5b6a1d2c3e')],
      ['DELETE', routes.conversation(id)],
      ...sharedDocuments.flatMap(({ kind }): [string, string, unknown?][] => [
        ['GET', routes.members(id, kind)],
        ['POST', routes.invitations(id, kind), { role: 'viewer' }],
        ['POST', routes.tokens(), { name: 'x', scopes: { read: true, documents: [`${kind}/${id}`] } }],
        ['POST', routes.sync(), { documents: [{ name: `${kind}/${id}`, epoch: 'e', stateVector: 'AA==' }] }],
      ]),
    ]
    const told = async (id: string) => {
      const answers = []
      for (const [method, path, body] of calls(id)) answers.push([method, path.replaceAll(id, '<id>'), await toldByHttp(await ask(mallory, method, path, body), id)])
      return answers
    }
    const [taken, free] = [await told('plans'), await told('plan5')]
    expect(free).toEqual(taken)
    expect(taken[0]![2]).toMatchObject({ status: 422, body: expect.stringMatching(/needs a UUID.*none was made\. Draw one, or leave the id out/) })
    expect(await server.directory.find(nameOf('conversation/plan5'))).toBeNull()
    expect(JSON.stringify(taken)).toContain('gone')
  })

  it('its owner goes on in it, by socket and by the API', async () => {
    const peer = await Peer.join(server.syncUrl, 'conversation/plans', ada.headers)
    say(peer.doc, 'I go on', { to: [] })
    await peer.allSaved()
    const again = await Peer.join(server.syncUrl, 'conversation/plans', ada.headers)
    expect(messageTexts(again.doc)).toContain('I go on')
    for (const each of [peer, again]) each.close()
    expect((await ask(ada, 'GET', routes.messages('plans'))).status).toBe(200)
    expect(await (await ask(ada, 'POST', routes.conversations(), { id: 'plans' })).json()).toMatchObject({ id: 'plans', role: 'owner' })
  })

  it('and lets others in, who are strangers again when they are removed', async () => {
    const { secret } = await (await ask(ada, 'POST', routes.invitations('plans'), { role: 'editor' })).json() as { secret: string }
    const bob = await way.person(server, 'bob')
    await ask(bob, 'POST', routes.acceptInvitation(), { secret })
    const peer = await Peer.join(server.syncUrl, 'conversation/plans', bob.headers)
    expect((await ask(ada, 'DELETE', routes.member('plans', bob.id))).status).toBeLessThan(300)
    await peer.closed()
    const told = await toldBySocket(bob, 'conversation/plans', false)
    expect(told).toEqual(await toldBySocket(bob, 'conversation/plan5', false))
  })

  it.each<[string, string]>([
    ['v4', 'f47ac10b-58cc-4372-a567-0e02b2c3d479'],
    ['v7', '01932c07-209c-7d31-8f2b-6f5b6a1d2c3e'],
  ])('a UUID of %s that nobody has becomes a document of whoever comes with it', async (_version, id) => {
    for (const kind of ['conversation', 'artifact']) {
      const peer = await Peer.join(server.syncUrl, `${kind}/${id}`, ada.headers)
      peer.close()
      expect((await server.directory.find(nameOf(`${kind}/${id}`)))?.members.get(ada.id)?.role).toBe('owner')
    }
  })

  it.each<[string, string]>([
    ['says when and where it was made (v1)', 'c232ab00-9414-11ec-b3c8-9f6bdeced846'],
    ['is made of a name (v5)', '2ed6657d-e927-568b-95e1-2665a8aea6a2'],
    ['is made of whatever somebody likes (v8)', '2489e9ad-2ee2-8e00-8ec9-32d5f69181c0'],
    ['is nothing', '00000000-0000-0000-0000-000000000000'],
    ['is spelt in another way', 'F47AC10B-58CC-4372-A567-0E02B2C3D479'],
    ['has no hyphens', 'f47ac10b58cc4372a5670e02b2c3d479'],
    ['has something behind it', 'f47ac10b-58cc-4372-a567-0e02b2c3d479-x'],
  ])('a UUID that %s does not', async (_what, id) => {
    expect((await ask(ada, 'POST', routes.conversations(), { id })).status).toBe(422)
    for (const kind of ['conversation', 'artifact']) {
      expect((await toldBySocket(ada, `${kind}/${id}`, true)).closed?.code).toBe(4404)
      expect(await server.directory.find(nameOf(`${kind}/${id}`))).toBeNull()
    }
  })
})
