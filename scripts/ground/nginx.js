// An nginx for the tests behind a real proxy: the one that is there, or Debian's, unpacked beside us. Nothing is installed or started.

import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { onPath, root, run } from './processes.js'

const folder = join(root, '.cache', 'nginx')
const unpacked = join(folder, 'usr', 'sbin', 'nginx')

/**
 * The path of an nginx that starts; undefined where none can be had, and then its tests are skipped.
 * @returns {Promise<string | undefined>}
 */
export async function ensureNginx() {
  for (const candidate of [process.env.SKEIN_NGINX, onPath('nginx'), '/usr/sbin/nginx', unpacked]) {
    if (await starts(candidate)) return candidate
  }
  await download()
  if (await starts(unpacked)) return unpacked
  console.log('There is no nginx here and none could be brought, so the tests behind a proxy are skipped.')
  return undefined
}

async function download() {
  if (!onPath('apt-get') || !onPath('dpkg-deb')) return
  mkdirSync(folder, { recursive: true })
  const fetched = () => readdirSync(folder).find((file) => /^nginx_.*\.deb$/.test(file))
  const get = () => run('apt-get', ['download', 'nginx'], { cwd: folder })
  await get()
  // A fresh machine has no list of packages yet.
  if (!fetched() && process.getuid?.() === 0 && (await run('apt-get', ['update'])).code === 0) await get()
  const file = fetched()
  if (file) await run('dpkg-deb', ['-x', join(folder, file), folder])
}

/** @param {string | undefined} nginx */
async function starts(nginx) {
  return nginx !== undefined && existsSync(nginx) && (await run(nginx, ['-v'])).code === 0
}
