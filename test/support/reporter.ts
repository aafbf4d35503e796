import type { Reporter, TestModule } from 'vitest/node'

/** Ends the run with one plain line, for machines. */
export default class Summary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]) {
    const tests = modules.flatMap(module => [...module.children.allTests()])
    const count = (state: string) => tests.filter(test => test.result().state === state).length
    const broken = modules.filter(module => module.errors().length > 0).length
    // After the runner's own summary.
    setImmediate(() =>
      console.log(`\n${count('passed')} passed, ${count('failed') + broken + errors.length} failed, ${count('skipped')} skipped`),
    )
  }
}
