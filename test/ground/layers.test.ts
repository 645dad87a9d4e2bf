// The import rules of the repository: what is forbidden is reported with its reason, what is allowed is not.

import { ESLint } from 'eslint'
import { join } from 'node:path'
import tseslint from 'typescript-eslint'
import { describe, expect, test } from 'vitest'
import { root } from '../../scripts/ground/processes.js'
import { layersRule } from '../../scripts/lint/layers-rule.js'

const eslint = new ESLint({
  cwd: root,
  overrideConfigFile: true,
  overrideConfig: [{
    files: ['**/*.ts'],
    languageOptions: { parser: tseslint.parser },
    plugins: { skein: { rules: { layers: layersRule } } },
    rules: { 'skein/layers': 'error' },
  }],
})

async function lint(file: string, source: string): Promise<string[]> {
  const [result] = await eslint.lintText(source, { filePath: join(root, file) })
  return (result?.messages ?? []).map(({ message }) => message)
}

describe('a forbidden import is reported with its reason', () => {
  test.each([
    ['shared/ids.ts', '../server/config.ts', 'imports nothing of ours'],
    ['server/gate/judge.ts', '../room/live-room.ts', 'server/gate imports shared/ only'],
    ['server/log/port.ts', '../directory/port.ts', 'server/log imports shared/ only'],
    ['server/directory/port.ts', '../log/port.ts', 'server/directory imports shared/ and the port of the database only'],
    ['server/room/live-room.ts', '../connection/connection.ts', 'server/room imports server/gate and ports'],
    ['server/room/live-room.ts', '../log/leveldb.ts', 'an adapter is chosen in server/open-server.ts, open-identity.ts and open-models.ts alone'],
    ['server/app.ts', './identity/guest-cookie.ts', 'an adapter is chosen in server/open-server.ts, open-identity.ts and open-models.ts alone'],
    ['server/agents/driver.ts', './adapters/offline.ts', 'an adapter is chosen in server/open-server.ts, open-identity.ts and open-models.ts alone'],
    ['server/api/routes.ts', '../gate/judge.ts', 'all writes go through a room'],
    ['client/sync/client.ts', '../app/state/session.ts', 'client/sync imports shared/ only'],
    ['client/app/components/composer.ts', '../../sync/client.ts', 'components see client/app/state'],
    ['client/app/state/session.ts', '../components/list.ts', 'a thin layer over client/sync'],
    ['server/room/live-room.ts', '../../test/rig/clock.ts', 'what ships must not need what does not ship'],
  ])('%s → %s', async (from, to, reason) => {
    expect(await lint(from, `import { a } from '${to}'`)).toEqual([expect.stringContaining(reason)])
  })

  test.each([
    "import type { A } from '../room/port.ts'",
    "export { a } from '../room/live-room.ts'",
    "const a = await import('../room/live-room.ts')",
  ])('in every form of import: %s', async (source) => {
    expect(await lint('server/gate/judge.ts', source)).toHaveLength(1)
  })
})

describe('an allowed import is not reported', () => {
  test.each([
    ['shared/wire/frame.ts', '../ids.ts'],
    ['server/gate/judge.ts', '../../shared/ids.ts'],
    ['server/gate/judge.ts', './scan.ts'],
    ['server/room/live-room.ts', '../gate/judge.ts'],
    ['server/room/live-room.ts', '../log/port.ts'],
    ['server/connection/connection.ts', '../room/live-room.ts'],
    ['server/log/leveldb/open.ts', '../leveldb-keys.ts'],
    ['server/directory/leveldb-directory.ts', '../log/store-port.ts'],
    ['server/identity/aliases/leveldb-aliases.ts', '../../log/store-port.ts'],
    ['server/main.ts', './log/leveldb.ts'],
    ['server/log/leveldb.test.ts', './leveldb.ts'],
    ['test/contract/log.test.ts', '../../server/log/memory.ts'],
    ['client/sync/client.ts', '../../shared/ids.ts'],
    ['client/app/state/session.ts', '../../sync/client.ts'],
    ['client/app/components/composer.ts', '../state/session.ts'],
    ['server/gate/judge.ts', 'yjs'],
  ])('%s → %s', async (from, to) => {
    expect(await lint(from, `import { a } from '${to}'`)).toEqual([])
  })
})

test('the lint of this repository holds every source file against the layers', async () => {
  const ours = new ESLint({ cwd: root })
  for (const file of ['server/main.ts', 'shared/ids.ts', 'client/app/App.svelte']) {
    const config = await ours.calculateConfigForFile(join(root, file)) as { rules: Record<string, [number]> }
    expect(config.rules['skein/layers']?.[0], file).toBe(2)
  }
})
