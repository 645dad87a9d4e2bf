/** What is measured: each peer as it comes, with its own persistence, as one process. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serverEnvironment, serverFlags } from '../../scripts/ground/server.js'
import { hocuspocusProtocol, noProtocol, plainProtocol, skeinProtocol } from './protocol.ts'
import type { Protocol } from './protocol.ts'

export interface Peer {
  title: string
  protocol: Protocol
  /** Whether what was written is there after a restart. */
  persists: boolean
  /** Clients write requests into conversations, not plain updates. */
  conversations?: true
  program: string
  /** Of Node, where its own start script gives some. */
  flags?: readonly string[]
  environment(port: number, folder: string): Record<string, string>
}

const bench = dirname(dirname(fileURLToPath(import.meta.url)))
const own = (name: string): string => join(bench, 'servers', 'programs', name)
const skein = join(dirname(bench), 'server', 'main.ts')

const onSkein = {
  protocol: skeinProtocol,
  persists: true,
  program: skein,
  flags: serverFlags,
  environment: (port: number, folder: string) => ({ ...serverEnvironment, PORT: String(port), SKEIN_DATA: folder, SKEIN_AUTH: 'none', SKEIN_OFFLINE_PACE: '0' }),
}

const hocuspocus = (version: 3 | 4): Peer => ({
  title: `Hocuspocus ${version}`,
  protocol: hocuspocusProtocol,
  persists: true,
  program: own('hocuspocus.ts'),
  environment: (port, folder) => ({ PORT: String(port), VERSION: String(version), STORE: join(folder, 'store.sqlite') }),
})

export const peers = {
  'skein': { title: 'Skein, plain updates', ...onSkein },
  'skein-requests': { title: 'Skein, conversations', conversations: true, ...onSkein },
  'y-websocket': {
    title: 'y-websocket 2.1 + LevelDB',
    protocol: plainProtocol,
    persists: true,
    program: join(bench, 'node_modules', 'y-websocket', 'bin', 'server.cjs'),
    environment: (port, folder) => ({ PORT: String(port), HOST: '127.0.0.1', YPERSISTENCE: join(folder, 'store') }),
  },
  'y-websocket-server': {
    title: '@y/websocket-server (no store)',
    protocol: plainProtocol,
    persists: false,
    program: join(bench, 'node_modules', '@y', 'websocket-server', 'src', 'server.js'),
    environment: port => ({ PORT: String(port), HOST: '127.0.0.1' }),
  },
  'hocuspocus-3': hocuspocus(3),
  'hocuspocus-4': hocuspocus(4),
  'relay': {
    title: 'limit: bare ws relay',
    protocol: noProtocol,
    persists: false,
    program: own('relay.ts'),
    environment: port => ({ PORT: String(port) }),
  },
  'durable-relay': {
    title: 'limit: relay behind LevelDB group commit',
    protocol: noProtocol,
    persists: false,
    program: own('relay.ts'),
    environment: (port, folder) => ({ PORT: String(port), STORE: join(folder, 'store') }),
  },
  'paced-relay': {
    title: 'limit: the same, its commits as far apart as Skein\'s',
    protocol: noProtocol,
    persists: false,
    program: own('relay.ts'),
    environment: (port, folder) => ({ PORT: String(port), STORE: join(folder, 'store'), PACED: '1' }),
  },
} satisfies Record<string, Peer> as Record<string, Peer>
