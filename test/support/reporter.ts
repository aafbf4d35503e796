import type { Reporter, TestCase, TestModule } from 'vitest/node'
import './checks.ts'

type Result = { state: string; note?: string | undefined; needs?: string | undefined }

/** Ends the run with the seed of its property tests, a line about skipped tests, if there are any, and a line of counts for machines. */
export default class Summary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]) {
    const results = modules.flatMap(module => [...module.children.allTests()].map(resultOf))
    const broken = modules.filter(module => module.errors().length > 0).length
    // After the runner's own summary.
    setImmediate(() => console.log(`\nTASKSPEC_SEED=${process.env.TASKSPEC_SEED}\n${summary(results, broken + errors.length)}`))
  }
}

function resultOf(test: TestCase): Result {
  const result = test.result()
  return { state: result.state, note: result.state === 'skipped' ? result.note : undefined, needs: test.meta().needs }
}

/** `errors` are those outside of tests. */
export function summary(results: Result[], errors: number): string {
  const inState = (state: string) => results.filter(each => each.state === state)
  const skipped = inState('skipped')
  const counts = `${inState('passed').length} passed, ${inState('failed').length + errors} failed, ${skipped.length} skipped`
  if (skipped.length === 0) return counts
  const byNeed = Map.groupBy(skipped, ({ note, needs }) => note ?? needs ?? 'a run without a filter')
  const needs = [...byNeed].map(([need, { length }]) => `${oneLine(need)} (${length})`)
  return `Skipped tests need: ${needs.join('; ')}\n${counts}`
}

const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').trim()
