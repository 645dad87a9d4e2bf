// Three groups of tests, one after the other: fast ones and browsers, three files at a time, and processes that are killed, one at a time.

import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

/** For two cores: what is tested waits much of the time, for disks, clocks and pages. */
const AT_ONCE = 3
const browsers = ['test/e2e/**/*.test.ts']
/** They measure, kill and wait for real processes: a busy neighbour would make them slow or wrong. */
const alone = ['test/crash/**/*.test.ts', 'test/e2e/identity-story.test.ts']

export default defineConfig({
  plugins: [svelte({ configFile: false })],
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 10_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{shared,server,client,test}/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...browsers, ...alone],
          sequence: { groupOrder: 0 },
          maxWorkers: AT_ONCE,
        },
      },
      {
        extends: true,
        test: {
          name: 'browsers',
          include: browsers,
          exclude: ['**/node_modules/**', ...alone],
          sequence: { groupOrder: 1 },
          maxWorkers: AT_ONCE,
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: alone,
          sequence: { groupOrder: 2 },
          maxWorkers: 1,
          fileParallelism: false,
        },
      },
    ],
    coverage: {
      provider: 'v8',
      reporter: ['json'],
      reportsDirectory: 'coverage',
      reportOnFailure: true,
      // What holds people's data: see scripts/ground/coverage.js.
      include: ['server/{gate,log,room}/**/*.ts', 'client/sync/**/*.ts'],
      exclude: ['**/*.test.ts', '**/*.d.ts'],
    },
  },
})
