// A Chromium for the end-to-end tests: the one that is there, or one that we bring.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Halt } from './halt.js'
import { environmentWith, onPath, root, run } from './processes.js'

const COMMANDS = ['chromium', 'google-chrome', 'google-chrome-stable', 'chromium-browser', 'chrome']
const MAC_APPS = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/**
 * The path of a Chromium that starts, brought by apt (root on Debian) or by Playwright when the machine has none.
 * @param {string} node
 */
export async function ensureBrowser(node) {
  const named = process.env.SKEIN_CHROMIUM
  if (named) {
    if (await starts(named)) return named
    throw new Halt(`SKEIN_CHROMIUM names ${named}, which does not start; correct or unset it.`)
  }
  return await installedBrowser() ?? await playwrightsBrowser(node)
    ?? await installByApt() ?? await installByPlaywright(node)
}

/** @returns {Promise<string | undefined>} */
async function installedBrowser() {
  for (const candidate of [...COMMANDS.map(onPath), ...MAC_APPS]) if (await starts(candidate)) return candidate
  return undefined
}

async function installByApt() {
  if (process.getuid?.() !== 0 || !isDebian() || !onPath('apt-get')) return undefined
  console.log('Installing Chromium for the end-to-end tests with apt (once; a minute or two) …')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const updated = await run('apt-get', ['update'], { env })
  if (updated.code !== 0) return undefined
  await run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium', 'fonts-liberation'], { env })
  return installedBrowser()
}

/** @param {string} node */
async function installByPlaywright(node) {
  console.log("Downloading Playwright's Chromium for the end-to-end tests (once; a minute or two) …")
  const playwright = join(root, 'node_modules', 'playwright-core', 'cli.js')
  await run(node, [playwright, 'install', 'chromium'], { env: environmentWith(node) })
  const brought = await playwrightsBrowser(node)
  if (brought) return brought
  throw new Halt('the tests need Chromium and none could be installed here; install it and try again, '
    + 'or name its program in SKEIN_CHROMIUM.')
}

/** The one that Playwright downloaded earlier, here or for another project. @param {string} node */
async function playwrightsBrowser(node) {
  const { output } = await run(node, ['-p', "require('playwright-core').chromium.executablePath()"])
  return await starts(output.trim()) ? output.trim() : undefined
}

/** @param {string | undefined} browser */
async function starts(browser) {
  return browser !== undefined && existsSync(browser) && (await run(browser, ['--version'])).code === 0
}

function isDebian() {
  return existsSync('/etc/os-release') && /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'))
}
