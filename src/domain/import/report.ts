// The numbers of an import so far, and the reasons of the rows that failed.
import type { components } from '../../../generated/api.ts'
import { Problem } from '../../contract/problem.ts'

export type ImportReport = components['schemas']['ImportReport']
/** Something of a file that could not be read. `lost` is how much: a value of an item that follows, the row, or the rest of the file. */
export type ImportFault = { line: number; place: string | null; reason: string; lost: 'value' | 'row' | 'rest' }
/** The later one wins for an item that a file has twice. */
const outcomes = ['unchanged', 'updated', 'created'] as const
export type Outcome = (typeof outcomes)[number]

const maxListed = 1_000
/** More errors end the file, so that a hostile one is cheap. */
const maxErrors = 10_000
const maxPlaceLength = 100 // a column of a file may have any name

export type Report = ReturnType<typeof createReport>

export function createReport(dryRun: boolean) {
  const items = new Map<string, Outcome>()
  const counts = { created: 0, updated: 0, unchanged: 0 }
  const errors: ImportReport['errors'] = []
  let found = 0
  let failed = 0
  let isComplete = true
  let lostLine = 0

  function add({ line, place, reason }: Pick<ImportFault, 'line' | 'place' | 'reason'>) {
    found++
    const error = { line, place: place === null ? null : place.slice(0, maxPlaceLength), reason }
    if (errors.length < maxListed) errors.push(error)
    else if (!isComplete) errors[maxListed - 1] = error // the reason of the end is the last one
  }

  return {
    /** An item is counted once, however often it comes. */
    count(id: string, outcome: Outcome) {
      const before = items.get(id)
      if (before !== undefined && outcomes.indexOf(before) >= outcomes.indexOf(outcome)) return
      if (before !== undefined) counts[before]--
      counts[outcome]++
      items.set(id, outcome)
    },

    /** An item is refused. */
    fail(line: number, reasons: { place: string | null; reason: string }[]) {
      failed++
      for (const each of reasons) add({ line, ...each })
    },

    /** A reader has met a fault. */
    note(fault: ImportFault) {
      if (fault.lost === 'row' && fault.line !== lostLine) failed++ // a record of CSV may have several faults
      if (fault.lost === 'row') lostLine = fault.line
      if (fault.lost === 'rest') isComplete = false
      add(fault)
    },

    hasTooManyErrors: () => found >= maxErrors,

    body: (): ImportReport => ({ dryRun, ...counts, failed, isComplete, errors, hasMoreErrors: found > errors.length }),

    /** The same problem, with what was done before it. */
    interrupted(problem: Problem): Problem {
      const done = counts.created + counts.updated
      if (dryRun || done === 0) return problem
      const { kind, message, headers, errors, cause } = problem
      const detail = `${message} Before that, ${counts.created} items were created and ${counts.updated} were updated. Import the same file again for the rest.`
      return new Problem(kind, { detail, headers, errors, cause })
    },
  }
}
