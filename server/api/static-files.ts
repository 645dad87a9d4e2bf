/** The built app: its files, and its one page for every address that a person may open. */
import { serveStatic } from '@hono/node-server/serve-static'
import type { Context, MiddlewareHandler } from 'hono'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const NOT_BUILT = `The app is not built, so there is no page here yet: run \`npm run build\`, then reload.
The API under /api and sync under /sync work without it.
`
/** Their names hold a hash of what is in them. */
const HASHED = /^\/assets\/|^\/workbox-[\w-]+\.js$/

/** @param folder `dist/client`; it may appear after the server has started */
export const staticFiles = (folder: string): MiddlewareHandler => {
  let files: ReturnType<typeof open> | null = null
  return async (c, next) => {
    if (!['GET', 'HEAD'].includes(c.req.method)) return next()
    files ??= existsSync(join(folder, 'index.html')) ? open(folder) : null
    if (!files) return c.text(NOT_BUILT, 503)
    const found = await files.file(c, async () => {}) ?? (isNavigation(c) ? await files.page(c, async () => {}) : undefined)
    return found ?? c.text('There is no such file here.\n', 404)
  }
}

const open = (folder: string) => ({
  file: serveStatic({ root: folder, onFound: (_, c) => c.header('Cache-Control', cacheControlOf(c.req.path)) }),
  page: serveStatic({ root: folder, path: 'index.html', onFound: (_, c) => c.header('Cache-Control', cacheControlOf('/index.html')) }),
})

/** All but hashed files are asked for anew each time: an old page beside a new service worker would not find its files. */
const cacheControlOf = (path: string): string => HASHED.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache'

/** A person opens an address, as against a page that misses one of its files. */
const isNavigation = (c: Context): boolean =>
  !HASHED.test(c.req.path) && (c.req.header('sec-fetch-mode') === 'navigate' || (c.req.header('accept') ?? '').includes('text/html'))
