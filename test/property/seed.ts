// One seed for all properties of a run: the configuration of the tests chooses it, and `TASKSPEC_SEED` repeats a run.
import fc from 'fast-check'
import { inject } from 'vitest'

export const seed = Number(process.env.TASKSPEC_SEED)
if (!Number.isInteger(seed)) throw new Error(`TASKSPEC_SEED must be an integer, and is ${process.env.TASKSPEC_SEED}`)

/**
 * Tries the property with many values, several at a time.
 * Throws with the seed, and with the first value that fails, made as small as it goes.
 */
export async function holds<Values>(property: fc.IAsyncProperty<Values>, { runs, lanes }: { runs: number; lanes: number }): Promise<void> {
  const share = inject('sharded') ? 1 / 3 : 1 // the second time in a run of the suite
  const tried = await Promise.all(
    Array.from({ length: lanes }, (_, lane) =>
      fc.check(property, {
        numRuns: Math.ceil((runs * share) / lanes),
        seed: seed + lane,
        // A slow machine tries fewer, and sooner stops to look for a smaller value.
        interruptAfterTimeLimit: 45_000,
      }),
    ),
  )
  if (tried.some(({ numRuns }) => numRuns === 0)) throw new Error('No value was tried within the time limit.')
  const failed = tried.find(details => details.failed)
  if (failed === undefined) return
  const report = await fc.asyncDefaultReportMessage(failed)
  throw new Error(`Again with TASKSPEC_SEED=${seed}. ${report}`, { cause: failed.errorInstance })
}

/** A machine that stalls for seconds makes the server answer 503, so the work is repeated. An error that a request causes occurs again. */
export async function unlessStalled(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!/\b503\b/.test(String(error))) throw error
    await work()
  }
}
