// A Postgres for the tests of accounts: the one that is there, or the system's, unpacked. Nothing is installed or started.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { onPath, root, run } from './processes.js'

/** Postgres refuses to run as root, so the superuser's tests run it as nobody, who gets into no home. */
const superuser = process.getuid?.() === 0
const NOBODY = 65_534
const folder = superuser ? '/var/cache/skein-tests-postgres' : join(root, '.cache', 'postgres')

/**
 * The folder of the programs of a Postgres that starts; undefined where none can be had, and then its tests are skipped.
 * @returns {Promise<string | undefined>}
 */
export async function ensurePostgres() {
  const found = postgresFolders().find(starts)
  if (found) return found
  await download()
  const unpacked = postgresFolders().find(starts)
  if (!unpacked) console.log('There is no Postgres here and none could be brought, so the tests of accounts in one are skipped.')
  return unpacked
}

/** Where one may be, the newest first. */
export function postgresFolders() {
  const path = onPath('postgres')
  const debian = ['/usr/lib/postgresql', join(folder, 'usr', 'lib', 'postgresql')].flatMap((parent) =>
    existsSync(parent) ? readdirSync(parent).sort((a, b) => Number(b) - Number(a)).map((version) => join(parent, version, 'bin')) : [])
  return [process.env.SKEIN_POSTGRES, path && dirname(realpathSync(path)), ...debian].filter((each) => each !== undefined)
}

/** As whom a Postgres of this folder runs, and where it finds the libraries that came along with it. @param {string} bin */
export function postgresProcess(bin) {
  const libraries = join(bin, '..', '..', '..')
  const own = existsSync(libraries) ? readdirSync(libraries).filter((name) => name.endsWith('-linux-gnu')).map((name) => join(libraries, name)) : []
  return { ...superuser && { uid: NOBODY, gid: NOBODY }, env: { PATH: bin, LC_ALL: 'C', LD_LIBRARY_PATH: own.join(':') } }
}

async function download() {
  if (!onPath('apt-get') || !onPath('dpkg-deb')) return
  const archives = join(folder, 'archives')
  mkdirSync(join(archives, 'partial'), { recursive: true })
  const get = () => run('apt-get', [
    'install', '--download-only', '--yes', '--no-install-recommends', '-o', `Dir::Cache::archives=${archives}`, '-o', 'Debug::NoLocking=1', 'postgresql',
  ])
  // A fresh machine has no list of packages yet.
  if ((await get()).code !== 0 && superuser && (await run('apt-get', ['update'])).code === 0) await get()
  for (const file of readdirSync(archives)) if (file.endsWith('.deb')) await run('dpkg-deb', ['-x', join(archives, file), folder])
}

/** @param {string} bin */
function starts(bin) {
  return ['initdb', 'postgres'].every((name) => spawnSync(join(bin, name), ['--version'], postgresProcess(bin)).status === 0)
}
