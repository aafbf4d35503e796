import { randomInt } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import SlowestFirst from './support/sequencer.ts'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const root = path('..')

// Loading the server and its libraries again would cost more than half a second for each file. A file restores the state of its process
// that it changes, such as the clock.
const isolate = false

// Node programs that tests start load the compiled code of an earlier start.
process.env.NODE_COMPILE_CACHE ??= path('../.artifacts/compiled/')

// The property tests use it, and the end of the run shows it.
process.env.TASKSPEC_SEED ??= String(randomInt(2 ** 30))

const wire = {
  isolate,
  setupFiles: ['test/support/ran.ts'],
  testTimeout: 300_000, // a test waits for states, which come late on a slow machine
  hookTimeout: 300_000,
  sequence: { groupOrder: 1 },
}

// static: no server, no database. wire: real servers on a real PostgreSQL. unshared: some of them again, with servers set as on Citus.
// verdict: conditions of the run as a whole, so it comes last.
export default defineConfig({
  root,
  test: {
    globalSetup: [path('./support/cluster.ts'), path('./support/programs.ts')],
    maxWorkers: availableParallelism() + 2, // the tests often wait for other processes
    slowTestThreshold: 60_000, // one line for each file
    sequence: { sequencer: SlowestFirst },
    reporters: ['default', path('./support/reporter.ts')],
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
          ...wire,
          name: 'wire',
          include: ['test/**/*.test.ts'],
          exclude: ['test/static/**', 'test/**/*.unit.test.ts', 'test/verdict/**'],
          provide: { sharded: false },
        },
      },
      {
        root,
        test: {
          ...wire,
          name: 'unshared',
          include: ['handlers/*', 'property/*', 'resource/*', 'domain/quota', 'database/batched-*'].map(name => `test/${name}.test.ts`),
          exclude: ['test/**/*.unit.test.ts'],
          provide: { sharded: true },
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
