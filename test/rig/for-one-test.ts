/** What one test starts of a server, and what ends with that test. */
import { onTestFinished } from 'vitest'
import WebSocket from 'ws'
import { routes } from '../../shared/api/routes.ts'
import { startServer, temporaryFolder } from './server-process.ts'
import type { ServerProcess } from './server-process.ts'

export const startForTest = async (environment: Record<string, string> = {}): Promise<ServerProcess> => {
  const folder = await temporaryFolder()
  onTestFinished(folder.remove)
  const server = await startServer(folder.path, environment)
  onTestFinished(async () => void await server.stop())
  return server
}

/** @returns the HTTP status with which an upgrade was refused, 101 when it was not; then the socket stays open */
export const upgradeStatus = ({ syncUrl }: ServerProcess, headers: Record<string, string> = {}): Promise<number> => new Promise(resolve => {
  const socket = new WebSocket(`${syncUrl}/artifact/for-one-test`, { headers })
  onTestFinished(() => socket.terminate())
  socket.on('error', () => {})
  socket.once('open', () => resolve(101))
  socket.once('unexpected-response', (_request, response) => resolve(response.statusCode!))
})

/** The cookie of somebody whom nobody knew. */
export const guestCookie = async ({ url }: Pick<ServerProcess, 'url'>, headers: Record<string, string> = {}): Promise<string> =>
  (await fetch(`${url}${routes.me()}`, { headers })).headers.get('set-cookie')!.split(';')[0]!
