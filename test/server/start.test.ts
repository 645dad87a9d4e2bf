/** The server's process starts, says in one line why it cannot, and stops. */
import { afterEach, describe, expect, it } from 'vitest'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runServer, startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'

const running: ServerProcess[] = []
const folders: { remove: () => Promise<void> }[] = []

const folder = async (): Promise<string> => {
  const made = await temporaryFolder()
  folders.push(made)
  return made.path
}

afterEach(async () => {
  await Promise.all(running.splice(0).map(server => server.stop()))
  await Promise.all(folders.splice(0).map(({ remove }) => remove()))
})

/** One clear line, a failure, no stack trace. */
const expectOneLine = ({ code, stderr }: { code: number | null, stderr: string }, says: RegExp): void => {
  expect(stderr).toMatch(says)
  expect(stderr.trim().split('\n')).toHaveLength(1)
  expect(stderr).not.toMatch(/^\s+at /m)
  expect(code).toBe(1)
}

describe('a server that cannot start', () => {
  it('says which setting is wrong', async () => {
    expectOneLine(await runServer({ SKEIN_DATA: await folder(), PORT: 'abc' }), /PORT/)
  })

  it('refuses to serve without accounts on an address that others can reach', async () => {
    expectOneLine(await runServer({ SKEIN_DATA: await folder(), PORT: '0', SKEIN_AUTH: 'none', HOST: '0.0.0.0' }), /SKEIN_AUTH=none/)
  })

  it('says that another process holds the data folder', async () => {
    const data = await folder()
    running.push(await startServer(data))
    expectOneLine(await runServer({ SKEIN_DATA: data, PORT: '0' }), /in use by another process/)
  })

  it('says that the port is in use', async () => {
    const first = await startServer(await folder())
    running.push(first)
    expectOneLine(await runServer({ SKEIN_DATA: await folder(), PORT: String(first.port) }), /Port \d+ on 127\.0\.0\.1 is in use/)
  })

  it('says that the data folder is a file', async () => {
    const path = join(await folder(), 'data')
    await writeFile(path, '')
    expectOneLine(await runServer({ SKEIN_DATA: path, PORT: '0' }), /data folder/)
  })
})

it('a server says in its log who answers, the default first', async () => {
  const data = await folder()
  const models = join(data, 'models.json')
  const local = { provider: 'openai-compatible', model: 'llama3', baseUrl: 'http://127.0.0.1:9/v1' }
  await writeFile(models, JSON.stringify([{ ...local, id: 'llama', name: 'Llama' }, { ...local, id: 'mixtral', name: 'Mixtral' }]))
  const server = await startServer(data, { SKEIN_MODELS: models })
  running.push(server)
  expect(server.log.find(({ msg }) => msg === 'listening')).toMatchObject({ agents: ['Llama', 'Mixtral', 'Skein offline agent'] })
})

it('a server says which variables of its own kind it does not know', async () => {
  const server = await startServer(await folder(), { SKEIN_AUHT: 'accounts' })
  running.push(server)
  expect(server.log.filter(({ level }) => level === 40 || level === 'warn').map(({ msg }) => msg))
    .toEqual([expect.stringMatching(/^SKEIN_AUHT is set.*Did you mean SKEIN_AUTH\?$/)])
})

it('a server stops on SIGTERM, cleanly, and starts again on the same folder', async () => {
  const data = await folder()
  const first = await startServer(data)
  const health = await fetch(`${first.url}/healthz`)
  expect(await health.json()).toMatchObject({ status: 'ok' })
  expect(await first.stop()).toBe(0)
  const second = await startServer(data)
  running.push(second)
  expect((await fetch(`${second.url}/healthz`)).status).toBe(200)
})
