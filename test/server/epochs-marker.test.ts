/** A restored backup: its marker begins new epochs, once. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { EPOCH_MARKER } from '../../server/epoch-marker.ts'
import { messageTexts, newConversationId, say } from '../rig/conversation.ts'
import { beginNewEpochs } from '../rig/epoch-marker.ts'
import { Peer } from '../rig/peer.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'

it('a data folder with the marker begins new epochs at the next start, once', async () => {
  const folder = await temporaryFolder()
  const name = `conversation/${newConversationId()}`
  const visit = async (): Promise<{ epoch: string | undefined, texts: string[], doc: Peer['doc'] }> => {
    const server = await startServer(folder.path)
    const peer = await Peer.join(server.syncUrl, name)
    if (messageTexts(peer.doc).length === 0) say(peer.doc, 'hello', { to: [] })
    await peer.allSaved()
    const hello = peer.controls.find(control => control.kind === 'hello')
    peer.close()
    expect(await server.stop()).toBe(0)
    return { epoch: hello?.epoch, texts: messageTexts(peer.doc), doc: peer.doc }
  }
  const first = await visit()
  expect((await visit()).epoch).toBe(first.epoch)
  await beginNewEpochs(folder.path)
  const restored = await visit()
  expect(restored.epoch).not.toBe(first.epoch)
  expect(restored.texts).toEqual(['hello'])
  await expect(access(join(folder.path, EPOCH_MARKER))).rejects.toThrow('ENOENT')
  expect((await visit()).epoch).toBe(restored.epoch)
  await folder.remove()
})
