/** Pages of the browser that hold the SDK and nothing else, at the server's own address. */
import { fileURLToPath } from 'node:url'
import type { BrowserContext, Page } from 'playwright-core'
import { build } from 'vite'

const ENTRY = fileURLToPath(new URL('sdk-page/entry.ts', import.meta.url))

let bundled: Promise<string> | null = null

const bundle = async (): Promise<string> => {
  const lib = { entry: ENTRY, formats: ['iife' as const], name: 'skeinRig', fileName: 'rig' }
  const built = await build({ configFile: false, logLevel: 'silent', build: { write: false, minify: false, target: 'es2022', lib } })
  const [output] = [built].flat()
  if (!output || !('output' in output)) throw new Error('Vite built nothing of the SDK')
  return output.output[0].code
}

/**
 * Opens one more tab with it, in which `window.rig` is there. A page that the server really sends: the browser lets one that was made up
 * connect to no address of this machine.
 * @param context without service workers, since the app's would answer with the app
 */
export const openSdkPage = async (context: BrowserContext, address: string): Promise<Page> => {
  bundled ??= bundle()
  const page = await context.newPage()
  await page.goto(`${address}/healthz`)
  await page.evaluate(await bundled)
  return page
}
