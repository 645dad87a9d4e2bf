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
    const file = await files.file(c, NOTHING_NEXT)
    if (file) return kept(file, HASHED.test(c.req.path) ? FOR_GOOD : ASK_AGAIN)
    const page = isNavigation(c) ? await files.page(c, NOTHING_NEXT) : undefined
    return page ? kept(page, ASK_AGAIN) : c.text('There is no such file here.\n', 404)
  }
}

const open = (folder: string) => ({
  file: serveStatic({ root: folder }),
  page: serveStatic({ root: folder, path: 'index.html' }),
})

const NOTHING_NEXT = async (): Promise<void> => {}
const FOR_GOOD = 'public, max-age=31536000, immutable'
/** All but hashed files are asked for anew each time: an old page beside a new service worker would not find its files. */
const ASK_AGAIN = 'no-cache'

const kept = (response: Response, cacheControl: string): Response => {
  response.headers.set('Cache-Control', cacheControl)
  return response
}

/** A person opens an address, as against a page that misses one of its files. */
const isNavigation = (c: Context): boolean =>
  !HASHED.test(c.req.path) && (c.req.header('sec-fetch-mode') === 'navigate' || (c.req.header('accept') ?? '').includes('text/html'))
