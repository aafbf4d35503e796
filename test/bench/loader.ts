// The parent's side of the load process.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Job, Measure, Outcome } from './load.ts'

export type Loader = Disposable & { run: (job: Job) => Promise<Measure> }

/** Starts the load in a separate process, so that this process does not disturb it. Runs one job at a time. Rejects if any reply is incorrect. */
export function createLoader(): Loader {
  const child = fork(fileURLToPath(new URL('load.ts', import.meta.url)))
  const ended = once(child, 'exit').then(([code]): never => {
    throw new Error(`the load process ended with ${code}`)
  })
  ended.catch(() => {}) // matters only while a job waits
  return {
    async run(job) {
      child.send(job)
      const [outcome] = (await Promise.race([once(child, 'message'), ended])) as [Outcome]
      if ('failure' in outcome) throw new Error(outcome.failure)
      return outcome.measure
    },
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  }
}
