// Who may import whom, and why. The table that the lint rule `skein/layers` reads, first match first.

/**
 * @typedef {object} Layer
 * @property {RegExp} files the files that this is about, as paths from the root of the repository
 * @property {RegExp[]} may what of ours they may import, beside files of their own folder
 * @property {RegExp} own their own folder
 * @property {string} because
 */

const SHARED = /^shared\//
const GATE = /^server\/gate\//
const ROOM = /^server\/room\//
const EDGE = /^server\/edge\//
const DIRECTORY = /^server\/directory\//
const IDENTITY = /^server\/identity\//
const TELEMETRY_PORT = /^server\/telemetry\/port\.ts$/
/** The log keeps the database, and others keep entries of their own in it. */
const STORE_PORT = /^server\/log\/store-port\.ts$/
const PORTS = /^server\/[^/]+\/(?:port|[\w-]+-port)\.ts$/
/** Decisions that the directory carries out at their turn: pure, and part of what its port is asked. */
const MEMBERSHIP = /^server\/directory\/membership\.ts$/
const SDK = /^client\/sync\//
const STATE = /^client\/app\/state\//
const APP = /^client\/app\//

/** They may import anything, adapters too: the composition roots, and whatever exists to test. */
export const UNBOUND = /^server\/(?:main|cli|open-identity|open-models|export-stopped|open-server|embed)\.ts$|\.test\.ts$|^test\/|^scripts\/|^bench\/|^[\w.-]+\.config\.(?:ts|js)$/

/**
 * Implementations of ports. Within such a family they may import one another; nobody else may, but for the unbound.
 * @type {{ files: RegExp, family: RegExp }[]}
 */
export const ADAPTERS = [
  { files: /^server\/log\/(?:leveldb|memory|jetstream)/, family: /^server\/log\/(?:leveldb|memory|jetstream)/ },
  { files: /^server\/directory\/(?:leveldb|memory|[\w-]+-adapter)/, family: /^server\/directory\/(?:leveldb|memory|[\w-]+-adapter)/ },
  { files: /^server\/identity\/(?!port\.ts$|[\w-]+-port\.ts$)/, family: /^server\/identity\// },
  { files: /^server\/agents\/adapters\//, family: /^server\/agents\/adapters\// },
  { files: /^server\/telemetry\/open-telemetry/, family: /^server\/telemetry\/open-telemetry/ },
]

export const ADAPTER_REASON = 'an adapter is chosen in server/open-server.ts, open-identity.ts and open-models.ts alone (and by tests): everything else knows its port, so that another adapter can take its place'

/** Only tests may lean on tests, on scripts and on benchmarks. */
export const NEVER_SHIPPED = { files: /^test\/|^scripts\/|^bench\/|\.test\.ts$/, because: 'what ships must not need what does not ship' }

/** @type {Layer[]} */
export const LAYERS = [
  {
    files: SHARED, own: SHARED, may: [],
    because: 'shared/ is the language both sides speak: it imports nothing of ours, so that server and browser can each rely on it',
  },
  ...['gate', 'log'].map((name) => {
    const own = new RegExp(`^server/${name}/`)
    return { files: own, own, may: [SHARED], because: `server/${name} imports shared/ only: it can be read, tested and replaced by itself` }
  }),
  {
    files: DIRECTORY, own: DIRECTORY, may: [SHARED, STORE_PORT],
    because: 'server/directory imports shared/ and the port of the database only: it can be read, tested and replaced by itself',
  },
  {
    files: IDENTITY, own: IDENTITY, may: [SHARED, STORE_PORT, TELEMETRY_PORT],
    because: 'server/identity imports shared/ and the ports of the database and the audit trail only: it can be read, tested and replaced by itself',
  },
  {
    files: ROOM, own: ROOM, may: [SHARED, GATE, PORTS],
    because: 'server/room imports server/gate and ports (server/*/port.ts): the write path knows what it needs, not who provides it',
  },
  { files: EDGE, own: EDGE, may: [SHARED], because: 'server/edge imports shared/ only: it knows requests, not what they are about' },
  ...['connection', 'api', 'agents'].map((name) => {
    const own = new RegExp(`^server/${name}/`)
    return { files: own, own, may: [SHARED, ROOM, PORTS, MEMBERSHIP, ...name === 'agents' ? [] : [EDGE]], because: `server/${name} stands on server/room and ports: all writes go through a room` }
  }),
  ...['events', 'search', 'assets', 'telemetry'].map((name) => {
    const own = new RegExp(`^server/${name}/`)
    return { files: own, own, may: [SHARED, PORTS], because: `server/${name} imports shared/ and ports: it follows what rooms did and does not reach into them` }
  }),
  { files: /^server\//, own: /^server\//, may: [SHARED], because: 'the server knows nothing of the client but the language in shared/' },
  {
    files: SDK, own: SDK, may: [SHARED],
    because: 'client/sync imports shared/ only: the SDK runs in any browser and in Node, under any framework',
  },
  { files: STATE, own: STATE, may: [SHARED, SDK], because: 'client/app/state is a thin layer over client/sync and shared/' },
  {
    files: APP, own: APP, may: [SHARED, STATE],
    because: 'components see client/app/state, not the SDK under it: state has one home',
  },
  { files: /^client\//, own: /^client\/(?!app\/)/, may: [SHARED, SDK], because: 'what is built on the SDK imports client/sync and shared/' },
]
