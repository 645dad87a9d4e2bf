/** A file system that is really full under the real server: writes are refused, reads answered, and space that is freed is enough. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { formatKey, generationKey, keys } from '../../server/log/leveldb/keys.ts'
import type { Database } from '../../server/log/leveldb/database.ts'
import { messageTexts, newConversationId, say } from '../rig/conversation.ts'
import { Peer } from '../rig/peer.ts'
import { runServer, startServer, temporaryFolder } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'
import { toJson } from '../../server/log/store-port.ts'

const SIZE = '48m'

it('a store of an older format is left as it is when there is no space for its backup, and one line says so', async ({ skip }) => {
  const folder = await temporaryFolder()
  const mount = join(folder.path, 'disk')
  mkdirSync(mount)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', mount], { stdio: 'ignore' })
  } catch (_notAllowed) {
    await folder.remove()
    return skip('A small tmpfs cannot be mounted here: that takes Linux and root.')
  }
  try {
    const data = join(mount, 'data')
    const database: Database = new ClassicLevel(join(data, 'log'), { keyEncoding: keys, valueEncoding: 'view' })
    await database.batch([formatKey, generationKey].map(key => ({ type: 'put', key, value: toJson(1) })))
    await database.close()
    const contentOf = (): [string, string][] => readdirSync(join(data, 'log')).filter(file => !file.startsWith('LO')).sort()
      .map(file => [file, readFileSync(join(data, 'log', file), 'hex')])
    const before = contentOf()
    const { bavail, bsize } = statfsSync(mount)
    writeFileSync(join(mount, 'filler'), Buffer.alloc(bavail * bsize))
    const { code, stderr } = await runServer({ SKEIN_DATA: data, SKEIN_AUTH: 'none', PORT: '0' })
    expect([code, stderr.trim().split('\n').length]).toEqual([1, 1])
    expect(stderr).toContain('no backup could be made')
    expect([contentOf(), readdirSync(data)]).toEqual([before, ['log']])
  } finally {
    execFileSync('umount', ['-l', mount])
    await folder.remove()
  }
})

it('a full disk refuses writes and answers reads, and the server goes on without a restart when there is space again', { timeout: 120_000 }, async ({ skip }) => {
  const folder = await temporaryFolder()
  const mount = join(folder.path, 'disk')
  mkdirSync(mount)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'none', mount], { stdio: 'ignore' })
  } catch (_notAllowed) {
    await folder.remove()
    return skip('A small tmpfs cannot be mounted here: that takes Linux and root.')
  }
  const server = await startServer(join(mount, 'data'))
  const name = `conversation/${newConversationId()}`
  try {
    const writer = await Peer.join(server.syncUrl, name)
    say(writer.doc, 'Before', { to: [] })
    await writer.allSaved()

    const filler = join(mount, 'filler')
    const { bavail, bsize } = statfsSync(mount)
    writeFileSync(filler, Buffer.alloc(bavail * bsize - 64 * 1024))
    let said = 0
    await until('a write is refused', () => {
      if (writer.closedBy === null && said < 200) say(writer.doc, `${++said} ${'x'.repeat(4000)}`, { to: [] })
      return writer.closedBy
    }, 30_000)
    expect(writer.closedBy).toMatchObject({ code: 1013 })

    const reader = await Peer.join(server.syncUrl, name, { doc: new Y.Doc() })
    expect(messageTexts(reader.doc)).toContain('Before')
    expect((await fetch(`${server.url}/healthz`)).ok).toBe(true)

    rmSync(filler)
    const device = await until('a message is stored again', async () => {
      const again = await Peer.join(server.syncUrl, name, { doc: writer.doc })
      say(again.doc, 'After', { to: [] })
      return again.allSaved().then(() => again, () => null)
    }, 60_000)
    const fresh = await Peer.join(server.syncUrl, name)
    expect(messageTexts(fresh.doc)).toEqual(messageTexts(device.doc))
    expect(messageTexts(fresh.doc)).toEqual(expect.arrayContaining(['Before', 'After']))
    for (const peer of [writer, reader, device, fresh]) peer.close()
  } finally {
    await server.stop()
    execFileSync('umount', ['-l', mount])
    await folder.remove()
  }
})
