import { randomInt } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import LongestFirst from './support/sequencer.ts'

const root = new URL('..', import.meta.url).pathname

// To load the server and its libraries anew costs most of a second for each file. What a file changes of its process, such as the clock,
// it puts back.
const isolate = false

// Node programs that tests start load what an earlier start has compiled.
process.env.NODE_COMPILE_CACHE ??= new URL('../.artifacts/compiled/', import.meta.url).pathname

// The property tests use it, and the end of the run shows it.
process.env.TASKSPEC_SEED ??= String(randomInt(2 ** 30))

// static: no server, no database. wire: real servers on a real PostgreSQL.
// verdict: what the run as a whole must have shown, so it comes last.
export default defineConfig({
  root,
  test: {
    maxWorkers: availableParallelism() + 2, // the tests often wait for other processes
    slowTestThreshold: 60_000, // one line for each file
    sequence: { sequencer: LongestFirst },
    reporters: ['default', new URL('./support/reporter.ts', import.meta.url).pathname],
    projects: [
      {
        root,
        test: {
          name: 'static',
          isolate,
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
          isolate,
          include: ['test/**/*.test.ts'],
          exclude: ['test/static/**', 'test/**/*.unit.test.ts', 'test/verdict/**'],
          globalSetup: ['test/support/cluster.ts', 'test/support/programs.ts'],
          setupFiles: ['test/support/ran.ts'],
          testTimeout: 120_000, // a test waits for states, which come late on a slow machine
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        root,
        test: {
          name: 'verdict',
          isolate,
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
