/** What was redacted is on the disk no more, after an upgrade and after kill -9. */
import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { expect, it } from 'vitest'
import { backupPath } from '../../server/log/leveldb/backup.ts'
import { FORMAT, formatKey, keys } from '../../server/log/leveldb/keys.ts'
import type { Database } from '../../server/log/leveldb/database.ts'
import { contentOf } from '../../server/room/take.ts'
import { readMessages } from '../../shared/conversation/read.ts'
import { proposeRedact, proposeSend, putRequest } from '../../shared/conversation/write.ts'
import { messageIdOf } from '../../shared/ids.ts'
import { messageTexts, newConversationId, newRequestId, say } from '../rig/conversation.ts'
import { Peer } from '../rig/peer.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'
import { toJson } from '../../server/log/store-port.ts'

/** LevelDB removes a file when another one has taken its place. */
const gone = (error: NodeJS.ErrnoException): Buffer => {
  if (error.code !== 'ENOENT') throw error
  return Buffer.alloc(0)
}

const filesWith = async (folder: string, text: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const found = await Promise.all(files.map(async file => (await readFile(file).catch(gone)).includes(text)))
  return files.filter((_, i) => found[i])
}

it.each(['first', 'last'] as const)('a removed %s message is gone from every reader and from every file of the data folder', async place => {
  const folder = await temporaryFolder()
  const server = await startServer(folder.path)
  const name = `conversation/${newConversationId()}`
  const [writer, reader] = [await Peer.join(server.syncUrl, name), await Peer.join(server.syncUrl, name)]
  const secret = 'my-secret-is-4711'
  const harmless = (): unknown => say(writer.doc, 'Something harmless', { to: [] })
  if (place === 'last') harmless()
  const id = newRequestId()
  const parentId = readMessages(writer.doc).at(-1)?.id ?? null
  const request = proposeSend({ parts: [{ type: 'text', text: `Nobody may know that ${secret}` }], parentId, to: [] }, Date.now())
  putRequest(writer.doc, id, request)
  if (place === 'first') harmless()
  await writer.allSaved()
  const digest = contentOf(request)
  for (const trace of [secret, digest]) expect(await filesWith(folder.path, trace)).not.toEqual([])

  putRequest(writer.doc, newRequestId(), proposeRedact(messageIdOf(id), Date.now()))
  await writer.allSaved()
  await until('the reader no longer shows it', () => messageTexts(reader.doc).join() === 'Something harmless')
  expect(await server.stop()).toBe(0)
  for (const trace of [secret, digest]) expect(await filesWith(folder.path, trace)).toEqual([])
  for (const peer of [writer, reader]) peer.close()
  await folder.remove()
})

it('what is redacted after an upgrade is gone from the backup too that the upgrade made', async () => {
  const folder = await temporaryFolder()
  const old = await startServer(folder.path)
  const name = `conversation/${newConversationId()}`
  const writer = await Peer.join(old.syncUrl, name)
  const secret = 'my-secret-is-4711'
  const id = say(writer.doc, `Nobody may know that ${secret}`, { to: [] })
  await writer.allSaved()
  await old.stop()
  const database: Database = new ClassicLevel(join(folder.path, 'log'), { keyEncoding: keys, valueEncoding: 'view' })
  await database.put(formatKey, toJson(FORMAT - 1))
  await database.close()

  const upgraded = await startServer(folder.path)
  const backup = backupPath(join(folder.path, 'log'), FORMAT)
  expect(await filesWith(backup, secret)).not.toEqual([])
  const again = await Peer.join(upgraded.syncUrl, name, { doc: writer.doc })
  putRequest(again.doc, newRequestId(), proposeRedact(messageIdOf(id), Date.now()))
  await again.allSaved()
  expect(await upgraded.stop()).toBe(0)
  expect(await filesWith(folder.path, secret)).toEqual([])
  expect(upgraded.log.filter(entry => entry['backup'] === backup)).toHaveLength(1)
  for (const peer of [writer, again]) peer.close()
  await folder.remove()
})

it('what was redacted right before the process was killed is gone from every file after the next start, with nobody there', { timeout: 60_000 }, async () => {
  const folder = await temporaryFolder()
  const first = await startServer(folder.path)
  const name = `conversation/${newConversationId()}`
  const writer = await Peer.join(first.syncUrl, name)
  const secret = 'my-secret-is-4711'
  // So long that it is folded in a thread, which takes longer than the kill.
  for (let n = 0; n < 30; n++) say(writer.doc, `${n} ${randomBytes(75_000).toString('hex')}`, { to: [] })
  const id = say(writer.doc, `Nobody may know that ${secret}`, { to: [] })
  await writer.allSaved()
  putRequest(writer.doc, newRequestId(), proposeRedact(messageIdOf(id), Date.now()))
  await writer.allSaved()
  await first.stop('SIGKILL')
  expect(await filesWith(folder.path, secret), 'killed too late to show anything').not.toEqual([])

  const second = await startServer(folder.path)
  const answer = await fetch(`${second.url}/api/sync`, {
    method: 'POST', body: JSON.stringify({ documents: [] }), headers: { 'content-type': 'application/json' },
  })
  const { documents } = await answer.json() as { documents: { update: string }[] }
  for (const { update } of documents) expect(Buffer.from(update, 'base64').includes(secret)).toBe(false)
  await until('it is gone from the files', async () => (await filesWith(folder.path, secret)).length === 0, 30_000)
  const reader = await Peer.join(second.syncUrl, name)
  expect(messageTexts(reader.doc)).toHaveLength(30)
  expect(messageTexts(reader.doc).join()).not.toContain(secret)
  expect(await second.stop()).toBe(0)
  expect(await filesWith(folder.path, secret)).toEqual([])
  for (const peer of [writer, reader]) peer.close()
  await folder.remove()
})
