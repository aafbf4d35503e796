import { BaseSequencer, type TestSpecification } from 'vitest/node'

// The slowest files, slowest first: a slow file that starts last would run alone while the other workers are idle.
const slowest = [
  'main',
  'client/package',
  'property/requests',
  'docs/docs',
  'faults/process',
  'property/account',
  'dev/contract-diff',
  'faults/cuts',
  'faults/overload',
  'ops/backup',
  'ops/container',
  'abuse/bodies',
  'faults/failover',
  'abuse/slow',
  'contract/parity',
  'observe/tracing',
  'faults/outage',
  'bench/bench',
  'auth/authenticator',
  'faults/frozen',
  'faults/killed',
  'faults/keys',
  'faults/disk',
  'domain/quota',
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
