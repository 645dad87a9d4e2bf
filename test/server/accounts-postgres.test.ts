// Accounts in a real Postgres: all that holds in a file, two servers at once, and a database that goes away for a while.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { routes } from '../../shared/api/routes.ts'
import { errorTable } from '../../shared/errors.ts'
import { migrate } from '../../server/identity/accounts/engine.ts'
import { openPostgres } from '../../server/identity/accounts/postgres.ts'
import { accountsContract } from '../contract/accounts.ts'
import { accountsDatabaseContract, engineOver } from '../contract/accounts-database.ts'
import { messageTexts, newConversationId, say } from '../rig/conversation.ts'
import { httpBrowser } from '../rig/http-browser.ts'
import { Peer } from '../rig/peer.ts'
import { postgresHere, startPostgres } from '../rig/postgres.ts'
import type { Postgres } from '../rig/postgres.ts'
import { runServer, startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { startTcpProxy } from '../rig/tcp-proxy.ts'
import { until } from '../rig/until.ts'

const PASSWORD = 'correct horse battery'
const { auth } = routes

describe.skipIf(postgresHere() === undefined)('with a real Postgres', () => {
  let postgres: Postgres
  beforeAll(async () => { postgres = await startPostgres() })
  afterAll(() => postgres?.close())

  const newPlace = async () => {
    const url = await postgres.createDatabase()
    return { environment: { SKEIN_ACCOUNTS_URL: url }, open: () => openPostgres(url), run: (text: string) => postgres.query(url, text) }
  }
  accountsContract('in Postgres', newPlace)
  accountsDatabaseContract('Postgres', newPlace)

  test('servers that start together make its tables once', async () => {
    const url = await postgres.createDatabase()
    const stores = await Promise.all(Array.from({ length: 4 }, () => openPostgres(url)))
    try {
      await Promise.all(stores.map(store => migrate(engineOver(store))))
      expect(await postgres.query(url, 'SELECT format FROM skein_accounts_format')).toEqual([{ format: 1 }])
    } finally {
      await Promise.all(stores.map(store => store.close()))
    }
  })

  test('of tasks that must run alone two servers run one at a time, and one that fails holds up nobody', async () => {
    const { open } = await newPlace()
    const stores = [await open(), await open()]
    let [running, most] = [0, 0]
    const task = async (): Promise<void> => {
      most = Math.max(most, ++running)
      await stores[0]!.readFormat()
      running--
    }
    try {
      await expect(stores[0]!.exclusively(async () => { throw new Error('stop') })).rejects.toThrow('stop')
      await Promise.all(Array.from({ length: 10 }, (_, i) => stores[i % 2]!.exclusively(task)))
      expect(most).toBe(1)
    } finally {
      await Promise.all(stores.map(store => store.close()))
    }
  })

  test('a connection that breaks between two queries of a task breaks no more than that', async () => {
    const store = await (await newPlace()).open()
    try {
      await store.exclusively(async () => {
        await postgres.kill()
        await postgres.start()
      })
      expect(await store.exclusively(() => store.readFormat())).toBe(0)
    } finally {
      await store.close()
    }
  })

  test('what is open on one server ends when another one ends the session, or the account', async () => {
    const environment = {
      SKEIN_AUTH: 'accounts', SKEIN_ACCOUNTS_URL: await postgres.createDatabase(), SKEIN_SECRET: 's'.repeat(32),
    }
    const folders = [await temporaryFolder(), await temporaryFolder()] as const
    const servers = [await startServer(folders[0].path, environment), await startServer(folders[1].path, environment)] as const
    const [here, elsewhere] = servers
    const signIn = async (email: string) => {
      const who = httpBrowser(here.url)
      await who.post(auth.signUp(), { email, password: PASSWORD, name: 'Ada' })
      expect((await who.post(auth.signIn(), { email, password: PASSWORD })).status).toBe(200)
      return who
    }
    const openElsewhere = async (who: ReturnType<typeof httpBrowser>) =>
      Peer.join(elsewhere.syncUrl, `conversation/${newConversationId()}`, { cookie: who.cookie, doc: new Y.Doc() })
    try {
      const [admin, ada, bob, eve] = [
        await signIn('admin@example.org'), await signIn('ada@example.org'), await signIn('bob@example.org'), await signIn('eve@example.org'),
      ]
      const guest = httpBrowser(elsewhere.url)
      await guest.me()
      const ofAda = await openElsewhere(ada)
      const ofBob = await openElsewhere(bob)
      const others = await Promise.all([admin, eve, guest].map(openElsewhere))
      expect((await ada.post(auth.signOut(), {})).status).toBe(200)
      await ofAda.closed()
      expect((await admin.send('PATCH', auth.otherAccount((await bob.me()).id), { disabled: true })).status).toBe(200)
      await ofBob.closed()
      expect([ofAda, ofBob].map(({ closedBy }) => closedBy?.code)).toEqual([4401, 4401])
      for (const peer of others) {
        say(peer.doc, 'I am still here', { to: [] })
        await peer.allSaved()
        peer.close()
      }
    } finally {
      for (const server of servers) await server.stop()
      for (const folder of folders) await folder.remove()
    }
  })

  describe('that cannot be used', () => {
    const open = async (url: URL): Promise<string> => {
      const outcome = openPostgres(String(url)).then(async store => {
        await migrate(engineOver(store)).finally(store.close)
        return 'opened'
      }, String)
      return outcome.catch(String)
    }

    test('the server does not start, and says why in one line without the password', async () => {
      const folder = await temporaryFolder()
      const url = new URL(await postgres.createDatabase())
      url.port = '1'
      const { code, stderr } = await runServer({ SKEIN_DATA: folder.path, PORT: '0', SKEIN_ACCOUNTS_URL: String(url) })
      await folder.remove()
      expect(code).toBe(1)
      expect(stderr).toMatch(/^The database of SKEIN_ACCOUNTS_URL cannot be used \(connect ECONNREFUSED.*\), so the server did not start\. .*\n$/)
      expect(stderr).not.toContain(postgres.password)
    })

    test('a wrong password, and a user who may make no tables, are told', async () => {
      const url = new URL(await postgres.createDatabase())
      await postgres.query(String(url), "CREATE ROLE reader LOGIN PASSWORD 'READERS-OWN'")
      url.username = 'reader'
      expect(await open(url)).toMatch(/The database of SKEIN_ACCOUNTS_URL cannot be used \(password authentication failed/)
      url.password = 'READERS-OWN'
      expect(await open(url)).toMatch(/The database of SKEIN_ACCOUNTS_URL cannot be used \(permission denied for schema public\)/)
    })
  })

  describe('while it is away', () => {
    let folder: Awaited<ReturnType<typeof temporaryFolder>>
    let proxy: Awaited<ReturnType<typeof startTcpProxy>>
    let server: ServerProcess
    beforeAll(async () => {
      folder = await temporaryFolder()
      proxy = await startTcpProxy(postgres.port)
      const url = new URL(await postgres.createDatabase())
      url.port = String(proxy.port)
      url.searchParams.set('query_timeout', '500')
      server = await startServer(folder.path, { SKEIN_AUTH: 'accounts', SKEIN_ACCOUNTS_URL: String(url) })
    })
    afterAll(async () => {
      await server?.stop()
      await proxy?.close()
      await folder?.remove()
    })

    const signedIn = async (email: string) => {
      const who = httpBrowser(server.url)
      expect((await who.post(auth.signUp(), { email, password: PASSWORD, name: 'Ada' })).status).toBe(200)
      expect((await who.post(auth.signIn(), { email, password: PASSWORD })).status).toBe(200)
      return who
    }
    const codeOf = async (answer: Promise<Response>) => {
      const response = await answer
      return `${response.status} ${(await response.json() as { code?: string }).code}`
    }
    const join = (name: string, cookie: string) => Peer.join(server.syncUrl, name, { cookie, doc: new Y.Doc() })

    test('who needs it is told, open sockets and guests go on, and then all is as before', async () => {
      const [email, name] = ['killed@example.org', `conversation/${newConversationId()}`]
      const [who, guest] = [await signedIn(email), httpBrowser(server.url)]
      await guest.me()
      const peer = await join(name, who.cookie)
      say(peer.doc, 'Before', { to: [] })
      await peer.allSaved()

      await postgres.kill()
      const away = `${errorTable['accounts-away'].status} accounts-away`
      // For a moment it may be believed who somebody is.
      await until('who comes is told', async () => (await who.get(routes.me())).status !== 200)
      expect(await codeOf(who.get(routes.me()))).toBe(away)
      expect(await codeOf(httpBrowser(server.url).post(auth.signIn(), { email, password: PASSWORD }))).toBe(away)
      expect(await codeOf(httpBrowser(server.url).post(auth.signUp(), { email: `x-${email}`, password: PASSWORD, name: 'X' }))).toBe(away)
      const refused = await join(name, who.cookie).catch((error: unknown) => error)
      expect(String(refused instanceof Peer ? (await refused.closed(), refused.closedBy?.code) : refused)).toContain('1013')
      say(peer.doc, 'Meanwhile', { to: [] })
      await peer.allSaved()
      expect(await guest.me()).toMatchObject({ kind: 'guest' })

      await postgres.start()
      await until('it is known again who it is', async () => (await who.get(routes.me())).status === 200)
      const again = await join(name, who.cookie)
      expect(messageTexts(again.doc)).toEqual(['Before', 'Meanwhile'])
      expect((await httpBrowser(server.url).post(auth.signIn(), { email, password: PASSWORD })).status).toBe(200)
      for (const each of [peer, again]) each.close()
    })

    test('connections over which no answer comes are given up, and the next request takes another', async () => {
      const who = await signedIn('muted@example.org')
      proxy.mute()
      const statusOf = async () => (await who.get(routes.me())).status
      await until('it was asked, and did not answer', async () => await statusOf() === 503)
      await until('another connection answers', async () => await statusOf() === 200)
    })

    test('no line of the log has its password', () => {
      expect(server.log.some(line => line['code'] === 'accounts-away')).toBe(true)
      expect(JSON.stringify(server.log)).not.toContain(postgres.password)
    })
  })
})
