// The programs that people copy out of the documentation do what is said of them, as they stand there.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { routes } from '../shared/api/routes.ts'
import { json } from './rig/accounts-server.ts'
import { httpBrowser } from './rig/http-browser.ts'
import { startServer, temporaryFolder } from './rig/server-process.ts'
import type { ServerProcess } from './rig/server-process.ts'
import { until } from './rig/until.ts'

const root = resolve(import.meta.dirname, '..')

type Language = 'js' | 'ts'

/** The page's first program in this language, with its address and what it leaves to the reader filled in. */
const sampleOf = (page: string, language: Language, filledIn: Record<string, string>): string => {
  const [, program] = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(readFileSync(join(root, page), 'utf8'))!
  return Object.entries(filledIn).reduce((text, [from, to]) => {
    expect(text).toContain(from)
    return text.replace(from, to)
  }, program!)
}

const serve = async (environment: Record<string, string>): Promise<ServerProcess> => {
  const data = await temporaryFolder()
  const server = await startServer(data.path, environment)
  onTestFinished(async () => {
    await server.stop()
    await data.remove()
  })
  return server
}

/** In the repository, where packages are found, as a reader saves it. @returns what it has said so far */
const run = async (program: string, language: Language): Promise<() => string> => {
  await mkdir(join(root, '.cache'), { recursive: true })
  const folder = await mkdtemp(join(root, '.cache', 'sample-'))
  const file = join(folder, language === 'js' ? 'try.mjs' : 'talk.ts')
  await writeFile(file, program.replaceAll("from './", "from '../../"))
  const child = spawn(process.execPath, [file])
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => { said += String(chunk) })
  const gone = new Promise(done => child.once('exit', done))
  onTestFinished(async () => {
    child.kill()
    await gone
    await rm(folder, { recursive: true })
  })
  return () => said
}

test('the README’s: a stock provider, and a second one that reads what the first one wrote', async () => {
  const server = await serve({ SKEIN_AUTH: 'none' })
  const program = sampleOf('README.md', 'js', { 'localhost:4400': `127.0.0.1:${server.port}` })
  const first = await run(program, 'js')
  await until('the first has written', () => first().startsWith('Hello. '))
  const second = await run(program, 'js')
  await until('both read both', () => first().includes('Hello. Hello. ') && second().includes('Hello. Hello. '))
})

test('the README’s with the SDK: what is asked is sent, and answered', async () => {
  const server = await serve({ SKEIN_AUTH: 'none' })
  const said = await run(sampleOf('README.md', 'ts', { 'localhost:4400': `127.0.0.1:${server.port}` }), 'ts')
  await until('the question is saved', () => said().includes('user saved'))
  await until('the answer is there', () => said().includes('assistant saved') && said().includes('8192'))
})

test('that of requests by HTTP: a bot says something once', async () => {
  const server = await serve({ SKEIN_AUTH: 'accounts' })
  const person = httpBrowser(server.url)
  await person.me()
  const { id } = await json<{ id: string }>(person.post(routes.conversations()))
  const bot = await json<{ id: string }>(person.post(routes.bots(), { name: 'Deploys' }))
  const scopes = { read: true, write: true, actAs: [bot.id] }
  const { secret } = await json<{ secret: string }>(person.post(routes.tokens(), { name: 'deploy bot', scopes }))
  const program = sampleOf('docs/requests.md', 'js', { 'http://localhost:4400': server.url, 'skein_…': secret, '<id>': id })
  const said = await run(`${program}\nconsole.log(message)`, 'js')
  await until('it is answered', () => said().includes('Deploys · bot of'))
  const { messages } = await json<{ messages: { parts: unknown[] }[] }>(person.get(routes.messages(id)))
  expect(messages.map(({ parts }) => parts)).toEqual([[{ type: 'text', text: 'Hello from a program' }]])
})
