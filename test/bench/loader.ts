// The load process as its parent sees it.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Job, Measure, Outcome } from './load.ts'

export type Loader = Disposable & { run: (job: Job) => Promise<Measure> }

/** Load from a process of its own, so that nothing of ours disturbs it. Runs one job at a time; rejects when any reply was wrong. */
export function loader(): Loader {
  const child = fork(fileURLToPath(new URL('load.ts', import.meta.url)))
  const ended = once(child, 'exit').then(([code]): never => {
    throw new Error(`the load process ended with ${code}`)
  })
  ended.catch(() => {}) // of no interest unless a job waits
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
