import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { proposeRedact, putRequest } from '../../shared/conversation/write.ts'
import { messageIdOf } from '../../shared/ids.ts'
import { messageTexts, newConversationId, newRequestId, say } from '../rig/conversation.ts'
import { Peer } from '../rig/peer.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const filesWith = async (folder: string, text: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const found = await Promise.all(files.map(async file => (await readFile(file)).includes(text)))
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
  const id = say(writer.doc, `Nobody may know that ${secret}`, { to: [] })
  if (place === 'first') harmless()
  await writer.allSaved()
  expect(await filesWith(folder.path, secret)).not.toEqual([])

  putRequest(writer.doc, newRequestId(), proposeRedact(messageIdOf(id), Date.now()))
  await writer.allSaved()
  await until('the reader no longer shows it', () => messageTexts(reader.doc).join() === 'Something harmless')
  expect(await server.stop()).toBe(0)
  expect(await filesWith(folder.path, secret)).toEqual([])
  for (const peer of [writer, reader]) peer.close()
  await folder.remove()
})
