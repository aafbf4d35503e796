import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const root = new URL('..', import.meta.url).pathname

// static: no server, no database. wire: real servers on a real PostgreSQL.
// verdict: what the run as a whole must have shown, so it comes last.
export default defineConfig({
  root,
  test: {
    maxWorkers: availableParallelism() + 1, // the tests mostly wait for other processes
    reporters: ['default', new URL('./support/reporter.ts', import.meta.url).pathname],
    projects: [
      {
        root,
        test: {
          name: 'static',
          include: ['test/static/**/*.test.ts', 'test/**/*.unit.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        root,
        test: {
          name: 'wire',
          include: ['test/**/*.test.ts'],
          exclude: ['test/static/**', 'test/**/*.unit.test.ts', 'test/verdict/**'],
          globalSetup: ['test/support/cluster.ts', 'test/support/programs.ts'],
          setupFiles: ['test/support/ran.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        root,
        test: {
          name: 'verdict',
          include: ['test/verdict/**/*.test.ts'],
          globalSetup: ['test/support/run.ts'],
          setupFiles: ['test/support/whole-run.ts'],
          testTimeout: 30_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
