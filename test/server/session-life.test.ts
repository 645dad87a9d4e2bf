/** How old a session is: one that is over ends what is open by it, and one that is not young lets nobody else in for good. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { AskedDevice, NewDeviceLink } from '../../shared/api/device-schemas.ts'
import { routes } from '../../shared/api/routes.ts'
import { newConversationId, say } from '../rig/conversation.ts'
import { httpBrowser } from '../rig/http-browser.ts'
import type { HttpBrowser } from '../rig/http-browser.ts'
import { Peer } from '../rig/peer.ts'
import { runServer, startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'

const ENVIRONMENT = { SKEIN_AUTH: 'accounts' }
const DAY = 24 * 60 * 60 * 1000
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let server: ServerProcess

beforeEach(async () => {
  folder = await temporaryFolder()
  server = await startServer(folder.path, ENVIRONMENT)
})
afterEach(async () => {
  await server.stop()
  await folder.remove()
})

/** Beside a server that has read nothing yet: it believes for a moment what it has read. */
const inDatabase = async (change: (database: DatabaseSync) => void): Promise<void> => {
  await server.stop()
  server = await startServer(folder.path, ENVIRONMENT, server.port)
  const database = new DatabaseSync(join(folder.path, 'accounts.sqlite'))
  database.exec('PRAGMA busy_timeout = 5000')
  change(database)
  database.close()
}
const account = async (): Promise<HttpBrowser> => {
  const who = httpBrowser(server.url)
  const person = { email: 'ada@example.org', password: 'correct horse battery' }
  expect((await who.post(routes.auth.signUp(), { ...person, name: 'Ada' })).status).toBe(200)
  expect((await who.post(routes.auth.signIn(), person)).status).toBe(200)
  return who
}
const codeOf = async (answer: Promise<Response>): Promise<string | undefined> => (await (await answer).json() as { code?: string }).code

test('a session that runs out while a socket is open ends it; from then on its cookie is nobody\'s', async () => {
  const who = await account()
  const name = `conversation/${newConversationId()}`
  let expiresAt = 0
  await inDatabase(database => {
    expiresAt = Date.now() + 4000
    expect(database.prepare('UPDATE session SET expiresAt = ?').run(new Date(expiresAt).toISOString()).changes).toBe(1)
  })
  const peer = await Peer.join(server.syncUrl, name, { cookie: who.cookie })
  say(peer.doc, 'in time', { to: [] })
  await peer.allSaved()
  const feed = await who.get(routes.feed())
  expect(await peer.closed()).toMatchObject({ code: 1013, reason: expect.stringMatching(/^sign-in-expired/) })
  expect(Date.now()).toBeGreaterThanOrEqual(expiresAt)
  // It comes to its end, too.
  await feed.text()
  const { cookie } = who
  for (const path of [routes.conversations(), routes.auth.account(), routes.feed()]) expect((await who.get(path)).status, path).toBe(401)
  const again = await Peer.open(server.syncUrl, name, { cookie })
  expect(await again.closed()).toMatchObject({ code: 4401, reason: expect.stringMatching(/^unauthenticated/) })
  expect(await who.me()).toMatchObject({ kind: 'guest' })
})

test('a session that is not young does not make itself young by letting itself in on another device', async () => {
  const who = await account()
  const add = async (): Promise<HttpBrowser> => {
    const device = httpBrowser(server.url)
    const { id, url } = await (await who.post(routes.deviceLinks())).json() as NewDeviceLink
    const { claim } = await (await device.post(routes.askForDevice(), { code: new URL(url).hash.slice(1) })).json() as AskedDevice
    await who.post(routes.confirmDeviceLink(id))
    expect((await device.post(routes.collectDevice(), { claim })).status).toBe(200)
    return device
  }
  expect((await (await add()).post(routes.auth.passkeysOptions())).status).toBe(200)
  await inDatabase(database => {
    database.exec('DELETE FROM session WHERE provenAt IS NOT NULL')
    database.prepare('UPDATE session SET createdAt = ?').run(new Date(Date.now() - 2 * DAY).toISOString())
  })
  const device = await add()
  expect((await device.get(routes.auth.account())).status).toBe(200)
  for (const each of [who, device]) {
    expect(await codeOf(each.post(routes.auth.passkeysOptions()))).toBe('sign-in-again')
    expect(await codeOf(each.post(routes.auth.passkeys(), { response: {}, name: 'Key' }))).toBe('sign-in-again')
  }
  // Nor where there is no password to ask for.
  await inDatabase(database => database.exec('DELETE FROM account'))
  const leave = fetch(server.url + routes.me(), {
    method: 'DELETE', headers: { 'cookie': device.cookie, 'content-type': 'application/json' }, body: JSON.stringify({ confirm: 'delete' }),
  })
  expect(await codeOf(leave)).toBe('sign-in-again')
})

test('accounts that a newer version wrote are not opened, and not touched', async () => {
  await account()
  await server.stop()
  const path = join(folder.path, 'accounts.sqlite')
  const newer = new DatabaseSync(path)
  newer.exec('PRAGMA user_version = 9; ALTER TABLE user ADD COLUMN fromTheFuture text')
  const schemaOf = (database: DatabaseSync) => database.prepare('SELECT type, name, sql FROM sqlite_master ORDER BY name').all()
  const before = schemaOf(newer)
  newer.close()
  const { code, stderr } = await runServer({ ...ENVIRONMENT, PORT: '0', SKEIN_DATA: folder.path })
  expect([code, stderr.trim().split('\n')]).toEqual([1, [expect.stringMatching(/newer Skein \(format 9, this version knows \d+\).*Nothing was changed/)]])
  const after = new DatabaseSync(path)
  expect([schemaOf(after), after.prepare('PRAGMA user_version').get(), after.prepare('SELECT email FROM user').all()])
    .toEqual([before, { user_version: 9 }, [{ email: 'ada@example.org' }]])
  after.close()
})
