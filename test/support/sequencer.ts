import { BaseSequencer, type TestSpecification } from 'vitest/node'

// The slowest files, slowest first: a slow file that starts last would run alone while the other workers are idle.
const slowest = [
  'client/package',
  'property/requests',
  'contract/parity',
  'database/versions',
  'ops/backup',
  'ops/container',
  'ops/topology',
  'ops/move-accounts',
  'dev/contract-diff',
  'faults/upgrade',
  'domain/search',
  'domain/export',
  'faults/overload',
  'property/account',
  'database/connection',
  'faults/process',
  'dev/sandbox-faults',
  'faults/killed',
  'observe/tracing',
  'database/session',
  'docs/docs',
  'faults/outage',
  'cli/doctor',
  'ops/cells',
  'main',
  'dev/sandbox',
  'dev/sandbox-clock',
  'faults/cuts',
  'bench/bench',
  'faults/failover',
  'abuse/bodies',
  'faults/frozen',
  'faults/disk',
  'auth/keys',
]

/** Runs the slowest files first, and then the others by their names: the same order on every machine. */
export default class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => place(a) - place(b) || a.moduleId.localeCompare(b.moduleId))
  }
}

function place({ moduleId }: TestSpecification): number {
  const index = slowest.findIndex(name => moduleId.endsWith(`/test/${name}.test.ts`))
  return index === -1 ? slowest.length : index
}
