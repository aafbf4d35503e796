// Removes what was deleted too long ago, in small steps beside the requests. Every process does so, and an owner whose account is in use is
// left for later: no request waits for more than one small statement.
import type { Log } from '../observe/log.ts'
import { pause, shuffled } from './rounds.ts'

/** The rows to remove. */
export type Expiry = {
  /** some owners of it, or none if there is nothing to do */
  owners: () => Promise<string[]>
  /** Removes some of an owner, and resolves with the number of rows: 0 too if the account of the owner is in use. */
  purge: (owner: string) => Promise<number>
}

type Options = {
  log: Log
  /** Aborts when the process begins to stop. */
  stopping: AbortSignal
  /** statements that wait for a connection */
  waiting: () => number
  /** between two rounds, on average */
  roundMs?: number | undefined
}

const minute = 60_000
const stepMs = 100 // between two statements, so that they take a small part of the database's time

/** Starts to remove. `done` resolves when it has stopped. */
export function startPurge({ owners, purge }: Expiry, { log, stopping, waiting, roundMs = 10 * minute }: Options) {
  const counts = { rows: 0, succeededAt: Date.now() / 1000 }
  let isFailing = false
  return { counts: () => counts, done: run() }

  async function run(): Promise<void> {
    // At other times than other processes, which may have started together.
    while (await pause(roundMs * (0.5 + Math.random()), stopping)) {
      try {
        await round()
        counts.succeededAt = Date.now() / 1000
        isFailing = false
      } catch (error) {
        if (!isFailing) log.warn({ error }, 'purge failed')
        isFailing = true
      }
    }
  }

  /** Ends when there is nothing more to do for now. */
  async function round(): Promise<void> {
    for (let removed = 1; removed > 0 && (await idle()); ) {
      removed = 0
      for (const owner of shuffled(await owners())) {
        if (!(await idle())) return
        const rows = await purge(owner)
        counts.rows += rows
        removed += rows
      }
    }
  }

  /** Waits until no statement of a request waits for a connection. Resolves with false when the process stops. */
  async function idle(): Promise<boolean> {
    do {
      if (!(await pause(stepMs, stopping))) return false
    } while (waiting() > 0)
    return true
  }
}
