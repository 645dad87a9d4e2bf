/** The real server as a process, lines to it that can be cut, and a headless Chromium: what a test in the browser needs. */
import type { Browser } from 'playwright-core'
import { launchBrowser } from './browser.ts'
import { openServerFolder } from './server-process.ts'
import type { ServerProcess } from './server-process.ts'
import { startTcpProxy } from './tcp-proxy.ts'
import type { TcpProxy } from './tcp-proxy.ts'

export interface BrowserWorld {
  readonly browser: Browser
  /** Another one after {@link restart}. */
  readonly server: ServerProcess
  /** Leads to the server that there is; cut it to take the network away. */
  readonly line: TcpProxy
  /** One more. */
  newLine(): Promise<TcpProxy>
  /** Stops the server and starts it again on the same data. @param between told the data folder while no server uses it */
  restart(between?: (dataFolder: string) => Promise<void>, signal?: NodeJS.Signals): Promise<void>
  close(): Promise<void>
}

/** With guests' accounts unless told otherwise. */
export const startBrowserWorld = async (environment: Record<string, string> = {}): Promise<BrowserWorld> => {
  const closers: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    const folder = await openServerFolder()
    closers.push(folder.close)
    const start = () => folder.start({ SKEIN_AUTH: 'accounts', ...environment })
    let server = await start()
    const newLine = async (): Promise<TcpProxy> => {
      const line = await startTcpProxy(() => server.port)
      closers.push(line.close)
      return line
    }
    const line = await newLine()
    const browser = await launchBrowser()
    closers.push(() => browser.close())
    return {
      browser,
      get server() { return server },
      line,
      newLine,
      restart: async (between, signal) => {
        await server.stop(signal)
        await between?.(folder.data)
        server = await start()
      },
      close
    }
  } catch (error) {
    await close()
    throw error
  }
}

export const addressOf = ({ port }: TcpProxy): string => `http://127.0.0.1:${port}`
