/** For programs that run the server inside themselves and know their people: see docs/embedding.md. */
import { readConfig } from './config.ts'
import { IdentityByFunction } from './identity/by-function.ts'
import type { Authenticate } from './identity/by-function.ts'
import type { Revocation } from './identity/port.ts'
import { openServer } from './open-server.ts'

export type { Authenticate, KnownPerson } from './identity/by-function.ts'
export type { Credentials, Revocation } from './identity/port.ts'

export interface EmbeddedServerOptions {
  /** Says who a request comes from; asked for each request and each socket, so it should be quick. */
  authenticate: Authenticate
  /** Made when it does not exist. */
  dataFolder: string
  /** A free one when left out. */
  port?: number
  /** `127.0.0.1` when left out. */
  host?: string
  /** What else the environment of the server says (docs/operations.md), but `SKEIN_AUTH`. */
  environment?: Readonly<Record<string, string>>
}

export interface EmbeddedServer {
  port: number
  /** `http://host:port` */
  url: string
  /** Ends sockets and feeds at once that are open by a credential or by a person. */
  revoke(gone: Revocation): void
  /** Resolves when all is on disk and closed. */
  close(): Promise<void>
}

/** @throws ConfigError, DataFolderError: with lines for whoever runs the program */
export const createServer = async (options: EmbeddedServerOptions): Promise<EmbeddedServer> => {
  const { authenticate, dataFolder, port: wanted = 0, host = '127.0.0.1', environment = {} } = options
  const config = readConfig({ LOG_LEVEL: 'warn', ...environment, SKEIN_AUTH: 'accounts', SKEIN_DATA: dataFolder, PORT: String(wanted), HOST: host })
  const people = new IdentityByFunction(authenticate)
  const server = await openServer(config, { env: environment, people })
  const { port } = await server.listen(config.port, config.host)
  return {
    port,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    revoke: gone => people.revoke(gone),
    close: () => server.close(),
  }
}
