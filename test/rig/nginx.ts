/** A real nginx with TLS in front of a server, by the very recipe of docs/nginx.conf: only its names, ports and files are put in. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { join } from 'node:path'
import { makeCertificate } from './certificate.ts'
import { until } from './until.ts'

const RECIPE = new URL('../../docs/nginx.conf', import.meta.url)

/** Where `npm test` found or brought one; undefined: there is none here. */
export const nginxHere = (): string | undefined =>
  [process.env['SKEIN_NGINX'], '/usr/sbin/nginx', new URL('../../.cache/nginx/usr/sbin/nginx', import.meta.url).pathname].find(path => path && existsSync(path))

export interface Nginx {
  readonly port: number
  /** What it has written of requests. */
  log(): Promise<string>
  close(): Promise<void>
}

export const freePort = (): Promise<number> => new Promise(resolve => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resolve(port))
  })
})

/** @param upstream port of the server */
export const startNginx = async (folder: string, upstream: number): Promise<Nginx> => {
  const [port, plainPort] = [await freePort(), await freePort()]
  const { cert, key } = await makeCertificate(folder, 'proxy')
  const access = join(folder, 'access.log')
  const replaced: [string, string][] = [
    ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`], ['listen 80', `listen 127.0.0.1:${plainPort}`], ['127.0.0.1:4400', `127.0.0.1:${upstream}`],
    ['/etc/ssl/skein/fullchain.pem', cert], ['/etc/ssl/skein/privkey.pem', key], ['/var/log/nginx/skein.log', access],
    ['chat.example.org', 'localhost'],
  ]
  const recipe = replaced.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`docs/nginx.conf does not hold ${from} any more`)
    return text.replaceAll(from, to)
  }, await readFile(RECIPE, 'utf8'))
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${folder}/${name};`).join(' ')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'skein.conf'), recipe)
  await writeFile(join(folder, 'nginx.conf'), `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr;
events {} http { access_log off; ${temporary} include ${folder}/skein.conf; }\n`)
  const child = spawn(nginxHere()!, ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', 'stderr'], { stdio: ['ignore', 'ignore', 'pipe'] })
  const errors: string[] = []
  child.stderr.on('data', chunk => errors.push(String(chunk)))
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  await until('nginx listens', () => new Promise<boolean>((resolve, reject) => {
    if (child.exitCode !== null) reject(new Error(errors.join('')))
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  }))
  return {
    port,
    log: () => readFile(access, 'utf8'),
    close: () => {
      child.kill('SIGTERM')
      return exited
    },
  }
}
